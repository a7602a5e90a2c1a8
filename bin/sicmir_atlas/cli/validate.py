"""`sicmir-atlas validate`: every reason why an atlas is not sound."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  the command line reads the annotations

__all__ = ["validate"]


def validate(atlas: Path, /, *, existing: Path | None = None) -> None:
    """Check every file of an atlas against the schema, every key, reference and checksum.

    Parameters
    ----------
    atlas
        Atlas folder.
    existing
        manifest.json of a sound atlas: the bytes of files that it lists as well are not read again.
    """
    from sicmir_atlas.atlas.validate import leftovers
    from sicmir_atlas.atlas.validate import validate as run
    from sicmir_atlas.cli import _io
    from sicmir_atlas.errors import CorruptError, GoneError

    if not atlas.is_dir():
        msg = f"{atlas}: no such folder"
        raise GoneError(msg)
    violations = run(atlas, existing=_io.read_json(existing) if existing else None)
    if violations:
        listed = "\n".join(f"  {violation}" for violation in violations)
        count = f"{len(violations)} violation{'s' if len(violations) > 1 else ''}"
        msg = f"{atlas}: {count}\n{listed}"
        raise CorruptError(msg)
    sys.stdout.write(f"{atlas}: sound\n")
    former = leftovers(atlas)
    if former:
        sys.stderr.write(f"{len(former)} leftovers of former builds, see sicmir-atlas prune:\n")
        sys.stderr.writelines(f"  {name}\n" for name in former)
