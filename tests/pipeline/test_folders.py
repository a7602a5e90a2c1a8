"""How an atlas is put where users look, and what a failing task leaves."""

from __future__ import annotations

import fcntl
import json
import zipfile

import pytest


@pytest.fixture
def script(nextflow, tmp_path):
    """A script of its own that uses the pipeline's functions."""

    def write(text):
        path = tmp_path / "script" / "main.nf"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text.replace("UTILS", str(nextflow.root / "subworkflows/local/utils")))
        (path.parent / "nextflow.config").write_text(
            "workflow.failOnIgnore = true\nprocess.maxRetries = 2\n"
        )
        return path

    return write


PUBLISH = (
    "include { publishAtlas } from 'UTILS/folders'\n"
    "workflow { publishAtlas(file(params.from), file(params.to)) }\n"
)
SMALL = ("datasets.parquet", "manifest.json", "atlas.duckdb")


def atlas_of(folder, text, *large):
    """Folder as CONSOLIDATE leaves it, of files that hold `text`."""
    (folder / "cells").mkdir(parents=True)
    for name in (*SMALL, *large):
        (folder / name).write_text(text)
    return folder


def test_a_build_is_exchanged_in_one_step(nextflow, script, tmp_path):
    main, out = script(PUBLISH), tmp_path / "out"
    old = atlas_of(tmp_path / "old", "old", "cells/a-111.parquet", "gone.parquet")
    new = atlas_of(tmp_path / "new", "new and longer", "new.parquet")
    (tmp_path / "target.parquet").write_text("linked")
    (new / "cells/b-222.parquet").symlink_to(tmp_path / "target.parquet")
    assert nextflow.run("--from", old, "--to", out, main=main).code == 0
    first = (out / "current").readlink()
    assert first.parts[0] == "builds"
    assert {(out / name).readlink().as_posix() for name in SMALL} == {f"current/{n}" for n in SMALL}
    inode = (out / "cells/a-111.parquet").stat().st_ino

    # a folder where the link goes: publishing breaks off just before the exchange
    (new / "cells/a-111.parquet").write_text("OLD")  # same name, same size: the same file
    (out / ".link-current").mkdir()
    (out / ".link-current/x").touch()
    assert nextflow.run("--from", new, "--to", out, main=main).code == 1
    assert {(out / name).read_text() for name in (*SMALL, "gone.parquet")} == {"old"}

    (out / ".link-current/x").unlink()
    run = nextflow.run("--from", new, "--to", out, main=main)
    assert run.code == 0, run.output
    assert {(out / name).read_text() for name in (*SMALL, "new.parquet")} == {"new and longer"}
    assert not (out / "gone.parquet").is_symlink()
    assert (out / "cells/a-111.parquet").stat().st_ino == inode
    assert (out / "cells/a-111.parquet").read_text() == "old"
    assert (out / "cells/b-222.parquet").read_text() == "linked"
    assert not (out / "cells/b-222.parquet").is_symlink()
    assert (out / first / "datasets.parquet").read_text() == "old", "who reads it still may"
    assert list(out.rglob("*.part")) == []


def test_an_atlas_of_plain_files_is_adopted(nextflow, script, tmp_path):
    """As former versions published it, and as a copy that followed links is."""
    main, out = script(PUBLISH), tmp_path / "out"
    atlas_of(out, "plain", "cells/a-111.parquet")
    new = atlas_of(tmp_path / "new", "new")
    assert nextflow.run("--from", new, "--to", out, main=main).code == 0
    assert {(out / name).read_text() for name in SMALL} == {"new"}
    builds = {build.name: build for build in (out / "builds").iterdir()}
    assert len(builds) == 2
    former = builds.keys() - {(out / "current").readlink().name}
    assert {(builds[name] / "datasets.parquet").read_text() for name in former} == {"plain"}


