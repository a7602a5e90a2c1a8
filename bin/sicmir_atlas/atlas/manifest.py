"""What a build says of itself: its manifest, read and proven to be of a schema we know."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sicmir_atlas.atlas.spec import SCHEMA_VERSION
from sicmir_atlas.errors import CorruptError, GoneError, InputError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_manifest"]


def read_manifest(folder: Path) -> dict[str, Any]:
    """Manifest of a build, of any minor version of the schema.

    ``folder`` is an atlas, or one of the builds inside a published one.

    Raises
    ------
    GoneError
        If there is no atlas in the folder.
    CorruptError
        If its manifest cannot be read, or lists no files.
    InputError
        If it was written under another major version of the schema.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        msg = f"{folder}: no atlas here (manifest.json is expected)"
        raise GoneError(msg)
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        found = str(manifest["schema_version"])
        for entry in manifest["files"]:
            _ = entry["path"], entry["table"], entry["rows"], entry["bytes"], entry["sha256"]
    except (ValueError, LookupError, TypeError) as error:
        msg = f"{folder}: manifest.json cannot be read ({error!r}); see sicmir-atlas validate"
        raise CorruptError(msg) from error
    if found.split(".", maxsplit=1)[0] != SCHEMA_VERSION.split(".", maxsplit=1)[0]:
        msg = (
            f"{folder}: schema {found}; this version of sicmir-atlas reads {SCHEMA_VERSION}: use "
            f"a version of it that reads {found}"
        )
        raise InputError(msg)
    return manifest
