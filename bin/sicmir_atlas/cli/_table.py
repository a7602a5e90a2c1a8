"""A data frame as a table for a terminal."""

from __future__ import annotations

from io import StringIO
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_text"]

_MOST_ROWS = 200
_MOST_COLUMNS = 30  # all that is not one column per miRNA is narrower


def as_text(answer: pd.DataFrame, *, most_rows: int = _MOST_ROWS) -> str:
    """Table of at most so many rows and 30 columns, as wide as its content."""
    import pandas as pd
    from rich import box
    from rich.console import Console
    from rich.table import Table

    n_columns = answer.shape[1]
    answer = answer.iloc[:, :_MOST_COLUMNS]
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
    more = {"rows": len(answer) - most_rows, "columns": n_columns - answer.shape[1]}
    left = " and ".join(f"{count} more {what}" for what, count in more.items() if count > 0)
    return text + "\n" + (f"… {left}: use --format csv\n" if left else "")


def _cell(value: Any) -> str:
    import numpy as np
    import pandas as pd

    if isinstance(value, (list, np.ndarray)):
        return ", ".join(map(str, value))
    if value is None or pd.isna(value):
        return ""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
