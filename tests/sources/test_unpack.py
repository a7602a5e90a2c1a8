"""Archives made by `tarfile` and by hand, fetched as a row's file would be."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import io
import lzma
import os
import subprocess
import tarfile

import h5py
import pytest

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.sources import RemoteFile, fetch, source_record
from sicmir_atlas.sources.unpack import unpack

MATRIX = gzip.compress(b"%%MatrixMarket matrix coordinate integer general\n1 1 1\n1 1 3\n")
TRIPLET = {"matrix.mtx.gz": MATRIX, "features.tsv.gz": b"f", "barcodes.tsv.gz": b"b"}
PLAIN = {f"GSM1_d1_{name}": body for name, body in TRIPLET.items()}


def hdf5(value=1):
    made = io.BytesIO()
    with h5py.File(made, "w") as file:
        file["x"] = [value] * 10
    return made.getvalue()


def tar(members, folded=None):
    """Archive of name → bytes, or → TarInfo for what is no file."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as file:
        for name, body in members.items():
            if isinstance(body, tarfile.TarInfo):
                file.addfile(body, io.BytesIO(bytes(body.size)))
                continue
            member = tarfile.TarInfo(name)
            member.size = len(body)
            file.addfile(member, io.BytesIO(body))
    return folded(made.getvalue()) if folded else made.getvalue()


def special(name, kind, target=""):
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.fixture
def get(tmp_path):
    """Fetch an archive of these bytes; gives what is on disk, by path."""

    def got(body, name="GSE1_RAW.tar", globs=("*",), **options):
        (tmp_path / "given").mkdir(exist_ok=True)
        (tmp_path / "given" / name).write_bytes(body)
        url, out = (tmp_path / "given" / name).as_uri(), tmp_path / "out"
        path = fetch(RemoteFile(url, name, unpack=globs), out, **options)
        assert path.parent == out
        return {p.relative_to(out).as_posix(): p for p in out.rglob("*") if p.is_file()}

    return got


def nothing_left(tmp_path):
    return not list((tmp_path / "out").rglob("*"))


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("a.tar", None),
        ("a.tar.gz", gzip.compress),
        ("a.tgz", gzip.compress),
        ("a.tar.bz2", bz2.compress),
        ("a.tar.xz", lzma.compress),
        ("a.tar", gzip.compress),  # names lie
    ],
)
def test_an_archive_becomes_a_folder_of_its_name(get, name, folded):
    got = get(tar(PLAIN, folded), name)
    assert {path: file.read_bytes() for path, file in got.items()} == {
        f"{name}/{member}": body for member, body in PLAIN.items()
    }


def test_what_gnu_tar_writes(get, tmp_path):
    folder = tmp_path / "made" / ("long" * 20) / "outs_of_cell_ranger"
    folder.mkdir(parents=True)
    for name, body in TRIPLET.items():
        (folder / name).write_bytes(body)
    for form in ("gnu", "pax", "ustar"):
        command = ["tar", f"--format={form}", "-czf", f"{form}.tar.gz", "-C", "made", "."]
        subprocess.run(command, cwd=tmp_path, check=True)
        got = get((tmp_path / f"{form}.tar.gz").read_bytes(), f"{form}.tar.gz")
        inside = f"{form}.tar.gz/{'long' * 20}/outs_of_cell_ranger"
        assert {p: f.read_bytes() for p, f in got.items() if p.startswith(form)} == {
            f"{inside}/{name}": body for name, body in TRIPLET.items()
        }


def test_only_what_is_named_is_taken(get):
    others = {"GSM2_d2_matrix.mtx.gz": b"x", "deep/GSM1_d1_note.txt": b"note"}
    got = get(tar(PLAIN | others), globs=("GSM1_d1_matrix.mtx.gz", "GSM1_*_features*"))
    assert set(got) == {
        "GSE1_RAW.tar/GSM1_d1_matrix.mtx.gz",
        "GSE1_RAW.tar/GSM1_d1_features.tsv.gz",
    }


def test_of_all_only_what_may_hold_counts_is_taken(get):
    others = {
        "readme.pdf": b"%PDF",
        "seurat.rds": b"X",
        "._matrix.mtx.gz": b"apple",
        "__MACOSX/matrix.mtx.gz": b"apple",
        ".hidden/matrix.mtx.gz": b"x",
    }
    assert set(get(tar(PLAIN | others))) == {f"GSE1_RAW.tar/{name}" for name in PLAIN}


