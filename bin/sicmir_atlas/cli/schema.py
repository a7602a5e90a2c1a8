"""`sicmir-atlas schema`: the tables of an atlas, for people and for programs."""

from __future__ import annotations

import sys
from typing import Literal

__all__ = ["schema"]


def schema(*, format: Literal["markdown", "json"] = "markdown") -> None:  # noqa: A002  the option's name
    """Print every table of an atlas: key, columns, types, units, meaning.

    Parameters
    ----------
    format
        markdown is docs/output.md; json is for clients that do not speak Python.
    """
    import json

    from sicmir_atlas.atlas.data_dictionary import as_markdown
    from sicmir_atlas.atlas.schema import as_json

    text = as_markdown() if format == "markdown" else json.dumps(as_json(), indent=1) + "\n"
    sys.stdout.write(text)
