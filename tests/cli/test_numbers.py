"""Numbers that make no sense are wrong usage, before any file is read."""

from __future__ import annotations

import inspect
from importlib import import_module
from typing import get_args, get_type_hints

import pytest

from sicmir_atlas.cli._commands import COMMANDS
from sicmir_atlas.cli._study_commands import STUDY
from sicmir_atlas.cli.app import main

CHECKED = [*STUDY, *(command for command in COMMANDS if command.name == "train")]


def _function(command):
    module, _, name = command.function.partition(":")
    return getattr(import_module(module), name)


def _said(tokens, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(tokens)
    shown = capsys.readouterr()
    return stopped.value.code, shown.out + shown.err


def _options(function):
    """Options that are one number."""
    for name, hint in get_type_hints(function).items():
        kinds = {hint, *get_args(hint)}
        if kinds & {int, float} and not kinds & {bool, tuple}:
            yield name.replace("_", "-")


@pytest.mark.parametrize("command", CHECKED, ids=lambda command: command.name)
def test_every_number_has_bounds(command, capsys):
    function = _function(command)
    tokens = command.name.split()
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.default is parameter.empty and parameter.kind is not parameter.VAR_POSITIONAL:
            positional = parameter.kind is parameter.POSITIONAL_ONLY
            tokens += ["x"] if positional else [f"--{name.replace('_', '-')}", "x"]
    for option in _options(function):
        code, said = _said([*tokens, f"--{option}=-1"], capsys)
        assert (code, 'Invalid value "-1' in said) == (2, True), (option, said)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["study", "models", "x", "y", "--threads", "0"], "--threads. Must be >= 1."),
        (["study", "models", "x", "y", "--folds", "1"], "--folds. Must be >= 2."),
        (["study", "models", "x", "y", "--extra-weight", "nan"], "--extra-weight. Must be"),
        (["study", "hubs", "--model", "x", "--threshold", "7"], "--threshold. Must be <= 1."),
        (["study", "modules", "x", "y", "--resolution", "inf"], "--resolution. Must be < inf."),
        (["train", "x", "y", "--learning-rate", "0"], "--learning-rate. Must be > 0."),
        (["train", "x", "y", "--test", "1"], "--test. Must be < 1."),
        (["train", "x", "y", "--folds", "1"], "--folds. Must be 0, or 2 and more."),
        (["train", "x", "y", "--seed", "4294967296"], "--seed. Must be < 4294967296."),
    ],
)
def test_a_number_out_of_its_bounds_is_one_line(tokens, said, capsys):
    code, shown = _said([*tokens, "-o", "out"], capsys)
    assert code == 2
    assert said in shown
    assert "Traceback" not in shown