def test_unfiltered_droplets_are_left_where_called_cells_are(get, caplog):
    caplog.set_level("INFO", logger="sicmir_atlas")
    members = {
        f"outs/{kind}_feature_bc_matrix/{name}": body
        for kind in ("raw", "filtered")
        for name, body in TRIPLET.items()
    }
    got = get(tar(members))
    assert set(got) == {f"GSE1_RAW.tar/outs/filtered_feature_bc_matrix/{name}" for name in TRIPLET}
    assert "left out as unfiltered" in caplog.text
    assert "unpacked 3 files" in caplog.text


def test_archives_in_archives(get):
    inner = tar({f"filtered/{name}": body for name, body in TRIPLET.items()}, gzip.compress)
    outer = tar({"GSM1_a.tar.gz": inner, "GSM2_b.tar.gz": inner, "readme.md": b"x"})
    got = get(outer)
    assert set(got) == {
        f"GSE1_RAW.tar/{sample}.tar.gz/filtered/{name}"
        for sample in ("GSM1_a", "GSM2_b")
        for name in TRIPLET
    }
    assert got["GSE1_RAW.tar/GSM1_a.tar.gz/filtered/matrix.mtx.gz"].read_bytes() == MATRIX
    assert {p.split("/")[1] for p in get(outer, "one.tar", ("GSM2_b.tar.gz",)) if "one" in p} == {
        "GSM2_b.tar.gz"
    }
    some = {p for p in get(outer, "some.tar", ("*/matrix.mtx.gz",)) if "some" in p}
    assert some == {
        f"some.tar/{sample}.tar.gz/filtered/matrix.mtx.gz" for sample in ("GSM1_a", "GSM2_b")
    }


def test_archives_all_the_way_down_are_refused(get, tmp_path):
    body = tar(PLAIN)
    for depth in range(3):
        body = tar({f"{depth}.tar": body}, gzip.compress)
        if depth == 1:
            assert len(get(body, "two.tar")) == 3
    with pytest.raises(CorruptError, match=r"2\.tar/1\.tar/0\.tar: archives in archives, deeper"):
        get(body)
    assert not (tmp_path / "out" / "GSE1_RAW.tar").exists()


