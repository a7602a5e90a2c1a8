"""`sicmir-atlas prune`: remove former builds and half files from an atlas folder."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["prune"]


def prune(
    atlas: Path,
    /,
    *,
    keep_builds: int = 0,
    dry_run: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Remove from an atlas folder what its manifest does not list.

    That is former builds, the large files that only they list, and what killed runs left. What the
    atlas shows is not touched, nor are files of other names. Whoever still reads a former build
    loses it. Refused while a run writes into the folder.

    Parameters
    ----------
    atlas
        Atlas folder.
    keep_builds
        Keep the newest former builds, so many, with their files.
    dry_run
        Remove nothing; print what would be removed.
    """
    from sicmir_atlas.atlas.prune import prune as run

    told = "would remove" if dry_run else "removed"

    def tell(path: str) -> None:
        sys.stdout.write(f"{told} {path}\n")

    pruned = run(atlas, keep_builds=keep_builds, dry_run=dry_run, told=tell)
    freed = f"{pruned.bytes / 1e6:.1f} MB"
    if not pruned.paths:
        sys.stdout.write(f"{atlas}: nothing to remove\n")
    elif dry_run:
        sys.stdout.write(f"{atlas}: {freed} could be freed\n")
    else:
        sys.stdout.write(f"{atlas}: {freed} freed\n")
