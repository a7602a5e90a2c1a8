"""`sicmir-atlas model show`: what a model's card says."""

from __future__ import annotations

import sys
from typing import Literal

__all__ = ["show"]

_WIDTH = 100


def show(model: str | None = None, /, *, format: Literal["table", "json"] = "table") -> None:  # noqa: A002  the option's name
    """Print a model's card: what it is, its data, figures, reliability and limits.

    Parameters
    ----------
    model
        Name of a shipped model, or a model folder; without it, the shipped models are listed.
    format
        json gives the whole card, panels included.
    """
    import json

    from sicmir_atlas.cli._table import as_text
    from sicmir_atlas.model import card

    if model is None:
        listed = card.shipped_table()
        table = listed.to_json(orient="records", indent=1) + "\n"
        sys.stdout.write(table if format == "json" else as_text(listed))
        return
    from sicmir_atlas.model.weights import load_model

    loaded = load_model(model)
    if format == "json":
        sys.stdout.write(json.dumps(card.full_card(loaded), indent=1) + "\n")
        return
    sys.stdout.write(_facts(card.card_facts(loaded)))
    for table in (card.card_metrics(loaded), card.card_reliability(loaded)):
        if len(table):
            sys.stdout.write("\n" + as_text(table))
    if "metrics" not in loaded.card:
        sys.stdout.write("\nno metrics: nobody has measured how good it is\n")


def _facts(facts: list[tuple[str, str]]) -> str:
    import textwrap

    margin = max(len(name) for name, _ in facts) + 2
    lines, before = [], ""
    for name, said in facts:
        shown = "" if name == before else name
        lines += textwrap.wrap(
            said,
            max(_WIDTH, margin + 40),
            initial_indent=shown.ljust(margin),
            subsequent_indent=" " * margin,
            break_long_words=False,
        )
        before = name
    return "".join(f"{line}\n" for line in lines)