@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("../evil.csv", b"x"),
        ("a/../../evil.csv", b"x"),
        ("/etc/evil.csv", b"x"),
        ("a\\..\\evil.csv", b"x"),
        ("C:\\evil.csv", b"x"),
        ("sym.csv", special("sym.csv", tarfile.SYMTYPE, "/etc/passwd")),
        ("hard.csv", special("hard.csv", tarfile.LNKTYPE, "GSM1_d1_matrix.mtx.gz")),
        ("dir", special("dir", tarfile.SYMTYPE, "/tmp")),
        ("null.csv", special("null.csv", tarfile.CHRTYPE)),
        ("disk.csv", special("disk.csv", tarfile.BLKTYPE)),
        ("pipe.csv", special("pipe.csv", tarfile.FIFOTYPE)),
        ("/".join("a" * 30), b"x"),
        ("..", special("..", tarfile.DIRTYPE)),
        ("a/…/---", b"x"),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_what_is_not_safe_is_refused_whole(get, tmp_path, name, member, nested):
    body = tar(PLAIN | {name: member})
    if nested:
        body = tar(PLAIN | {"in.tar.gz": gzip.compress(body)})
    with pytest.raises(CorruptError) as refused:
        get(body, globs=("GSM1_d1_matrix.mtx.gz",) if not nested else ("*",))
    message = str(refused.value)
    assert message.startswith("GSE1_RAW.tar/in.tar.gz: " if nested else "GSE1_RAW.tar: ")
    assert repr(name) in message
    assert nothing_left(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["given", "out"]


@pytest.mark.parametrize(
    "names",
    [
        ("a.csv", "./a.csv"),
        ("a b.csv", "a_b.csv"),
        ("a.csv/b.csv", "a.csv"),
        ("a.csv", "a.csv/b.csv"),
        ("x.h5", "x.h5.gz"),
        ("in.tar", "./in.tar"),
        ("in.tar/a.csv", "in.tar"),
    ],
)
def test_two_members_of_one_name_are_refused(get, tmp_path, names):
    bodies = {"x.h5": hdf5(), "x.h5.gz": gzip.compress(hdf5(2)), "in.tar": tar({"b.csv": b"b"})}
    bodies["./in.tar"] = bodies["in.tar"]
    with pytest.raises(CorruptError, match="another member has the same name on disk"):
        get(tar({name: bodies.get(name, b"x") for name in names}))
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("folded", [None, gzip.compress, bz2.compress, lzma.compress])
def test_no_cut_goes_unseen(get, tmp_path, folded):
    body = tar({"a.csv": os.urandom(2000), "b.csv": os.urandom(2000)}, folded)
    end = len(body.rstrip(b"\0")) if folded is None else len(body)
    for length in {1, 100, 512, 3 * 512, 2560, 3072, 3073, 5000, end // 2, end - 1} - {0}:
        if length >= end:
            continue
        with pytest.raises(CorruptError, match=r"GSE1_RAW\.tar.*: cut short or damaged"):
            get(body[:length])
        assert nothing_left(tmp_path)


def test_gzips_own_checksum_is_proven(get, tmp_path):
    body = bytearray(tar(PLAIN, gzip.compress))
    body[-8] ^= 1
    with pytest.raises(CorruptError, match="cut short or damaged"):
        get(bytes(body))
    assert nothing_left(tmp_path)


def test_a_damaged_header_in_the_middle_is_no_end(get):
    body = bytearray(tar({"a.csv": b"x" * 512, "b.csv": b"y"}))
    body[1024] ^= 1
    with pytest.raises(CorruptError, match="cut short or damaged"):
        get(bytes(body))


def test_what_is_no_archive(get):
    with pytest.raises(CorruptError, match=r"GSE1_RAW\.tar: cut short or damaged"):
        get(b"just text\n" * 1000)
    with pytest.raises(CorruptError, match="web page"):
        get(b"<html>please click</html>")


def test_a_bomb_is_stopped(get, tmp_path):
    bomb = tar({"a.csv": bytes(20 << 20)}, gzip.compress)
    assert len(bomb) < 100_000
    assert get(bomb, "fits.tar", max_unpacked=21 << 20)
    for body, globs in (
        (bomb, ("*",)),
        (bomb, ("other.csv",)),
        (tar({"in.tar.gz": bomb}), ("*",)),
        (tar({"a.h5": gzip.compress(hdf5() + bytes(20 << 20))}), ("*",)),
    ):
        with pytest.raises(CorruptError, match=r"unfolds into more than 2,000,000 bytes"):
            get(body, globs=globs, max_unpacked=2_000_000)
        assert not list((tmp_path / "out").glob("*GSE1*"))


def test_a_header_that_would_fill_memory_is_refused(get):
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.XHDTYPE, 10**12
    with pytest.raises(CorruptError, match=r"a header of 1,000,000,000,\d+ bytes"):
        get(header.tobuf(tarfile.GNU_FORMAT) + tar(PLAIN))


def test_many_members_are_refused(get, monkeypatch):
    monkeypatch.setattr("sicmir_atlas.sources.unpack._MOST_MEMBERS", 4)
    with pytest.raises(CorruptError, match="more than 4 members"):
        get(tar({f"{n}.csv": b"x" for n in range(5)}))


def test_a_hole_in_a_file_is_refused(get, tmp_path):
    with (tmp_path / "holes.csv").open("wb") as file:
        file.seek(1 << 30)
        file.write(b"end")
    subprocess.run(["tar", "-cSf", "holes.tar", "holes.csv"], cwd=tmp_path, check=True)
    (tmp_path / "holes.csv").unlink()
    with pytest.raises(CorruptError, match=r"'holes\.csv' is neither a plain file"):
        get((tmp_path / "holes.tar").read_bytes())


def test_nothing_to_take(get, tmp_path):
    with pytest.raises(InputError, match=r"seurat\.rds cannot be read: .*write10xCounts"):
        get(tar({"seurat.rds": b"X"}))
    with pytest.raises(InputError, match=r"no member is called x\.csv.*it has GSM1_d1_matrix"):
        get(tar(PLAIN), globs=("x.csv",))
    with pytest.raises(InputError, match="it has nothing at all"):
        get(tar({}))
    assert nothing_left(tmp_path)


@pytest.mark.parametrize("name", ["a.h5ad.gz", "a.h5.gz", "a.LOOM.GZ", "a.h5ad"])
def test_gzip_around_hdf5_is_taken_off(get, name):
    (path,) = get(gzip.compress(hdf5()), name, None).values()
    assert path.name == name.removesuffix(".gz").removesuffix(".GZ")
    assert path.read_bytes() == hdf5()
    (inside,) = (p for n, p in get(tar({name: gzip.compress(hdf5())})).items() if "RAW" in n)
    assert inside.name == path.name
    with h5py.File(inside) as file:
        assert file["x"][0] == 1


def test_hdf5_in_gzips_name_is_taken_as_it_is(get):
    assert list(get(hdf5(), "a.h5ad.gz", None)) == ["a.h5ad"]


def test_gzip_of_text_stays(get):
    assert get(MATRIX, "matrix.mtx.gz", None)["matrix.mtx.gz"].read_bytes() == MATRIX
    assert get(b"a,b\n", "plain.csv.gz", None)["plain.csv.gz"].read_bytes() == b"a,b\n"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"PK\x03\x04" + bytes(50), "a zip archive"),
        (tar({"a.csv": b"x"}), "a tar archive"),
        (b"gene,cell\nA,1\n", "text, it seems, that begins with b'gene,cell"),
        (b"\x01\x02\x00\x03", "something that begins with"),
        (gzip.compress(b"text"), "text, it seems"),
    ],
)
@pytest.mark.parametrize("name", ["a.h5ad", "a.h5", "a.loom.gz"])
def test_hdf5_names_promise_hdf5(get, tmp_path, name, body, said):
    with pytest.raises(CorruptError, match=f"no HDF5 file but {said}"):
        get(body, name, None)
    assert nothing_left(tmp_path)


