"""What the steps share: JSON in and out, and a rule's verdict written down."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import ExcludedDataset, GoneError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

__all__ = ["read_json", "verdict", "write_json", "write_verdict"]


def read_json(path: Path) -> Any:
    """Content of a JSON file.

    Raises
    ------
    GoneError
        If there is no such file.
    InputError
        If it is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        msg = f"{path}: no such file"
        raise GoneError(msg) from error
    except ValueError as error:
        msg = f"{path}: not JSON: {error}"
        raise InputError(msg) from error


def write_json(path: Path, content: Any) -> None:
    """Write JSON that appears whole or not at all."""
    text = json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False)
    with written_whole(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


@contextmanager
def verdict(folder: Path | None, dataset_id: str) -> Iterator[None]:
    """Write a rule's verdict into ``folder`` in place of raising it, where a folder is given.

    A verdict is a result: the step has succeeded.
    """
    try:
        yield
    except ExcludedDataset as excluded:
        write_verdict(folder, dataset_id, excluded)


def write_verdict(
    folder: Path | None, dataset_id: str, excluded: ExcludedDataset, **about: str
) -> None:
    """Write a rule's verdict.

    Raises
    ------
    InputError
        If there is no folder to write it into.
    """
    if folder is None:
        msg = f"{dataset_id} is excluded: {excluded}"
        raise InputError(msg) from excluded
    content = {"dataset_id": dataset_id, "status": "excluded", "reason": str(excluded), **about}
    write_json(folder / f"{dataset_id}.json", {**content, "facts": excluded.facts})
