"""How an atlas is put where users look, and what a failing task leaves."""

from __future__ import annotations

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
