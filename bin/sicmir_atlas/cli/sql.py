"""`sicmir-atlas sql`: a question in SQL, an answer as table, csv, json or Parquet."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["sql"]


def sql(
    atlas: str,
    query: str,
    /,
    *,
    script: Annotated[bool, Parameter(negative="")] = False,
    format: Literal["table", "csv", "json", "parquet"] = "table",  # noqa: A002  the option's name
    output: Annotated[Path | None, Parameter(alias="-o")] = None,
) -> None:
    """Ask an atlas a question in SQL.

    Parameters
    ----------
    atlas
        Atlas folder, wherever it lies, or its http(s) address.
    query
        One statement that reads: SELECT, WITH, FROM, DESCRIBE, SUMMARIZE, EXPLAIN.
    script
        Take several statements: before the one that reads, CREATE, INSERT and the like make tables,
        views and macros in memory. No statement writes a file.
    format
        How the answer is written. A table shows at most 200 rows and 30 columns; the other formats
        show all.
    output
        File for the answer; Parquet needs one.
    """
    from sicmir_atlas.cli._open import opened_atlas
    from sicmir_atlas.disk import written_whole
    from sicmir_atlas.errors import InputError

    if format == "parquet" and output is None:
        msg = "parquet is not text: name a file with --output"
        raise InputError(msg)
    with opened_atlas(atlas) as opened:
        if format == "parquet" and output is not None:
            import pyarrow.parquet as pq

            answer = opened.arrow(query, script=script)
            with written_whole(output) as part:
                pq.write_table(answer, part)
            return
        text = _text(opened.sql(query, script=script), format)
    if output is None:
        sys.stdout.write(text)
    else:
        with written_whole(output) as part:
            part.write_text(text, encoding="utf-8")


def _text(answer: pd.DataFrame, kind: str) -> str:
    if kind == "csv":
        return str(answer.to_csv(index=False))
    if kind == "json":
        return str(answer.to_json(orient="records", indent=1, force_ascii=False)) + "\n"
    from sicmir_atlas.cli._table import as_text

    return as_text(answer)
