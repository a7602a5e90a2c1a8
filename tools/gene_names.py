"""Build the gene and miRNA name tables of the package from published lists of names.

    python tools/gene_names.py L1000_LANDMARKS MIRNA_PANEL HGNC_PREVIOUS FEATURES_TSV

L1000_LANDMARKS  tsv: symbol, previous_symbol (SiCmiR's 977 landmark genes, in order)
MIRNA_PANEL      one mature miRNA a line (SiCmiR's 1298, in order)
HGNC_PREVIOUS    csv: Symbol, Approved.Symbol (HGNC, every symbol it has known)
FEATURES_TSV     features.tsv.gz of a Cell Ranger reference: Ensembl id, symbol
"""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd

DATA = Path(__file__).resolve().parents[1] / "bin" / "sicmir_atlas" / "data"
MITOCHONDRIAL_RRNA = {"MT-RNR1": "ENSG00000211459", "MT-RNR2": "ENSG00000210082"}


def main(landmarks: str, panel: str, hgnc: str, features: str) -> None:
    published = pd.read_csv(landmarks, sep="\t", keep_default_na=False)
    known = pd.read_csv(hgnc, keep_default_na=False)
    approved = known.groupby("Symbol")["Approved.Symbol"].agg(set).to_dict()
    reference = pd.read_csv(features, sep="\t", header=None, usecols=[0, 1], names=["id", "symbol"])
    ids = reference.groupby("symbol")["id"].agg(list).to_dict()

    rows, aliases = [], []
    for symbol, other in published.itertuples(index=False):
        current = approved_symbol(symbol, other, approved)
        spellings = {symbol, current, *(s for s, a in approved.items() if a == {current})}
        found = sorted({i for s in spellings for i in ids.get(s, [])})
        if len(found) != 1:
            sys.exit(f"{symbol}: Ensembl ids {found} for {sorted(spellings)}")
        rows.append((symbol, current, found[0]))
        aliases += [(name, symbol, "") for name in sorted(spellings - {symbol, current})]
        aliases += [
            (name, symbol, "|".join(sorted(genes - {current})))
            for name, genes in sorted(approved.items())
            if current in genes and len(genes) > 1 and name not in genes
        ]

    names = pd.DataFrame(rows, columns=["symbol", "approved_symbol", "ensembl_gene_id"])
    assert names["ensembl_gene_id"].is_unique
    names.to_csv(DATA / "landmarks.tsv", sep="\t", index=False)
    taken = {*names["symbol"], *names["approved_symbol"]}
    table = pd.DataFrame(
        [a for a in aliases if a[0] not in taken], columns=["alias", "symbol", "also_names"]
    )
    assert table.loc[table["also_names"] == "", "alias"].is_unique
    table.to_csv(DATA / "landmark_aliases.tsv", sep="\t", index=False)

    mirnas = [line.strip().lstrip("\ufeff") for line in Path(panel).read_text().splitlines()]
    (DATA / "mirnas.txt").write_text("\n".join(m for m in mirnas if m) + "\n")
    mito = {s: i[0] for s, i in ids.items() if s.startswith("MT-")} | MITOCHONDRIAL_RRNA
    pd.DataFrame(sorted(mito.items()), columns=["symbol", "ensembl_gene_id"]).to_csv(
        DATA / "mitochondrial.tsv", sep="\t", index=False
    )


def approved_symbol(symbol: str, other: str, approved: dict[str, set[str]]) -> str:
    """HGNC's symbol for a landmark: its own, the published alternative, or the only candidate."""
    candidates = approved.get(symbol, {symbol})
    if symbol in candidates:
        return symbol
    if other in candidates:
        return other
    (only,) = candidates
    return only


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