def test_one_run_at_a_time_writes_into_a_folder(nextflow, script, tmp_path):
    main = script(
        "include { lockFolder } from 'UTILS/folders'\n"
        'workflow { def lock = lockFolder(file(params.to))\n println("held: ${lock != null}") }\n'
    )
    out = tmp_path / "out"
    out.mkdir()
    with (out / ".lock").open("w") as taken:
        fcntl.lockf(taken, fcntl.LOCK_EX)
        run = nextflow.run("--to", out, main=main)
    assert run.code == 1
    assert f"Another run is writing into {out}" in run.output
    assert "held: true" in nextflow.run("--to", out, main=main).output


LEASE = """\
include { leaseFolder ; lockFolder } from 'UTILS/folders'

workflow {
    def uri = java.net.URI.create("jar:file://${params.zip}")
    def store = java.nio.file.FileSystems.newFileSystem(uri, [create: 'true'])
    def folder = java.nio.file.Files.createDirectories(store.getPath('/out'))
    def lease = folder.resolve('.lease.json')
    def held = lockFolder(folder)
    def brief = leaseFolder(folder, 900L)
    def first = lease.text
    sleep(1500)
    println("renewed: ${lease.text != first}")
    brief.close()
    println("held: ${!lease.exists()}")
    if (params.dies) {
        lease.text = first.replaceFirst(/"until":[0-9]+/, '"until":9999999999999')
    }
    else {
        held.close()
    }
    store.close()
}
"""


def test_a_lease_keeps_others_out_of_an_object_store(nextflow, script, tmp_path):
    """A zip stands in for the store: a file system of its own, without locks and links."""
    main, store = script(LEASE), tmp_path / "store.zip"
    options = ("--zip", store)

    def leased(until):
        lease = {"session": "other", "run": "happy_darwin", "host": "far", "until": until}
        with zipfile.ZipFile(store, "w") as content:
            content.writestr("out/.lease.json", json.dumps(lease))

    leased(9999999999999)
    run = nextflow.run(*options, main=main)
    assert run.code == 1
    assert "Another run is writing into" in run.output
    assert "happy_darwin on far, which has it until 2286-11-20" in run.output

    leased(1000)  # of a run that died long ago
    run = nextflow.run(*options, "--dies", main=main)
    assert run.code == 0, run.output
    assert "renewed: true" in run.output
    assert "out/.lease.json" in zipfile.ZipFile(store).namelist()

    # the same session again need not wait
    run = nextflow.run(*options, "-resume", main=main, NXF_SYNTAX_PARSER="v2")
    assert run.code == 0, run.output
    assert "out/.lease.json" not in zipfile.ZipFile(store).namelist()


def test_only_what_can_heal_is_tried_again(nextflow, script):
    main = script(
        """
        include { onFailure ; failureNote } from 'UTILS/failures'

        process STEP {
            tag "${meta.id}"
            errorStrategy { onFailure(task, meta) }

            input:
            tuple val(meta), val(exits)

            output:
            val meta.id

            script:
            \"\"\"
            echo noise >&2
            echo "sicmir-atlas: error: \\$PWD/x.h5ad: try ${task.attempt}" >&2
            exit ${exits[task.attempt - 1]}
            \"\"\"
        }

        workflow {
            STEP(channel.of(
                [[id: 'heals'], [75, 137, 0]],
                [[id: 'spent'], [75, 75, 75]],
                [[id: 'corrupt'], [65, 0, 0]],
                [[id: 'unforeseen'], [70, 0, 0]],
                [[id: 'fine'], [0, 0, 0]],
            ))
        }
        """
    )
    run = nextflow.run(main=main)
    assert run.code == 1
    tries = {}
    for task in run.tasks:
        tries.setdefault(task["tag"] if "tag" in task else task["name"], []).append(task["exit"])
    assert tries == {
        "STEP (heals)": ["75", "137", "0"],
        "STEP (spent)": ["75", "75", "75"],
        "STEP (corrupt)": ["65"],
        "STEP (unforeseen)": ["70"],
        "STEP (fine)": ["0"],
    }
    notes = {note.stem: note.read_text() for note in nextflow.folder.glob("work/failures/*/*")}
    assert notes == {
        "spent": "STEP: x.h5ad: try 3\n",
        "corrupt": "STEP: x.h5ad: try 1\n",
        "unforeseen": "STEP: x.h5ad: try 1\n",
    }