def test_hdf5_after_a_block_of_the_users(get, tmp_path):
    with h5py.File(tmp_path / "a.h5ad", "w", userblock_size=1024) as file:
        file["x"] = 1
    assert get((tmp_path / "a.h5ad").read_bytes(), "a.h5ad", None)


def test_cut_gzip_around_hdf5(get, tmp_path):
    with pytest.raises(CorruptError, match=r"a\.h5ad: cut short or damaged"):
        get(gzip.compress(os.urandom(10_000))[:5000], "a.h5ad.gz", None)
    assert nothing_left(tmp_path)


def test_what_was_there_is_replaced(tmp_path):
    (tmp_path / "a.tar").write_bytes(tar({"a.csv": b"1", "b.csv": b"2"}))
    unpack(tmp_path / "a.tar", tmp_path / "out", ("*",))
    unpack(tmp_path / "a.tar", tmp_path / "out", ("b.csv",))
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["b.csv"]


def test_a_downloaded_archive_is_cached_as_it_is(server, tmp_path):
    body = server.files["GSE1_RAW.tar"] = tar(PLAIN)
    digest = hashlib.sha256(body).hexdigest()
    url = server.url("cut", "GSE1_RAW.tar", query="?key=geheim")
    file = RemoteFile(url, "GSE1_RAW.tar", sha256=digest, unpack=["*"])
    for run in ("one", "two"):
        path = fetch(file, tmp_path / run, cache=tmp_path / "cache", wait=0.001)
        assert {p.name: p.read_bytes() for p in path.iterdir()} == PLAIN
        assert [p.name for p in (tmp_path / run).iterdir()] == ["GSE1_RAW.tar"]
    assert len(server.requests) == 3
    assert (tmp_path / "cache" / "sha256" / digest[:2] / digest).read_bytes() == body
    record = source_record([(file, path)])
    assert [f["name"] for f in record["files"]] == sorted(f"GSE1_RAW.tar/{n}" for n in PLAIN)
    inside = record["files"][2]
    assert inside["sha256"] == hashlib.sha256(MATRIX).hexdigest()
    assert inside["url"].endswith("/GSE1_RAW.tar?***/GSM1_d1_matrix.mtx.gz")


def test_the_record_of_nested_files_is_what_sha256sum_prints(get, tmp_path):
    inner = tar({f"filtered/{name}": body for name, body in TRIPLET.items()})
    get(tar({"GSM1.tar": inner, "z.h5.gz": gzip.compress(hdf5())}), globs=("GSM1.tar", "z.h5.gz"))
    file = RemoteFile("/x/GSE1_RAW.tar", "GSE1_RAW.tar")
    record = source_record([(file, tmp_path / "out" / "GSE1_RAW.tar")])
    names = [entry["name"] for entry in record["files"]]
    assert names == [
        *(f"GSE1_RAW.tar/GSM1.tar/filtered/{name}" for name in sorted(TRIPLET)),
        "GSE1_RAW.tar/z.h5",
    ]
    assert [entry["url"] for entry in record["files"]] == names
    printed = subprocess.run(
        ["sha256sum", *names], cwd=tmp_path / "out", capture_output=True, check=True
    ).stdout
    assert record["sha256"] == hashlib.sha256(printed).hexdigest()


def test_the_record_of_what_gzip_held_is_of_what_is_there(get, tmp_path):
    folded = gzip.compress(hdf5())
    (path,) = get(folded, "a.h5ad", None).values()
    promised = RemoteFile("/x/a.h5ad", "a.h5ad", sha256=hashlib.sha256(folded).hexdigest())
    assert source_record([(promised, path)])["sha256"] == hashlib.sha256(hdf5()).hexdigest()
