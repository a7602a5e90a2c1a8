from __future__ import annotations

import json
from pathlib import Path

import pytest

from sicmir_atlas.check import InvalidInputError, check_parameters, check_samplesheet
from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.samplesheet import samplesheet_schema

ROOT = Path(__file__).parents[1]
COLUMNS = samplesheet_schema()
PARAMETERS = json.loads((ROOT / "nextflow_schema.json").read_text())
SHA = "a" * 64
MD5 = "b" * 32


@pytest.fixture
def check(tmp_path):
    def run(text, name="datasets.csv", base="/data/study", **options):
        sheet = tmp_path / name
        sheet.write_bytes(text if isinstance(text, bytes) else text.encode())
        return check_samplesheet(sheet, base=base, **options)

    return run


def problems(check, text, **options):
    with pytest.raises(InvalidInputError) as caught:
        check(text, **options)
    return list(caught.value.problems)


def test_rows_have_every_column_and_null_for_empty_cells(check):
    rows = check(
        "dataset_id,source,url,tissue,title\n"
        'a,file,./x/a.h5ad, obs:tissue ,"Blood, ""quoted"" é"\n'
        "b,url,https://h.org/m.mtx|https://h.org/f.tsv,,\n"
    )
    assert [list(row) for row in rows] == [list(COLUMNS["items"]["properties"])] * 2
    assert rows[0]["tissue"] == "obs:tissue"
    assert rows[0]["title"] == 'Blood, "quoted" é'
    assert rows[0]["doi"] is None
    assert rows[1]["tissue"] is None


@pytest.mark.parametrize(
    ("base", "url", "expected"),
    [
        ("/data", "a.h5ad", "/data/a.h5ad"),
        ("/data/", "./a.mtx|sub/b.tsv", "/data/a.mtx|/data/sub/b.tsv"),
        ("s3://bucket/x", "a.h5ad", "s3://bucket/x/a.h5ad"),
        ("/data", "/elsewhere/a.h5ad", "/elsewhere/a.h5ad"),
        ("/data", "gs://bucket/a.h5ad", "gs://bucket/a.h5ad"),
    ],
)
def test_paths_belong_to_the_folder_of_the_samplesheet(check, base, url, expected):
    (row,) = check(f"dataset_id,source,url\na,file,{url}\n", base=base)
    assert row["url"] == expected


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("contact_email", "o'neil@example.org"),
        ("requester_pays", "my'project"),
        ("geo_url", "https://example.org/'; touch x; '"),
        ("scbasecount_url", "gs://bucket/a release"),
    ],
)
def test_what_stands_between_quotes_in_a_command_cannot_end_them(name, value):
    with pytest.raises(InvalidInputError, match=f"--{name}: "):
        check_parameters({name: value}, schema=PARAMETERS)


def test_yaml_with_the_same_keys_gives_the_same_rows(check):
    csv = check(
        f"dataset_id,source,url,sha256,donor,title\na,file,x.mtx|y.tsv,{SHA}|md5:{MD5},1,T\n"
    )
    listed = f"""
- dataset_id: a
  source: file
  url: [x.mtx, y.tsv]
  sha256: {SHA}|md5:{MD5}
  donor: 1
  title: T
"""
    assert check(listed, name="d.yaml") == csv
    assert check("datasets:\n" + listed, name="d.yml") == csv


def test_byte_order_mark_crlf_and_blank_lines_are_no_problem(check):
    rows = check(b"\xef\xbb\xbfdataset_id,source,url\r\n\r\na,file,a.h5ad\r\n,,\r\n")
    assert [row["dataset_id"] for row in rows] == ["a"]


