"""docs/models.md says what the models' cards say, and shows all that `make study` writes."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

import pytest

from sicmir_atlas.model.weights import DEFAULT_MODEL

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/models.md").read_text(encoding="utf-8")
MODELS = ROOT / "bin/sicmir_atlas/data/models"
PAPER = "sicmir-tcga414-v3"


@pytest.fixture(scope="module")
def tables():
    spec = importlib.util.spec_from_file_location("study_tables", ROOT / "tools/study_tables.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def study(tables, tmp_path):
    """Models that were judged, and nothing else that was run."""
    summaries = tuple(tmp_path / name / "hubs/hubs.json" for name in ("twin", PAPER))
    samples, measured = tmp_path / "samples.csv", tmp_path / "measured.csv"
    return tables.Study(tmp_path, summaries, samples, measured, MODELS)


def card(name):
    return json.loads((MODELS / name / "model.json").read_text())


def block(name):
    return PAGE.split(f"<!-- study {name} -->\n")[1].split("\n<!-- end -->")[0]


@pytest.mark.parametrize(
    ("model", "learner"),
    [(DEFAULT_MODEL, "gaussian-ridge-within + arrays"), (PAPER, "paper")],
)
def test_learners_have_the_figures_of_the_models_made_of_them(model, learner):
    """The same folds judge a learner in the study and a model for its card."""
    figures = card(model)["metrics"]
    figures = figures.get("cross_validation", figures)
    (row,) = [line for line in block("models").splitlines() if line.startswith(f"| {learner} |")]
    cells = [cell.strip().split(" ")[0] for cell in row.split("|")[1:]]
    names = ("pcc_within_cohort", "pcc_left_out_cohort", "pcc_pooled")
    for shown, name in zip((cells[1], cells[3], cells[5]), names, strict=True):
        # three digits on the page, four on the card
        assert abs(float(shown) - figures[name]) < 0.00056, name


@pytest.mark.parametrize("name", ["shipped", "paper"])
def test_tables_of_cards_are_those_of_the_cards(tables, study, name):
    assert tables.BLOCKS[name](study) == block(name)


def test_what_the_page_says_of_the_default_is_in_its_card():
    text = " ".join(PAGE.split())
    about = card(DEFAULT_MODEL)
    other = about["training_data"]["other_technology"]
    assert f"from {other['n_samples']} TCGA samples" in text
    assert f"They count {other['weight']} of a sample" in text
    assert f"around {about['training']['parts'][0]['n_centres']} centres" in text
    assert f"the {about['domain']['n_directions']} leading directions" in text
    assert f"{len(about['mirnas_untrained'])} are untrained" in text


def test_the_readme_says_what_the_card_of_the_default_says():
    text = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    about = card(DEFAULT_MODEL)
    data, figures = about["training_data"], about["metrics"]
    other = data["other_technology"]["n_samples"]
    assert f"trained on {data['n_samples'] + other} TCGA samples" in text
    assert f"for {data['n_samples_estimated'] + other} of these" in text
    assert f"is {figures['pcc_pooled']:.2f} with cohorts pooled" in text
    assert f"{figures['pcc_within_cohort']:.2f} within a cohort" in text
    assert f"{figures['pcc_left_out_cohort']:.2f} within a cohort of which" in text
    reached = [pcc for pcc in about["reliability"].values() if pcc is not None and pcc >= 0.8]
    assert f"{len(reached)} of the {len(about['mirnas'])} miRNAs" in text


def test_every_block_has_one_place(tables):
    assert sorted(re.findall(r"<!-- study (\w+) -->", PAGE)) == sorted(tables.BLOCKS)
    assert PAGE.count("<!-- end -->") == len(tables.BLOCKS)


def test_every_figure_is_shown_and_explained(tables):
    shown = re.findall(r"^!\[[^]]+\]\(figures/(\w+)\.svg\)\n\n(.)", PAGE, re.MULTILINE)
    assert sorted(shown) == sorted((name, "*") for name in tables.FIGURES)


def test_what_was_not_run_is_left_and_said(tables, study):
    text, missing = tables.with_blocks(PAGE, study)
    assert text == PAGE
    assert len(missing) == len(tables.BLOCKS) - 2  # the cards are there
    assert any(line.startswith("models: left as it is") for line in missing)


def test_only_given_results_are_taken(tables, study, tmp_path):
    beside = tmp_path / "percell/percell.json"
    beside.parent.mkdir()
    beside.write_text("{}")
    with pytest.raises(FileNotFoundError):
        study.summary("percell/percell")


def test_cohorts_are_parted_by_their_truth(tables, tmp_path):
    each = {"A": 0.1, "B": 0.3, "C": 0.2}
    judged = {"pcc_within_cohort_each": each, "pcc_left_out_cohort_each": dict.fromkeys(each, 0.0)}
    (tmp_path / "models/mine").mkdir(parents=True)
    (tmp_path / "models/mine/model.json").write_text(json.dumps({"metrics": judged}))
    samples, measured = tmp_path / "samples.csv", tmp_path / "measured.csv"
    samples.write_text(
        "sample,cohort,type\na1,A,tumor\nb1,B,tumor\nb2,B,normal\nc1,C,tumor\n", encoding="utf-8"
    )
    measured.write_text("sample,hsa-let-7a-5p\nc1,1\na1,2\nx,3\n", encoding="utf-8")
    ridges = tmp_path / "ridges/models.json"
    ridges.parent.mkdir()
    half = {name: pcc / 2 for name, pcc in each.items()}
    found = {"ridge": {"folds": half, "cohorts_left_out": each}}
    ridges.write_text(json.dumps({"baseline": "ridge", "within_cohort_each": found}))
    made = tables.BLOCKS["cohorts"](
        tables.Study(tmp_path, (ridges,), samples, measured, tmp_path / "models")
    )
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in made.splitlines()[2:]]
    assert rows == [
        ["A", "1", "measured", "0.050", "0.100", "0.100", "0.000"],
        ["B", "1 + 1 normal", "from stem-loops", "0.150", "0.300", "0.300", "0.000"],
        ["C", "1", "measured", "0.100", "0.200", "0.200", "0.000"],
        ["**mean of 1**", "", "from stem-loops", "0.150", "0.300", "0.300", "0.000"],
        ["**mean of 2**", "", "measured", "0.075", "0.150", "0.150", "0.000"],
    ]
