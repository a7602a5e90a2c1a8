"""A data frame as a table for a terminal."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_text"]

_MOST_ROWS = 200


def as_text(answer: pd.DataFrame, *, most_rows: int = _MOST_ROWS) -> str:
    """Table of at most so many rows, as wide as its content."""
    import pandas as pd
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in answer.columns:
        numeric = pd.api.types.is_numeric_dtype(answer[name])
        table.add_column(str(name), justify="right" if numeric else "left", no_wrap=True)
    for row in answer.head(most_rows).itertuples(index=False):
        table.add_row(*map(_cell, row))
    out = StringIO()
    Console(file=out, width=10_000, markup=False, highlight=False).print(table)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    text = "\n".join(line for line in lines if line)
    more = len(answer) - most_rows
    return text + "\n" + (f"… {more} more rows: use --format csv\n" if more > 0 else "")


def _cell(value: Any) -> str:
    import numpy as np
    import pandas as pd

    if isinstance(value, (list, np.ndarray)):
        return ", ".join(map(str, value))
    if value is None or pd.isna(value):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