def test_all_problems_at_once_with_row_line_and_column(check):
    found = problems(
        check,
        "dataset_id,source,url,sha256,format,organism,filter,qc_profile,tisue\n"
        f'"two\nlines",file,a.h5ad,,,,,,\n'
        f"ok,file,a.h5ad,,,,,,\n"
        f"OK,file,,,,obs:,,,\n"
        f"c,ftp,x,,h5da,,,,\n"
        f"d,url,a.h5ad,{SHA}|{SHA},,,demux=SNG,strict,\n"
        f"e,file,https://h.org/a.h5ad,xyz,,,obs:k=a|,,\n"
        f"f,file,a/m.mtx|b/m.mtx,{SHA},,,,,\n",
    )
    expected = [
        ("column 'tisue'", "no such column; did you mean tissue?"),
        ("row 1 (line 2), column dataset_id", "letters"),
        ("row 3 (line 5), column organism", "obs:cell_type"),
        ("row 3 (line 5), column url", "missing"),
        ("row 4 (line 6), column format", "did you mean h5ad?"),
        ("row 4 (line 6), column source", "none of file, url, geo"),
        ("row 5 (line 7), column filter", "obs:KEY=value"),
        ("row 5 (line 7), column qc_profile", "none of atlas, case, adaptive"),
        ("row 5 (line 7), column url", "no http, https, s3 or gs address"),
        ("row 5 (line 7), column sha256", "2 checksum(s) for 1 file(s)"),
        ("row 6 (line 8), column filter", "obs:KEY=value"),
        ("row 6 (line 8), column sha256", "64 hexadecimal digits"),
        ("row 6 (line 8), column url", "use source url"),
        ("row 7 (line 9), column url", "distinct names"),
        ("row 7 (line 9), column sha256", "1 checksum(s) for 2 file(s)"),
        ("row 3 (line 5), column dataset_id", "'OK' is taken by row 2"),
    ]
    assert len(found) == len(expected), found
    for line, (where, what) in zip(found, expected, strict=True):
        assert line.startswith(where), line
        assert what in line


@pytest.mark.parametrize(
    ("text", "name", "said"),
    [
        ("", "d.csv", "names no dataset"),
        ("dataset_id,source,url\n", "d.csv", "names no dataset"),
        ("[]", "d.yaml", "names no dataset"),
        ("", "d.yaml", "names no dataset"),
        ("datasets:\n", "d.yaml", "names no dataset"),
        ("dataset_id;source;url\na;file;b\n", "d.csv", "separate them by commas"),
        ("dataset_id,source,url\na,file,b,c\n", "d.csv", "4 cells for 3 columns"),
        ("dataset_id,source,url,url\na,file,b,b\n", "d.csv", "more than once"),
        ("- a\n", "d.yaml", "row 1 (line 1), is no map"),
        ("- dataset_id: a\n  source: file\n  url: {a: b}\n", "d.yaml", "column url: a map"),
        ("\n- dataset_id: a\n\n- source: url\n", "d.yaml", "row 2 (line 4), column dataset_id"),
    ],
)
def test_sheets_that_are_no_tables_of_datasets(check, text, name, said):
    assert any(said in line for line in problems(check, text, name=name))


@pytest.mark.parametrize(
    "cells",
    [
        "url,htps://me:hush@x.org/a.h5ad?token=hush",
        "file,https://me:hush@x.org/a.h5ad?token=hush",
        "file,ftp://me:hush@x.org/a.h5ad?token=hush",
        "url,https://me:hush@[x.org/a.h5ad?token=hush",
        "url,https://x.org/a.h5ad?token=hush|https://y.org/a.h5ad?token=hush",
        "https://me:hush@x.org/a.h5ad?token=hush,a.h5ad",
    ],
)
def test_problems_are_told_without_secrets(check, cells):
    (problem,) = problems(check, f"dataset_id,source,url\na,{cells}\n")
    assert "hush" not in problem
    assert "column" in problem


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (b"dataset_id\n\xff\n", "d.csv", "not UTF-8"),
        (b"a: [", "d.yaml", "not YAML"),
        (b"a: b", "d.yaml", "a list of datasets"),
        (b"x", "d.xlsx", ".csv, .yaml or .yml"),
    ],
)
def test_unreadable_sheets_name_the_remedy(check, content, name, said):
    with pytest.raises(InputError, match=said):
        check(content, name=name)


