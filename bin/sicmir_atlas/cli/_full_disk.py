"""What is said when a disk is full."""

from __future__ import annotations

import errno
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sicmir_atlas.disk import no_space

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

__all__ = ["full_disk_told"]

_EXIT_CODE = 74  # EX_IOERR: heals when space is made
_WORDS = {
    errno.EDQUOT: "the quota is spent on the device of",
    errno.EFBIG: "files may not become as large on the device of",
}


@contextmanager
def full_disk_told(tokens: Sequence[str] | None = None) -> Iterator[None]:
    """Exit with code 74, and one line that says which disk is full and what to do.

    Parameters
    ----------
    tokens
        Words of the command line: where an error does not say its file, the path among them with
        the least space left on its device is named.
    """
    try:
        yield
    except Exception as error:
        causes = list(_causes(error))
        full = next(filter(no_space, causes), None)
        if full is None:
            raise
        named = (getattr(e, "filename2", None) or getattr(e, "filename", None) for e in causes)
        place = next(filter(None, named), None) or _fullest(tokens or sys.argv[1:])
        said = _WORDS.get(getattr(full, "errno", 0), "no space left on the device of")
        print(  # noqa: T201  the CLI speaks
            f"sicmir-atlas: error: {said} {place}: free some, or write to another; temporary "
            f"files go to {tempfile.gettempdir()}, or where TMPDIR says",
            file=sys.stderr,
        )
        sys.exit(_EXIT_CODE)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _fullest(tokens: Sequence[str]) -> Path:
    words = [Path(token) for token in tokens if not token.startswith("-")]
    there = [next((p for p in (w, w.parent) if p.exists()), Path()) for w in words]
    return min((*there, Path(tempfile.gettempdir())), key=lambda path: shutil.disk_usage(path).free)
