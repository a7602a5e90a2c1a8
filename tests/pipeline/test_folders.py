"""How an atlas is put where users look, and what a failing task leaves."""

from __future__ import annotations

import fcntl

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


def test_publishing_keeps_the_old_atlas_whole_until_the_last_move(nextflow, script, tmp_path):
    main = script(
        "include { publishAtlas } from 'UTILS/folders'\n"
        "workflow { publishAtlas(file(params.from), file(params.to)) }\n"
    )
    new, old = tmp_path / "new", tmp_path / "old"
    for folder, text in ((new, "new and longer"), (old, "old")):
        (folder / "cells").mkdir(parents=True)
        for name in ("datasets.parquet", "manifest.json", "atlas.duckdb"):
            (folder / name).write_text(text)
    (old / "cells/a-111.parquet").write_text("as it was")
    (new / "cells/a-111.parquet").write_text("AS IT WAS")  # same name, same size: the same file
    (tmp_path / "target.parquet").write_text("linked")
    (new / "cells/b-222.parquet").symlink_to(tmp_path / "target.parquet")
    inode = (old / "cells/a-111.parquet").stat().st_ino
    options = ("--from", new, "--to", old)

    # a folder in the manifest's place: publishing breaks off before the last two files
    (old / "manifest.json").unlink()
    (old / "manifest.json").mkdir()
    (old / "manifest.json/x").touch()
    assert nextflow.run(*options, main=main).code == 1
    assert (old / "cells/b-222.parquet").read_text() == "linked"
    assert (old / "datasets.parquet").read_text() == "new and longer"
    assert (old / "atlas.duckdb").read_text() == "old"

    (old / "manifest.json/x").unlink()
    (old / "manifest.json").rmdir()
    run = nextflow.run(*options, main=main)
    assert run.code == 0, run.output
    for name in ("datasets.parquet", "manifest.json", "atlas.duckdb"):
        assert (old / name).read_text() == "new and longer"
    assert (old / "cells/a-111.parquet").stat().st_ino == inode
    assert (old / "cells/a-111.parquet").read_text() == "as it was"
    assert not (old / "cells/b-222.parquet").is_symlink()
    assert list(old.rglob("*.part")) == []


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