@pytest.mark.parametrize(
    "name", ["../x", "a/b", "a\\\\b", ".a", "-a", "..", "$(touch x)", "a;b", "a'b"]
)
def test_a_dataset_is_named_so_that_it_stays_in_its_folder(check, name):
    (said,) = problems(check, f"dataset_id,source,url\n{name},file,a.h5ad\n")
    assert said.startswith("row 1 (line 2), column dataset_id: ")


def test_files_can_be_kept_out_row_by_row(check):
    text = (
        "dataset_id,source,url\n"
        "a,file,/etc/passwd\nb,url,https://x.org/b.h5ad\nc,file,s3://bucket/c.h5ad\n"
    )
    assert len(check(text)) == 3
    said = problems(check, text, allow_files=False)
    assert [line.partition(": ")[0] for line in said] == [
        "row 1 (line 2), column source",
        "row 3 (line 4), column source",
    ]
    assert "--allow_files false" in said[0]
    for url in ("file:///etc/passwd", "/etc/passwd", "FILE:///etc/passwd", "../etc/passwd"):
        (line,) = problems(check, f"dataset_id,source,url\na,url,{url}\n", allow_files=False)
        assert "no http, https, s3 or gs address" in line


def test_missing_sheet(tmp_path):
    with pytest.raises(GoneError, match="no such samplesheet"):
        check_samplesheet(tmp_path / "none.csv", base="/")


def test_parameters_as_text_are_read_as_the_schema_wants_them():
    values = check_parameters(
        {
            "input": "d.csv",
            "outdir": "out",
            "seed": "7",
            "per_cell": "false",
            "max_pct_mt": "5",
            "min_genes": None,
            "queue": "long",
        },
        schema=PARAMETERS,
    )
    assert values == {
        "input": "d.csv",
        "outdir": "out",
        "seed": 7,
        "per_cell": False,
        "max_pct_mt": 5.0,
        "queue": "long",
    }


def test_every_wrong_parameter_is_named_with_what_was_meant():
    with pytest.raises(InvalidInputError) as caught:
        check_parameters(
            {
                "input": "d.xlsx",
                "seed": "x",
                "balance": "Balanced",
                "max_pct_mt": 101,
                "minUmi": 3,
                "min-umi": 3,
                "boostrap_above": 3,
            },
            schema=PARAMETERS,
        )
    text = "\n".join(sorted(caught.value.problems))
    assert text == (
        '--balance: "Balanced" is none of published, balanced; did you mean balanced?\n'
        "--boostrap_above: no such parameter; did you mean --bootstrap_above?\n"
        '--input: "d.xlsx": a samplesheet is a .csv, .yaml or .yml file\n'
        "--max_pct_mt: 101 is greater than the maximum of 100\n"
        "--min-umi: no such parameter; did you mean --min_umi?\n"
        "--outdir: missing, and has to be given\n"
        "--seed: 'x' is not of type 'integer'"
    )


def test_schemas_describe_every_parameter_of_the_config_once():
    import re

    config = (ROOT / "nextflow.config").read_text()
    block = re.search(r"^params \{(.*?)^\}", config, re.MULTILINE | re.DOTALL)
    assert block is not None
    given = re.findall(r"^ {4}(\w+) *= (.+)$", block[1], re.MULTILINE)
    described = [
        (name, entry)
        for group in PARAMETERS["$defs"].values()
        for name, entry in group["properties"].items()
    ]
    assert sorted(name for name, _ in given) == sorted(name for name, _ in described)
    entries = dict(described)
    for name, value in given:
        default = entries[name].get("default")
        assert json.loads(value.replace("'", '"')) == default, name
        assert entries[name]["description"].endswith(".")
