"""Files for MultiQC: of the documented form, and read by MultiQC itself where it is installed."""

from __future__ import annotations

import json
import shutil
import subprocess

import jsonschema
import pytest

from report_atlases import HOSTILE, contents_of, dataset, write_atlas
from sicmir_atlas.errors import InputError
from sicmir_atlas.report import write_multiqc

TEXT = {"type": "string", "minLength": 1}
# custom content as MultiQC documents it: an id, a plot and data by sample
SECTION = {
    "type": "object",
    "required": ["id", "plot_type", "data"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "pattern": "^[a-z_]+$"},
        **dict.fromkeys(("section_name", "description", "parent_id", "parent_name"), TEXT),
        "parent_description": TEXT,
        "plot_type": {"enum": ["table", "bargraph", "generalstats"]},
        "pconfig": {"type": "object", "required": ["id", "title"]},
        "headers": {
            "type": "object",
            "additionalProperties": {"type": "object", "required": ["title", "description"]},
        },
        "categories": {
            "type": "object",
            "additionalProperties": {"type": "object", "required": ["name"]},
        },
        "data": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {
                "type": "object",
                "additionalProperties": {"type": ["string", "number"]},
            },
        },
    },
}


@pytest.fixture
def made(contents, tmp_path):
    """Content of each file, by its name."""
    paths = write_multiqc(contents, tmp_path / "sicmir_atlas_mqc.json")
    return {path.name: json.loads(path.read_text()) for path in paths}


def test_three_files_of_the_documented_form(made):
    assert list(made) == [
        "sicmir_atlas_mqc.json",
        "sicmir_atlas_cells_mqc.json",
        "sicmir_atlas_general_mqc.json",
    ]
    for section in made.values():
        jsonschema.validate(section, SECTION)
    assert len({section["id"] for section in made.values()}) == 3


def test_figures_are_those_of_the_atlas(made, contents):
    status, bars, general = (section["data"] for section in made.values())
    assert {name: about["status"] for name, about in status.items()} == {
        row["dataset_id"]: row["status"] for row in contents.datasets
    }
    for row in contents.included:
        name = row["dataset_id"]
        assert sum(bars[name].values()) == row["n_cells_raw"]
        assert general[name]["n_cells_qc"] == row["n_cells_qc"]
        assert general[name]["kept"] == pytest.approx(100 * row["kept_share"], abs=0.01)
    assert set(general) == {row["dataset_id"] for row in contents.included}


def test_texts_are_escaped_and_nulls_left_out(tmp_path):
    rows = [dataset("a"), dataset("b", status="failed", reason=HOSTILE)]
    contents = contents_of(write_atlas(tmp_path / "atlas", rows))
    first, *others = write_multiqc(contents, tmp_path / "x_mqc.json")
    data = json.loads(first.read_text())["data"]
    assert data["b"]["reason"] == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert data["a"] == {"status": "included"}
    for path in [first, *others]:
        jsonschema.validate(json.loads(path.read_text()), SECTION)


def test_nothing_included_leaves_the_status_only(tmp_path):
    rows = [dataset("b", status="failed", reason="broken")]
    contents = contents_of(write_atlas(tmp_path / "atlas", rows))
    assert [p.name for p in write_multiqc(contents, tmp_path / "x_mqc.json")] == ["x_mqc.json"]


def test_a_name_that_multiqc_passes_over_is_refused(contents, tmp_path):
    with pytest.raises(InputError, match=r"ends with _mqc\.json"):
        write_multiqc(contents, tmp_path / "figures.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(shutil.which("multiqc") is None, reason="MultiQC is not installed")
def test_multiqc_reads_them(made, tmp_path):
    subprocess.run(["multiqc", "--strict", tmp_path, "-o", tmp_path / "out"], check=True)
    data = json.loads((tmp_path / "out/multiqc_data/multiqc_data.json").read_text())
    assert len(data["report_plot_data"]) >= 2
    general = (tmp_path / "out/multiqc_data/multiqc_general_stats.txt").read_text()
    assert all(name in general for name in made["sicmir_atlas_general_mqc.json"]["data"])
