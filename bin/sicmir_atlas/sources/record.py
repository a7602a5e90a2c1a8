"""What was fetched, for source.json."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from sicmir_atlas.disk import digest_of
from sicmir_atlas.sources.files import mask, scheme_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from sicmir_atlas.sources.files import RemoteFile

__all__ = ["source_record"]


def source_record(fetched: Iterable[tuple[RemoteFile, Path]]) -> dict[str, Any]:
    """Describe fetched files: what source.json holds.

    Returns
    -------
    ``files``, a list of ``name`` (a path with ``/`` in a folder), ``url`` (without secrets; of a
    local file its name, wherever it lies), ``sha256`` and ``size`` sorted by name; and ``sha256``:
    of one file its own, of several that of the lines ``sha256sum`` prints for them in that order.
    """
    files = []
    for file, path in fetched:
        inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        files += [
            {
                "name": one.relative_to(path.parent).as_posix(),
                "url": "/".join((_address(file), *one.relative_to(path).parts)),
                "sha256": digest_of(one),
                "size": one.stat().st_size,
            }
            for one in inside
        ]
    files.sort(key=lambda entry: str(entry["name"]))
    lines = "".join(f"{entry['sha256']}  {entry['name']}\n" for entry in files)
    combined = files[0]["sha256"] if len(files) == 1 else hashlib.sha256(lines.encode()).hexdigest()
    return {"files": files, "sha256": combined}


def _address(file: RemoteFile) -> str:
    return file.name if scheme_of(file.url) == "file" else mask(file.url)
