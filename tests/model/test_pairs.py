from __future__ import annotations

import gzip
import logging
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.pairs import Pairs, read_other_technology, read_pairs
from sicmir_atlas.names import landmarks, mirnas


@pytest.fixture
def frames():
    """Simulated pair: 12 samples, 30 landmarks, 9 miRNAs, log2(x + 1)."""
    rng = np.random.default_rng(0)
    samples = [f"TCGA-AA-{i:04d}-01" for i in range(12)]
    mrna = np.log2(1 + rng.lognormal(4, 1, (12, 30)))
    mirna = np.log2(1 + rng.lognormal(3, 2, (12, 9)))
    return (
        pd.DataFrame(mrna, [f"{s}A" for s in samples], list(landmarks()[:30])),
        pd.DataFrame(mirna, samples, list(mirnas()[:9])),
    )


@pytest.fixture
def read(frames, tmp_path):
    """Read the pair after changes to one side or the other."""

    def run(mrna=lambda table: table, mirna=lambda table: table, strata=None):
        paths = [tmp_path / "mrna.csv", tmp_path / "mirna.csv"]
        for table, change, path in zip(frames, (mrna, mirna), paths, strict=True):
            change(table.copy()).to_csv(path)
        if strata is not None:
            strata.to_csv(tmp_path / "strata.csv", index=False)
        return read_pairs(*paths, tmp_path / "strata.csv" if strata is not None else None)

    return run


def _put(value, row=3, column=4):
    def change(table):
        if isinstance(value, str):
            table = table.astype(object)
        table.iloc[row, column] = value
        return table

    return change


def test_pairs_are_matched_by_name(read, frames):
    pairs = read(mirna=lambda table: table.iloc[::-1].rename(columns=lambda name: f"   {name} "))
    mrna, mirna = frames
    assert list(pairs.mrna.index) == list(pairs.mirna.index) == list(mirna.index)
    np.testing.assert_allclose(pairs.mrna, mrna)
    np.testing.assert_allclose(pairs.mirna, mirna)
    assert list(pairs.mirna.columns) == list(mirnas()[:9])
    assert set(pairs.cohorts) == {"all"}


def test_reading_needs_no_torch(root):
    script = "import sys, sicmir_atlas.model.trainset; print('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(root / "bin")}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_byte_order_mark_and_gzip(frames, tmp_path):
    mrna, mirna = frames
    (tmp_path / "mrna.csv.gz").write_bytes(gzip.compress(mrna.to_csv().encode("utf-8-sig")))
    mirna.to_csv(tmp_path / "mirna.csv", encoding="utf-8-sig")
    assert read_pairs(tmp_path / "mrna.csv.gz", tmp_path / "mirna.csv").mrna.shape == (12, 30)


@pytest.mark.parametrize(
    ("mrna", "mirna", "said"),
    [
        (_put(np.nan), None, r"mrna.csv: no value for sample TCGA-AA-0003-01, gene RHEB"),
        (_put(np.inf), None, r"mrna.csv: sample TCGA-AA-0003-01, gene RHEB is infinite"),
        (None, _put(-np.inf), r"mirna.csv: sample TCGA-AA-0003-01, miRNA hsa-miR-3064-5p is inf"),
        (None, lambda table: table * np.nan, r"mirna.csv holds no value at all"),
        (_put("high"), None, r"mrna.csv: column RHEB is not numeric"),
        (lambda table: table.T, None, r"mrna.csv: row PSME1 is a gene; .* turn the table"),
        (None, lambda table: table.T, r"mirna.csv: row hsa-miR-4739 is a miRNA; .* turn the table"),
        (lambda table: table.iloc[[0, 0]], None, "sample TCGA-AA-0000-01 occurs twice"),
        (lambda table: table.iloc[:0], None, "mrna.csv: 0 samples × 30 genes"),
        (lambda table: table[[]], None, "mrna.csv: 12 samples × 0 genes"),
        (lambda table: table.iloc[:1], None, "share 1 sample; z-scores over samples mean some"),
        (lambda table: table.iloc[:2], None, "share 2 samples; z-scores"),
        (None, lambda table: table.add_prefix("x", axis=0), "share no sample; .*TCGA-AA-0000-01"),
        (lambda table: 2**table - 1, None, r"mrna.csv: the largest value, \d+\.?\d*, is above"),
        (None, lambda table: 2**table - 1, r"mirna.csv: the largest value, .* give log2\(x \+ 1\)"),
        (lambda table: (table - table.mean()) / table.std(), None, "smallest value, -.*z-scores"),
        (_put(np.log2(0.001)), None, r"-9.96578, is below 0.*sample TCGA-AA-0003-01, gene RHEB"),
        (None, lambda table: table - table.mean(), "mirna.csv: the smallest value, -"),
    ],
)
def test_what_cannot_be_learned_from(read, mrna, mirna, said):
    changes = {k: v for k, v in (("mrna", mrna), ("mirna", mirna)) if v}
    with pytest.raises(InputError, match=said):
        read(**changes)


