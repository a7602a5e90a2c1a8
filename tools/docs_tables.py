#!/usr/bin/env python3
"""Write into the docs what can be made: tables from the JSON schemas, answers of the demo atlas.

    tools/docs_tables.py              docs/parameters.md, and tables of docs/usage.md
    tools/docs_tables.py ATLAS        and the answers shown in README.md and docs/sql.md

A table lies between ``<!-- NAME -->`` and ``<!-- end -->``; an answer is the ``text`` block right
after a ``sql`` block.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "bin"))

if TYPE_CHECKING:
    from collections.abc import Callable

PARAMETERS = """<!-- made by `make docs` from nextflow_schema.json -->
# Parameters of the pipeline

As `--NAME VALUE`, or in a file with `-params-file`. `nextflow run main.nf --help` lists them, and
`nextflow run main.nf --help NAME` says all there is to say of one. CHECK proves all of them, and
the whole samplesheet, before anything is fetched, and lists every problem at once."""
SHOWN = re.compile(r"```sql\n(?P<query>[^`]*)```\n+```text\n(?P<answer>[^`]*)```")


def main() -> None:
    usage = ROOT / "docs/usage.md"
    usage.write_text(with_tables(usage.read_text()))
    page = ROOT / "docs/parameters.md"
    page.write_text(parameters(_read("nextflow_schema.json")))
    if len(sys.argv) > 1:
        from sicmir_atlas.atlas.query import open_atlas
        from sicmir_atlas.cli._table import as_text

        with open_atlas(sys.argv[1]) as atlas:
            for page in (ROOT / "README.md", ROOT / "docs/sql.md"):
                text = with_answers(page.read_text(), lambda query: as_text(atlas.sql(query)))
                page.write_text(text)


def with_tables(text: str) -> str:
    """Page with its tables made anew."""
    made = {"samplesheet": samplesheet(_read("assets/schema_input.json"))}
    for name, table in made.items():
        pattern = re.compile(rf"(?<=<!-- {name} -->\n)(?:(?!<!--).)*(?=<!-- end -->)", re.DOTALL)
        text = pattern.sub(lambda _, table=table: table + "\n", text)
    return text


def with_answers(text: str, answer: Callable[[str], str]) -> str:
    """Page with the answers that it shows made anew."""

    def shown(found: re.Match[str]) -> str:
        return f"```sql\n{found['query']}```\n```text\n{answer(found['query'])}```"

    return SHOWN.sub(shown, text)


def parameters(schema: dict[str, Any]) -> str:
    """Page of the pipeline's parameters: a table a group, and below it what needs more words."""
    parts = [PARAMETERS]
    for reference in schema["allOf"]:
        group = schema["$defs"][reference["$ref"].rpartition("/")[2]]
        about = group["description"]
        lines = [f"## {group['title']}", "", _prose(about[0].upper() + about[1:]), ""]
        lines += ["| parameter | value | default | meaning |", "|---|---|---|---|"]
        more = []
        for name, entry in group["properties"].items():
            needed = name in group.get("required", ()) and "default" not in entry
            default = "**needed**" if needed else _code(entry.get("default"))
            meaning = _prose(entry["description"])
            if default == "" and "examples" in entry:
                meaning += f" For example {_code(entry['examples'][0])}."
            lines.append(f"| `--{name}` | {_kind(entry)} | {default} | {meaning} |")
            if "help_text" in entry:
                more += ["", f"**`--{name}`**. {_prose(entry['help_text'])}"]
        parts.append("\n".join([*lines, *more]))
    return "\n\n".join(parts) + "\n"


def samplesheet(schema: dict[str, Any]) -> str:
    """Table of the samplesheet's columns."""
    item = schema["items"]
    needed = dict.fromkeys(item["required"], ", **needed**")
    for rule in item["allOf"]:
        sources = ", ".join(map(_code, rule["if"]["properties"]["source"]["enum"]))
        needed |= dict.fromkeys(rule["then"]["required"], f", **needed** by {sources}")
    lines = ["| column | value | meaning | for example |", "|---|---|---|---|"]
    for name, entry in item["properties"].items():
        value = _kind(entry) + needed.get(name, "")
        example = "<br>".join(_code(e) for e in entry.get("examples", ()))
        lines.append(f"| `{name}` | {value} | {_prose(entry['description'])} | {example} |")
    return "\n".join(lines)


def _kind(entry: dict[str, Any]) -> str:
    if "enum" in entry:
        return ", ".join(_code(value) for value in entry["enum"])
    kinds = [entry["type"]] if isinstance(entry["type"], str) else entry["type"]
    text = " or ".join({"string": "text"}.get(kind, kind) for kind in kinds if kind != "null")
    if "exclusiveMinimum" in entry:
        return f"{text}, above {entry['exclusiveMinimum']}"
    low, high = entry.get("minimum"), entry.get("maximum")
    if high is not None:
        return f"{text}, {low} to {high}"
    return text if low is None else f"{text}, from {low}"


def _code(value: object) -> str:
    if value is None:
        return ""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    return f"`{text}`".replace("|", "\\|")


def _prose(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "\\<")


def _read(name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((ROOT / name).read_text())
    return content


if __name__ == "__main__":
    main()
