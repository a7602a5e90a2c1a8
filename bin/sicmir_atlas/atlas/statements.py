"""What a statement of SQL would do, told from how DuckDB parses it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import duckdb

from sicmir_atlas.atlas.home import offline
from sicmir_atlas.errors import SicmirError

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["QueryError", "statements_to_run"]

_OPTION = r"(ANALYZE|FORMAT\s+\w+)"
# nothing that could hide what follows, such as a comment, is taken for an option
_EXPLAIN = re.compile(
    rf"\s*EXPLAIN\b\s*(ANALYZE\b\s*)?(\(\s*{_OPTION}(\s*,\s*{_OPTION})*\s*\))?", re.IGNORECASE
)
_ONE = (
    "one statement that reads is run at a time: SELECT, WITH, DESCRIBE or EXPLAIN; "
    "--script (script=True in Python) takes several"
)
_LAST = "the last statement of a script is its answer, and has to read: SELECT, WITH, DESCRIBE"
_READING = {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"}
# they run text that is not known before they run
_RUNNING = {"query", "json_execute_serialized_sql"}
_IN_MEMORY = {
    *(duckdb.StatementType.CREATE, duckdb.StatementType.DROP, duckdb.StatementType.ALTER),
    *(duckdb.StatementType.INSERT, duckdb.StatementType.UPDATE, duckdb.StatementType.DELETE),
    *(duckdb.StatementType.MERGE_INTO, duckdb.StatementType.SET),
}
# Statements that make something are not told in parts. So these words are refused wherever they
# stand: they write files, keep secrets, or run text as SQL.
_NOT_IN_MEMORY = re.compile(
    r"\b(COPY|EXPORT|SECRET|QUERY|JSON_EXECUTE_SERIALIZED_SQL)\b", re.IGNORECASE
)


class QueryError(SicmirError, ValueError):
    """A query that DuckDB refused, or that would do more than read."""

    exit_code = 64


def statements_to_run(text: str, *, script: bool) -> tuple[list[str], str]:
    """Split text into the statements that come first, and the last, which is the answer.

    Parameters
    ----------
    text
        One statement that reads; a script has any number before it, which may make and change
        tables, views and macros in memory.
    script
        Whether it may be a script.

    Raises
    ------
    QueryError
        If a statement would do more than that.
    duckdb.Error
        If the text cannot be parsed.
    """
    # parsed where no statement was ever run: a macro could stand in for a function of the parser
    with offline() as connection:
        if not script:
            found, why = [text], _why_not_reading(connection, text)
        else:
            found = [statement.query for statement in connection.extract_statements(text)]
            why = _why_not_a_script(connection, found)
    if why:
        raise QueryError(why)
    return found[:-1], found[-1]


def _why_not_a_script(connection: duckdb.DuckDBPyConnection, queries: list[str]) -> str | None:
    if not queries:
        return _LAST
    *first, last = queries
    for query in first:
        (statement,) = connection.extract_statements(query)
        kind = statement.type
        if kind not in _IN_MEMORY:
            why = _why_not_reading(connection, query)
            if why:
                made = "a script makes tables, views and macros in memory, and reads"
                return f"{kind.name} is refused: {made}" if why == _ONE else why
        elif word := _NOT_IN_MEMORY.search(query):
            remedy = "not even as a name or in a text, since a script changes no file"
            return f"the word {word[0]} is refused beside CREATE and the like, {remedy}"
    why = _why_not_reading(connection, last)
    return _LAST if why == _ONE else why


def _why_not_reading(connection: duckdb.DuckDBPyConnection, query: str) -> str | None:
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