def test_largest_value_is_named_as_it_stands(read, frames, tmp_path):
    linear = 2 ** frames[0] - 1
    row, column = np.unravel_index(linear.to_numpy().argmax(), linear.shape)
    with pytest.raises(InputError) as refused:
        read(mrna=lambda _: linear)
    expected = f"{tmp_path / 'mrna.csv'}: the largest value, {linear.iloc[row, column]:.6g}, is "
    expected += "above 30, which log2(x + 1) never gives "
    expected += f"(sample TCGA-AA-{row:04d}-01, gene {linear.columns[column]}); give "
    expected += "log2(x + 1) of TPM, FPKM, RSEM or RPM: "
    expected += "not counts, linear values, log ratios or z-scores"
    assert str(refused.value) == expected


@pytest.mark.parametrize("second", ["RHEB", " RHEB "])
@pytest.mark.parametrize("name", ["mrna.csv", "mrna.csv.gz"])
def test_a_gene_named_twice_is_told_by_its_name(frames, tmp_path, second, name):
    mrna, mirna = frames
    mrna.set_axis([*mrna.columns[:-1], second], axis=1).to_csv(tmp_path / name)
    mirna.to_csv(tmp_path / "mirna.csv")
    with pytest.raises(InputError, match=r"mrna\.csv.*: gene RHEB occurs twice"):
        read_pairs(tmp_path / name, tmp_path / "mirna.csv")


def test_names_with_a_number_after_a_point_are_names(read, frames):
    named = {"PSME1": "RHEB.1"}
    assert "RHEB.1" in read(mrna=lambda table: table.rename(columns=named)).mrna.columns


def test_tables_of_names_that_nobody_prepares_are_told(read, caplog):
    with caplog.at_level(logging.WARNING):
        read()
        assert not caplog.records
        read(lambda table: table.add_prefix("ENSG"), lambda table: table.add_suffix("-x"))
    genes, names = (record.getMessage() for record in caplog.records)
    assert "mrna.csv: none of its 30 genes is of the published panel" in genes
    assert genes.endswith("its first is ENSGPSME1, that of the panel PSME1")
    assert "mirna.csv: none of its 9 miRNAs is" in names


def test_little_below_zero_and_missing_targets_are_borne(read):
    """Targets moved to another scale reach a little below 0; unmeasured ones are masked."""
    pairs = read(mirna=lambda table: _put(np.nan, 0, 1)(_put(-0.02)(table)))
    assert pairs.mirna.iloc[3, 4] == -0.02
    assert np.isnan(pairs.mirna.iloc[0, 1])


def test_constant_columns_are_counted(read, caplog):
    def flat(n):
        return lambda table: table.assign(**dict.fromkeys(table.columns[:n], 0.0))

    with caplog.at_level(logging.WARNING):
        assert read(mrna=flat(3)).mrna.shape == (12, 30)
    assert "mrna.csv: 3 of 30 genes are constant over all 12 samples, such as PSME1" in caplog.text
    assert read(mrna=flat(15)).mrna.shape == (12, 30)
    with pytest.raises(InputError, match=r"16 of 30 genes are constant .* more than half"):
        read(mrna=flat(16))
    with pytest.raises(InputError, match=r"mirna\.csv: 5 of 9 miRNAs are constant"):
        read(mirna=flat(5))


def test_samples_of_one_table_alone_are_told(read, caplog):
    with caplog.at_level(logging.WARNING):
        pairs = read(mirna=lambda table: table.iloc[4:])
    assert len(pairs.mrna) == len(pairs.mirna) == len(pairs.cohorts) == 8
    assert "4 of 12 samples are not in" in caplog.text
    assert "such as TCGA-AA-0000-01" in caplog.text


