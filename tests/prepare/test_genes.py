from __future__ import annotations

import gzip

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from sicmir_atlas.names import landmarks, read_data_table
from sicmir_atlas.prepare.genes import resolve_genes, resolve_libraries
from sicmir_atlas.prepare.measure import LandmarkCounter

PANEL = read_data_table("landmarks.tsv").set_index("symbol")


def table(names, symbols=None):
    symbols = [None] * len(names) if symbols is None else symbols
    return pd.DataFrame({"name": names, "symbol": symbols}, dtype="string")


def resolved(names, symbols=None):
    """Landmark symbol that each gene resolves to, or None."""
    genes = resolve_genes(table(names, symbols))
    return [landmarks()[i] if i >= 0 else None for i in genes.landmark]


def test_the_whole_panel_by_symbol():
    genes = resolve_genes(table(list(landmarks())))
    assert genes.landmark.tolist() == list(range(977))
    assert genes.n_found == 977
    assert not genes.missing


@pytest.mark.parametrize("ending", ["", ".1", ".15", ".3_2"])
def test_the_whole_panel_by_ensembl_id_of_any_version(ending):
    ids = [i + ending for i in PANEL["ensembl_gene_id"]]
    assert resolved(ids) == list(landmarks())
    assert resolved([f"x{i}" for i in range(977)], ids) == list(landmarks())


def test_the_whole_panel_by_current_symbol():
    current = list(PANEL["approved_symbol"])
    assert sum(a != b for a, b in zip(current, landmarks(), strict=True)) > 30
    assert resolved(current) == list(landmarks())


def test_symbols_in_the_second_column():
    assert resolved(["g1", "g2"], ["PSME1", None]) == ["PSME1", None]


def test_previous_symbols_and_aliases_of_one_gene_alone():
    assert resolved(["ADCK3", "COQ8A"][:1]) == ["ADCK3"]
    assert resolved(["PA28ALPHA", "C10orf70"]) == ["PSME1", "CISD1"]


def test_versions_are_cut_from_ensembl_ids_only():
    assert resolved(["PSME1.1", "AL627309.1"]) == [None, None]


def test_names_are_not_guessed_from_case_or_parts():
    assert resolved(["psme1", "Psme1", "PSME1-AS1", "ENSG00000092010x"]) == [None] * 4


def test_duplicates_add_up():
    ensembl = PANEL.loc["PSME1", "ensembl_gene_id"]
    genes = resolve_genes(table([ensembl + ".1", "other", ensembl + ".2"]))
    counts = LandmarkCounter(genes).landmarks(sparse.csr_matrix([[2, 9, 3], [0, 0, 4]]))
    assert counts.shape == (2, 977)
    assert counts[:, 0].toarray().ravel().tolist() == [5, 4]
    assert counts.sum() == 9


def test_a_better_kind_of_name_wins():
    ensembl = PANEL.loc["PSME1", "ensembl_gene_id"]
    assert resolved(["PSME1", ensembl, "PA28ALPHA"]) == [None, "PSME1", None]
    assert resolved(["PA28ALPHA", "PSME1"]) == [None, "PSME1"]
    # a gene whose id is one landmark's and whose symbol another's goes by its id
    assert resolved([ensembl], ["CISD1"]) == ["PSME1"]


def test_kinds_are_chosen_for_each_landmark_alone():
    ensembl = PANEL.loc["PSME1", "ensembl_gene_id"]
    assert resolved([ensembl, "CISD1", "IFI5111"]) == ["PSME1", "CISD1", None]


@pytest.mark.parametrize(
    ("alias", "landmark", "others"), [("GIF", "MIF", "CBLIF, MT3"), ("RAGE", "MOK", "AGER")]
)
def test_an_ambiguous_alias_is_never_taken_and_named(alias, landmark, others):
    genes = resolve_genes(table([alias, "PSME1"]))
    assert genes.landmark.tolist() == [-1, 0]
    expected = f"only under an ambiguous alias: {alias} (also {others})"
    assert genes.missing[landmark] == expected


def test_an_ambiguous_alias_is_not_mentioned_where_the_gene_is_there():
    genes = resolve_genes(table(["GIF", "MIF"]))
    assert genes.landmark.tolist() == [-1, landmarks().index("MIF")]
    assert "MIF" not in genes.missing


def test_every_landmark_that_is_missing_is_listed_in_panel_order():
    left_out = set(landmarks()[::10])
    genes = resolve_genes(table([s for s in landmarks() if s not in left_out]))
    assert list(genes.missing) == [s for s in landmarks() if s in left_out]
    assert set(genes.missing.values()) == {"absent"}
    assert genes.n_found == 977 - len(left_out)


