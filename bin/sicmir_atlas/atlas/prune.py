"""Remove from an atlas folder what its manifest does not list: former builds and half files."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sicmir_atlas.atlas.build import Build
from sicmir_atlas.atlas.schema import TABLES
from sicmir_atlas.errors import CorruptError, InputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["Pruned", "prune"]

_HALF = re.compile(r"(.+\.(parquet|json|duckdb)|[0-9a-f]{12})\.part|\.(part|link)-.+")
_BUILD = re.compile(r"[0-9a-f]{12}")
_LARGE = re.compile(r".+-[0-9a-f]{12}\.parquet")


@dataclass(frozen=True)
class Pruned:
    """What was removed, relative to the atlas folder, and the bytes that this freed.

    A file that has another name elsewhere (a hard link) frees nothing.
    """

    paths: tuple[str, ...]
    bytes: int


def prune(
    atlas: Path,
    *,
    keep_builds: int = 0,
    dry_run: bool = False,
    told: Callable[[str], None] = lambda _: None,
) -> Pruned:
    """Remove former builds, files that no kept build lists, and what killed writers left.

    What the atlas shows is never touched, so that it stays sound at any moment. Only names that
    this package gives are removed, and links are not followed.

    Parameters
    ----------
    keep_builds
        Newest former builds to keep, with the large files that they list.
    dry_run
        Remove nothing; say what would be.
    told
        Called with each path, relative to the atlas, when it was removed.

    Raises
    ------
    GoneError
        If there is no atlas in the folder.
    CorruptError
        If the manifest of a build that is kept cannot be read, or ``current`` leads nowhere.
    InputError
        If ``keep_builds`` is negative, or the atlas is of another major version of the schema.
    UnavailableError
        If a run is writing into the folder.
    """
    if keep_builds < 0:
        msg = f"keep {keep_builds} builds: give 0 or more"
        raise InputError(msg)
    Build(atlas)  # a folder that is no atlas is not written into, not even a lock
    with ExitStack() as stack:
        if not dry_run:
            for folder in sorted({atlas.absolute().parent, atlas.resolve().parent}):
                stack.enter_context(_locked(folder))
        unwanted = list(_unwanted(atlas, keep_builds))
        n_bytes = 0
        for path in unwanted:
            n_bytes += _bytes_in(path)
            if not dry_run:
                _remove(path)
            told(path.relative_to(atlas).as_posix())
        return Pruned(tuple(path.relative_to(atlas).as_posix() for path in unwanted), n_bytes)


@contextmanager
def _locked(outdir: Path) -> Iterator[None]:
    """Hold the lock that a run holds on its output folder while it writes there."""
    with (outdir / ".lock").open("a") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            msg = f"{outdir}: a run is writing into this folder; prune when it has ended"
            raise UnavailableError(msg) from error
        yield


def _unwanted(atlas: Path, keep_builds: int) -> Iterator[Path]:
    """What goes, former builds first: no build is there whose files are not."""
    current, former = _builds(atlas)
    kept = [atlas, *current, *former[:keep_builds]]
    listed = {str(entry["path"]) for folder in kept for entry in Build(folder).files}
    tables = {*TABLES, *(path.partition("/")[0] for path in listed if "/" in path)}
    yield from former[keep_builds:]
    for path in _inside(atlas):
        name = path.name
        if path.is_dir() and not path.is_symlink() and name in tables:
            for file in _inside(path):
                large = _LARGE.fullmatch(file.name) and f"{name}/{file.name}" not in listed
                if large or _HALF.fullmatch(file.name):
                    yield file
        elif (path.suffix == ".parquet" and path.stem in tables and name not in listed) or (
            _HALF.fullmatch(name)
        ):
            yield path
    builds = atlas / "builds"
    if builds.is_dir() and not builds.is_symlink():
        yield from (path for path in _inside(builds) if _HALF.fullmatch(path.name))


def _builds(atlas: Path) -> tuple[list[Path], list[Path]]:
    """The build that a published atlas shows, and its former ones, newest first."""
    link, builds = atlas / "current", atlas / "builds"
    if not link.is_symlink():
        return [], _newest_first(builds)
    shown = Path(os.path.normpath(atlas / link.readlink()))
    if shown.parent != Path(os.path.normpath(builds)) or builds.is_symlink() or not shown.is_dir():
        msg = f"{link}: leads to no build of this atlas ({link.readlink()}); publish it again"
        raise CorruptError(msg)
    return [shown], [path for path in _newest_first(builds) if path.name != shown.name]


def _newest_first(builds: Path) -> list[Path]:
    if not builds.is_dir() or builds.is_symlink():
        return []
    found = (path for path in _inside(builds) if _BUILD.fullmatch(path.name))
    folders = [path for path in found if path.is_dir() and not path.is_symlink()]
    return sorted(folders, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)


def _inside(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def _bytes_in(path: Path) -> int:
    if path.is_dir() and not path.is_symlink():
        return sum(_bytes_in(inner) for inner in path.iterdir())
    about = path.lstat()
    return about.st_size if about.st_nlink == 1 else 0


def _remove(path: Path) -> None:
    if path.is_symlink() or not path.is_dir():
        path.unlink()
        return
    half = path if _HALF.fullmatch(path.name) else path.with_name(f"{path.name}.part")
    path.replace(half)  # whoever dies here leaves no build that looks whole
    shutil.rmtree(half)