def test_cohorts(read, frames):
    samples = list(frames[0].index)
    strata = pd.DataFrame({"sample": samples, "cohort": ["A", "B"] * 6})
    assert list(read(strata=strata).cohorts) == ["A", "B"] * 6
    assert list(read(strata=pd.concat([strata, strata])).cohorts) == ["A", "B"] * 6
    with pytest.raises(InputError, match="no cohort for sample TCGA-AA-0000-01"):
        read(strata=strata.iloc[1:])
    other = strata.assign(cohort="C").iloc[:1]
    with pytest.raises(InputError, match="two cohorts for sample TCGA-AA-0000-01: A, C"):
        read(strata=pd.concat([strata, other]))
    with pytest.raises(InputError, match="needs the columns sample and cohort"):
        read(strata=strata.rename(columns={"cohort": "group"}))


@pytest.mark.parametrize("content", [b"", b"PAR1\x15\x04\xb0\xff", b'"a\n'])
def test_what_is_no_table(frames, tmp_path, content):
    (tmp_path / "mrna.csv").write_bytes(content)
    frames[1].to_csv(tmp_path / "mirna.csv")
    with pytest.raises(InputError, match=r"mrna\.csv"):
        read_pairs(tmp_path / "mrna.csv", tmp_path / "mirna.csv")
    with pytest.raises(InputError, match=r"no file .*gone\.csv"):
        read_pairs(tmp_path / "gone.csv", tmp_path / "mirna.csv")


@pytest.fixture
def read_other(frames, tmp_path):
    """Read the values of the pair, of other samples in another unit and changed, beside it."""
    like = Pairs(*frames, pd.Series("all", index=frames[1].index))
    like.mrna.index = like.mirna.index

    def run(mrna=lambda table: table, mirna=lambda table: table):
        paths = [tmp_path / "other_mrna.csv", tmp_path / "other_mirna.csv"]
        for table, change, path in zip(frames, (mrna, mirna), paths, strict=True):
            other = (table - table.mean()).rename(index=lambda name: name.replace("-AA-", "-BB-"))
            change(other).to_csv(path)
        return read_other_technology(*paths, None, like=like)

    return run


def test_another_technology_may_lack_genes_and_values(read_other, frames):
    def few_genes(table):
        return _put(np.nan)(table).iloc[:, :15]

    read = read_other(few_genes, lambda table: table.iloc[:, 1:])
    assert list(read.mrna.columns) == list(frames[0].columns)
    assert read.mrna.isna().sum().sum() == 12 * 15 + 1
    assert read.mirna.columns[read.mirna.isna().all()].tolist() == [mirnas()[0]]


@pytest.mark.parametrize(
    ("mrna", "mirna", "said"),
    [
        (lambda table: table.iloc[:, :14], None, "lacks 16 of 30 genes, such as"),
        (lambda table: table * np.nan, None, "lacks 30 of 30 genes, such as PSME1"),
        (None, lambda table: table * np.nan, "no value of the 9 miRNAs .* such as hsa-miR-4739"),
        (None, lambda table: table.add_prefix("x"), "first column is xhsa-miR-4739"),
        (_put(-np.inf), None, "other_mrna.csv: sample TCGA-BB-0003-01, gene RHEB is infinite"),
        (None, _put(np.inf), "other_mirna.csv: sample TCGA-BB-0003-01, miRNA .* is infinite"),
    ],
)
def test_tables_of_another_technology_that_say_nothing(read_other, mrna, mirna, said):
    changes = {k: v for k, v in (("mrna", mrna), ("mirna", mirna)) if v}
    with pytest.raises(InputError, match=said):
        read_other(**changes)


@pytest.mark.parametrize("known", ["TCGA-AA-0003-01", "TCGA-AA-0003-11B"])
def test_no_patient_has_samples_of_both_technologies(read_other, known):
    def one(table):
        return table.rename(index={table.index[5]: known})

    with pytest.raises(InputError, match=f"1 of 12 samples .* such as {known[:15]};"):
        read_other(one, one)


@pytest.mark.real
def test_public_tables_pass(shared_data):
    bulk = shared_data / "bulk"
    pairs = read_pairs(
        bulk / "tcga_rnaseq_log2_977.csv.gz",
        bulk / "tcga_rnaseq_stemloop_log2rpm.csv.gz",
        bulk / "tcga_rnaseq_samples.csv",
    )
    assert pairs.mrna.shape == (414, 977)
    with pytest.raises(InputError, match=r"-7\.2698, is below 0"):
        read_pairs(
            bulk / "tcga_array_log2ratio_landmarks.csv.gz",
            bulk / "tcga_array_stemloop_log2rpm.csv.gz",
        )
