"""What a statement of SQL would do, told from how DuckDB parses it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import duckdb

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["why_not_reading"]

_OPTION = r"(ANALYZE|FORMAT\s+\w+)"
# nothing that could hide what follows, such as a comment, is taken for an option
_EXPLAIN = re.compile(
    rf"\s*EXPLAIN\b\s*(ANALYZE\b\s*)?(\(\s*{_OPTION}(\s*,\s*{_OPTION})*\s*\))?", re.IGNORECASE
)
_ONE = "one statement that reads is run at a time: SELECT, WITH, DESCRIBE or EXPLAIN"
_READING = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
# they run text that is not known before they run
_RUNNING = {"query", "json_execute_serialized_sql"}


def why_not_reading(connection: duckdb.DuckDBPyConnection, query: str) -> str | None:
    """Tell why a query would do more than read; None if it only reads.

    What stands in a ``WITH`` may write even where the statement is a ``SELECT``.

    Raises
    ------
    duckdb.Error
        If the query cannot be parsed.
    """
    statements = connection.extract_statements(query)
    if [s.type for s in statements] == [duckdb.StatementType.EXPLAIN]:
        # EXPLAIN ANALYZE runs what it explains
        explain = _EXPLAIN.match(query)
        if explain is None:
            return _ONE
        query = query[explain.end() :]
        statements = connection.extract_statements(query)
    if [s.type for s in statements] != [duckdb.StatementType.SELECT]:
        return _ONE
    ((text,),) = connection.execute("SELECT json_serialize_sql(?::VARCHAR)", [query]).fetchall()
    parsed = json.loads(text)
    if parsed["error"]:
        return str(parsed["error_message"])
    for part in _parts(parsed):
        kind, function = str(part.get("type")), str(part.get("function_name")).lower()
        if kind.endswith("_NODE") and kind not in _READING:
            verb = kind.partition("_")[0]
            return f"{verb} inside a SELECT writes: only statements that read are run"
        if function in _RUNNING:
            return f"{function}() runs text as SQL: write the statement itself"
    return None


def _parts(tree: object) -> Iterator[dict[str, Any]]:
    """Every object of a JSON document."""
    waiting = [tree]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