def test_no_genes_at_all():
    genes = resolve_genes(table([]))
    assert len(genes.missing) == 977
    assert genes.landmark.size == genes.mitochondrial.size == 0


@pytest.mark.parametrize(
    ("name", "symbol", "is_mt"),
    [
        ("MT-CO1", None, True),
        ("mt-Nd1", None, True),
        ("ENSG00000198804", None, True),
        ("ENSG00000198804.2", None, True),
        ("x", "MT-CYB", True),
        ("ENSG00000198804.2", "COX1", True),
        ("x", "ENSG00000210082", True),  # 16S ribosomal RNA
        ("MTOR", "MTOR", False),
        ("MTATP6P1", None, False),
        ("ENSG00000092010", "PSME1", False),
    ],
)
def test_mitochondrial_genes_by_symbol_and_id(name, symbol, is_mt):
    assert resolve_genes(table([name], [symbol])).mitochondrial.tolist() == [is_mt]


@pytest.mark.real
def test_aliases_are_those_of_hgnc_and_only_those_of_one_gene(shared_data):
    """HGNC's previous symbols, from another source than the package's table was made of."""
    with gzip.open(shared_data / "facts/hgnc_previous_symbols.csv.gz", "rt") as file:
        hgnc = pd.read_csv(file, dtype=str, keep_default_na=False)
    genes_of = hgnc.groupby("Symbol")["Approved.Symbol"].agg(set)
    current = {*PANEL["approved_symbol"], *PANEL.index}
    older = [name for name in genes_of.index if name not in current]
    got = {name: mark for name, mark in zip(older, resolved(older), strict=True) if mark}
    assert len(got) > 2000
    assert {name: genes_of[name] for name in got} == {
        name: {PANEL.loc[mark, "approved_symbol"]} for name, mark in got.items()
    }
    # and the other way: what HGNC knows for one landmark alone is taken
    lost = {
        name
        for name, genes in genes_of.items()
        if name not in current and len(genes) == 1 and genes <= current and name not in got
    }
    assert len(lost) < 0.02 * len(got), sorted(lost)


@pytest.mark.real
def test_the_panels_own_previous_symbols_resolve(shared_data):
    rows = pd.read_csv(shared_data / "facts/l1000_landmarks.tsv", sep="\t", dtype=str).dropna()
    got = {row.previous_symbol: resolved([row.previous_symbol])[0] for row in rows.itertuples()}
    unresolved = {name for name, landmark in got.items() if landmark is None}
    expected = dict(zip(rows["previous_symbol"], rows["symbol"], strict=True))
    assert {k: v for k, v in got.items() if v} == {
        k: v for k, v in expected.items() if k not in unresolved
    }
    assert len(got) == 39
    assert unresolved == {"GIF"}  # CBLIF and MT3 have been called so too


def test_counts_are_kept_however_genes_are_ordered():
    rng = np.random.default_rng(0)
    order = rng.permutation(977)
    counts = rng.poisson(1.0, (5, 977))
    genes = resolve_genes(table(list(np.array(landmarks())[order])))
    picked = LandmarkCounter(genes).landmarks(sparse.csr_matrix(counts[:, order]))
    assert (picked.toarray() == counts).all()


def libraries(*tables):
    """Genes of libraries below one another, and where those of each are."""
    ends = np.cumsum([0, *map(len, tables)])
    places = {f"L{i}": np.arange(ends[i], ends[i + 1]) for i in range(len(tables))}
    return pd.concat(tables, ignore_index=True), places


def test_libraries_may_be_named_in_ways_of_their_own(shared_data):
    panel = read_data_table("landmarks.tsv")
    by_id = table([f"{i}.5" for i in panel["ensembl_gene_id"]], list(panel["symbol"]))
    by_symbol, by_other = table(list(landmarks())), table(list(panel["ensembl_gene_id"]))
    genes = resolve_libraries(*libraries(by_id, by_symbol, by_other))
    assert genes.missing == {}
    assert genes.landmark.tolist() == [*range(977)] * 3


def test_a_landmark_that_one_library_lacks_is_missing():
    every, few = table(list(landmarks())), table(list(landmarks()[3:]))
    genes = resolve_libraries(*libraries(every, few, every))
    assert genes.missing == dict.fromkeys(landmarks()[:3], "absent from L1")
    assert set(genes.landmark.tolist()) == {-1, *range(3, 977)}
    nowhere = resolve_libraries(*libraries(few, few))
    assert nowhere.missing == dict.fromkeys(landmarks()[:3], "absent")
