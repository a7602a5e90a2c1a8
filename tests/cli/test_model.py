"""`sicmir-atlas model …` as a person calls it: what is said, files, exit codes."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from checkpoints import CONTAINER, Numbers, layer, module, name, plain, write_checkpoint
from sicmir_atlas.cli._commands import MODEL
from sicmir_atlas.cli.app import main
from sicmir_atlas.disk import digest_of
from sicmir_atlas.model.weights import DEFAULT_MODEL, list_models, load_model, shipped_models
from sicmir_atlas.names import landmarks, mirnas


@pytest.fixture
def run(capsys):
    """Exit code, standard output, and the lines of standard error."""

    def call(*arguments):
        with pytest.raises(SystemExit) as stopped:
            main(["model", *map(str, arguments)])
        captured = capsys.readouterr()
        return stopped.value.code, captured.out, captured.err.strip().splitlines()

    return call


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """The lists and a drawn network of the published kind, in the folder where commands run."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    numbers = Numbers()

    def draw(*shape):
        return rng.normal(size=shape).astype(np.float32)

    def linear(n_out, n_in):
        return layer(numbers, "linear", {"weight": draw(n_out, n_in), "bias": draw(n_out)})

    def norm(n):
        variance = np.abs(draw(n)) + 0.1
        parts = {"weight": draw(n), "bias": draw(n), "running_mean": draw(n)}
        return layer(numbers, "norm", {**parts, "running_var": variance})

    relu = layer(numbers, "relu", {})
    layers = [linear(6, 977), norm(6), relu, linear(5, 6), relu, norm(5), linear(1298, 5)]
    network = module(CONTAINER, modules={str(i): one for i, one in enumerate(layers)})
    write_checkpoint(
        tmp_path / "published.pt", module("__main__ DNN", modules={"net": network}), numbers.blocks
    )
    (tmp_path / "genes.csv").write_text("\n".join(landmarks()), encoding="utf-8-sig")
    (tmp_path / "mirnas.csv").write_text("\n".join(mirnas()), encoding="utf-8-sig")
    return tmp_path / "published.pt"


LISTS = ("--genes", "genes.csv", "--mirnas", "mirnas.csv", "-o", "taken_in")


@pytest.mark.parametrize("command", [command.name for command in MODEL])
def test_help(command, run):
    code, out, _ = run(command.split()[-1], "--help")
    assert code == 0
    assert f"sicmir-atlas {command}" in out


def test_import_verify_show(checkpoint, run):
    code, _, err = run("import", checkpoint.name, *LISTS, "--licence", "GPL-3.0")
    assert code == 0, err
    model = load_model(checkpoint.with_name("taken_in"))
    assert model.model_id == "taken_in"
    assert model.members[0].settings["block_order"] == "released"
    assert model.card["imported"]["checkpoint"] == {
        "file": "published.pt",
        "sha256": digest_of(checkpoint),
    }
    code, out, _ = run("verify", "taken_in")
    assert code == 0
    assert "FAILED" not in out
    assert "note    metrics      pcc_pooled is missing; pcc_within_cohort is missing\n" in out
    assert "ok      prediction   it loads, and gives what its card says\n" in out
    code, out, _ = run("show", "taken_in")
    assert code == 0
    assert "GPL-3.0" in out
    assert "module __main__.DNN" in out
    assert "no metrics: nobody has measured how good it is" in out


def test_same_checkpoint_same_bytes(checkpoint, run):
    run("import", checkpoint.name, *LISTS)
    first = {path.name: path.read_bytes() for path in checkpoint.with_name("taken_in").iterdir()}
    run("import", checkpoint.name, *LISTS)
    again = {path.name: path.read_bytes() for path in checkpoint.with_name("taken_in").iterdir()}
    assert first == again
    assert sorted(first) == ["model.json", "model.safetensors"]


def test_a_model_is_replaced_whole_and_nothing_but_a_model(checkpoint, run):
    folder = checkpoint.with_name("taken_in")
    shutil.copytree(shipped_models() / DEFAULT_MODEL, folder)
    before = sorted(path.name for path in folder.iterdir())
    assert run("import", "genes.csv", *LISTS)[0] == 64
    assert sorted(path.name for path in folder.iterdir()) == before
    assert load_model(folder).model_id == DEFAULT_MODEL
    assert run("import", checkpoint.name, *LISTS)[0] == 0
    assert sorted(path.name for path in folder.iterdir()) == ["model.json", "model.safetensors"]
    (folder / "thesis.txt").write_text("the only copy")
    code, _, err = run("import", checkpoint.name, *LISTS)
    assert code == 64
    assert "taken_in holds thesis.txt, which is no part of a model" in err[0]
    assert (folder / "thesis.txt").exists()


def test_malicious_checkpoint(checkpoint, run):
    canary = checkpoint.with_name("canary")
    attack = name("os system") + plain(f"touch '{canary}'") + b"\x85R"
    write_checkpoint(checkpoint.with_name("evil.pt"), attack)
    code, _, err = run("import", "evil.pt", *LISTS)
    assert code == 64
    assert len(err) == 1
    assert err[0].startswith("sicmir-atlas: error: evil.pt: it names os.system, which is no layer")
    assert not canary.exists()
    assert not checkpoint.with_name("taken_in").exists()


def test_what_failed_is_told_last(checkpoint, run):
    run("import", checkpoint.name, *LISTS)
    path = checkpoint.with_name("taken_in") / "model.json"
    card = json.loads(path.read_text())
    path.write_text(json.dumps({**card, "sha256": "0", "licence": ""}))
    code, out, err = run("verify", "taken_in")
    assert code == 65
    assert out.count("FAILED") == 3
    assert err == [
        "sicmir-atlas: error: taken_in: 3 of 11 checks failed: checksum, card, prediction"
    ]


def test_shipped_models_are_listed_and_shown(run):
    code, out, _ = run("show")
    assert code == 0
    for model in list_models():
        assert model in out
    code, out, _ = run("show", "--format", "json")
    assert {row["model"] for row in json.loads(out)} == set(list_models())
    code, out, _ = run("show", DEFAULT_MODEL)
    assert code == 0
    assert "mean PCC per miRNA" in out
    assert "hubs (≥ 0.8)" in out
    card = load_model(DEFAULT_MODEL).card
    shown = json.loads(run("show", DEFAULT_MODEL, "--format", "json")[1])
    assert shown["metrics"] == card["metrics"]
    assert shown["landmarks"] == list(landmarks())


def test_a_damaged_card_is_told_in_a_line(checkpoint, run):
    run("import", checkpoint.name, *LISTS)
    path = checkpoint.with_name("taken_in") / "model.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "reliability": [0.5]}))
    said = "taken_in/model.json: reliability is not a number or null by miRNA; fetch it again"
    assert run("show", "taken_in")[::2] == (65, [f"sicmir-atlas: error: {said}"])
    code, out, _ = run("verify", "taken_in")
    assert code == 65
    assert f"it cannot be loaded: {said}" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("show", "nowhere"), 64, "no model folder nowhere"),
        (("verify", "nowhere"), 64, "nowhere is no model folder"),
        (("import", "gone.pt", *LISTS), 64, "no file gone.pt"),
        (("import", "genes.csv", *LISTS), 64, "genes.csv: it is no checkpoint of torch.save"),
        (("import", "gone.pt"), 2, "requires an argument"),
    ],
)
def test_errors(checkpoint, run, arguments, code, said):
    got, _, err = run(*arguments)
    assert got == code
    assert said in "\n".join(err)
