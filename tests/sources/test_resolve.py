from __future__ import annotations

import pytest

from sicmir_atlas.errors import InputError
from sicmir_atlas.sources import RemoteFile, resolve
from sicmir_atlas.sources.files import mask, safe_name

A, B = "a" * 64, "b" * 32


def row(**cells):
    return {"dataset_id": "lung", "source": "url", "url": "https://x.org/a.h5ad"} | cells


def test_one_address():
    assert resolve(row(sha256=A.upper())) == [RemoteFile("https://x.org/a.h5ad", "a.h5ad", A)]


def test_several_with_their_checksums_in_order():
    got = resolve(
        row(url="https://x.org/matrix.mtx.gz | https://x.org/q%20r.tsv", sha256=f"sha256:{A}|{B}")
    )
    assert got == [
        RemoteFile("https://x.org/matrix.mtx.gz", "matrix.mtx.gz", sha256=A),
        RemoteFile("https://x.org/q%20r.tsv", "q_r.tsv", md5=B),
    ]


def test_paths():
    got = resolve(row(source="file", url="/data/a%20b/c.h5ad|s3://bucket/d/meta.csv"))
    assert [file.name for file in got] == ["c.h5ad", "meta.csv"]
    assert got[0].url == "/data/a%20b/c.h5ad"


@pytest.mark.parametrize(
    ("url", "cells", "name"),
    [
        ("https://x.org/ndownloader/files/123", {"format": "h5ad"}, "123.h5ad"),
        ("https://x.org/geo/download/?acc=G&format=file&file=G%5Fa.csv%2Egz", {}, "G_a.csv.gz"),
        ("https://x.org/a.h5ad?token=x#y", {}, "a.h5ad"),
    ],
)
def test_names_from_addresses(url, cells, name):
    assert resolve(row(url=url, **cells))[0].name == name


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"source": "geo"}, "source 'geo' is not known; known are file, url"),
        ({"source": None}, "source None is not known"),
        ({"url": None}, "column url has 0 addresses"),
        ({"url": "https://x.org/a|"}, "column url has 1 addresses"),
        ({"sha256": f"{A}|{A}"}, "1 addresses, column sha256 2 checksums"),
        ({"sha256": "abc"}, "'abc' is no sha256"),
        ({"sha256": f"crc:{A}"}, "crc is not known; known are sha256 and md5"),
        ({"url": "https://x.org/1/a.h5ad|https://x.org/2/a.h5ad"}, "must differ in name"),
        ({"url": "ftp://me:geheim@x.org/a.h5ad"}, r"ftp://\*\*\*@x.org/a.h5ad is no http or https"),
        ({"url": "/data/a.h5ad"}, "for a file on disk use source file"),
        ({"url": "https://x.org/"}, "gives no file name"),
    ],
)
def test_what_is_wrong_is_said_with_the_dataset(cells, message):
    with pytest.raises(InputError, match="^lung: .*" + message) as caught:
        resolve(row(**cells))
    assert "geheim" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\x.h5ad", "x.h5ad"),
        (".hidden.csv", "hidden.csv"),
        ("a..b.csv", "a.b.csv"),
        ("-rf.csv", "rf.csv"),
        ("$(x) y;z.csv", "__x__y_z.csv"),
        ("x" * 300 + ".csv.gz", "x" * 193 + ".csv.gz"),
    ],
)
def test_safe_names(name, safe):
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["..", "", "a/", "___", "."])
def test_no_name_is_left(name):
    with pytest.raises(InputError, match="gives no file name"):
        safe_name(name)


@pytest.mark.parametrize("name", ["../a", ".a", "a/b", "source.json"])
def test_a_list_of_files_cannot_lead_out_of_its_folder(name):
    with pytest.raises(InputError, match="cannot be the name"):
        RemoteFile("https://x.org/a", name)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://u:p@x.org:81/a?b=c#d", "https://***@x.org:81/a?***"),
        ("https://x.org/a", "https://x.org/a"),
        ("/data/a?b", "/data/a?b"),
    ],
)
def test_mask(url, shown):
    assert mask(url) == shown
