"""Archives to folders: nothing leaves its folder, and nothing unfolds without end."""

from __future__ import annotations

import gzip
import logging
import tarfile
from contextlib import contextmanager
from fnmatch import fnmatchcase
from typing import IO, TYPE_CHECKING, cast

from sicmir_atlas import formats
from sicmir_atlas.choice import choose_each
from sicmir_atlas.disk import folder_written_whole, written_whole
from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.sources.containers import is_gzip, is_hdf5_name, require_hdf5, without_gz
from sicmir_atlas.sources.files import safe_name
from sicmir_atlas.sources.streams import Budget, Forward, decompressed, sound

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator, Sequence
    from pathlib import Path

__all__ = ["MAX_UNPACKED", "unpack", "unwrap"]

logger = logging.getLogger(__name__)

MAX_UNPACKED = 200 * 10**9
"""Bytes: the largest archives of GEO hold some ten GB of gzip, which unfold tenfold at most."""

_MOST_MEMBERS = 100_000
_DEEPEST = 2
_MOST_FOLDERS = 20
_BLOCK = bytes(tarfile.BLOCKSIZE)
_NO_DATA = {"other", "refused", "spatial"}


def unpack(
    archive: Path,
    target: Path,
    globs: Sequence[str],
    *,
    max_unpacked: int = MAX_UNPACKED,
) -> None:
    """Unpack members of a tar archive, compressed or not, into a folder that appears whole.

    An archive inside becomes a folder of its name. gzip around h5ad, h5 and loom is taken off.

    Parameters
    ----------
    archive
        File on disk.
    target
        Folder to make, replaced if there; messages call the archive by its name.
    globs
        Names, or paths, of the members to take. Globs with ``*`` are looked for in archives
        inside, too; an archive inside that fits is taken whole. Of what is taken whole, by ``*``
        for example, those members are kept that :func:`.choice.choose_each` would choose.
    max_unpacked
        Bytes that may come out, members that are left out included if compressed.

    Raises
    ------
    CorruptError
        If a member is a link or device, leads out of the folder, or is called like another; if
        the archive is cut short; if more comes out than any dataset holds.
    InputError
        If no member is to be taken.
    """
    with folder_written_whole(target) as folder:
        work = _Unpacking(folder, target.name, globs, Budget(max_unpacked))
        with archive.open("rb") as file:
            work.walk(file, (), everything="*" in globs)
        sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
        if not sizes:
            formats.refuse(name for name in work.left if formats.role_of(name) == "refused")
            some = ", ".join(work.left[:12]) or "nothing at all"
            msg = f"{target.name}: no member is called {' or '.join(globs)}, or none holds counts: "
            msg += f"it has {some}; name the files to take in column files"
            raise InputError(msg)
    logger.info("%s: unpacked %d files, %d bytes", target.name, len(sizes), sum(sizes))


def unwrap(path: Path, target: Path, *, max_unpacked: int = MAX_UNPACKED) -> None:
    """Take gzip off an HDF5 file.

    Raises
    ------
    CorruptError
        If it is cut short, unfolds into too much, or no HDF5 file comes out.
    """
    with written_whole(target) as part:
        with path.open("rb") as file, sound(target.name):
            _write(cast("IO[bytes]", gzip.GzipFile(fileobj=file)), part, Budget(max_unpacked))
        require_hdf5(part, target.name)


class _Unpacking:
    """One archive and all that is in it."""

    def __init__(self, folder: Path, label: str, globs: Sequence[str], budget: Budget) -> None:
        self.left: list[str] = []
        self._folder, self._label, self._globs, self._budget = folder, label, globs, budget
        self._n_members = self._depth = 0

    def walk(self, file: io.BufferedReader, inside: tuple[str, ...], *, everything: bool) -> None:
        """Take members of the archive at path `inside` of the outermost one."""
        label = "/".join((self._label, *inside))
        taken = []
        with sound(label):
            unfolded = decompressed(file)
            stream = Forward(unfolded or file, label, self._budget if unfolded else None)
            with tarfile.open(
                fileobj=cast("IO[bytes]", stream), mode="r:", encoding="utf-8", errors="replace"
            ) as tar:
                for member in tar:
                    parts = self._checked(member, label)
                    path = (*inside, *parts)
                    if member.isdir() or not parts:
                        continue
                    source = cast("io.BufferedReader", tar.extractfile(member))
                    if formats.ARCHIVE.search(parts[-1]):
                        whole = everything or self._fits(member.name, path)
                        if whole or any("*" in glob for glob in self._globs):
                            self._descend(source, path, whole=whole)
                        continue
                    if everything:
                        wanted = formats.role_of(parts[-1]) not in _NO_DATA
                    else:
                        wanted = self._fits(member.name, path)
                    if wanted:
                        taken.append(self._extract(source, path, f"{label}: {member.name}"))
                    else:
                        self.left.append("/".join(path))
            if stream.last != _BLOCK:
                msg = "it ends without an end mark"
                raise tarfile.ReadError(msg)
            while unfolded and stream.read(1 << 20):
                pass  # gzip's own checksum stands at the end
        if everything:
            self._choose(taken, label)

    def _descend(self, source: io.BufferedReader, path: tuple[str, ...], *, whole: bool) -> None:
        shown = "/".join((self._label, *path))
        self._depth += 1
        if self._depth > _DEEPEST:
            msg = f"{shown}: archives in archives, deeper than {_DEEPEST}: unpack them by hand, "
            msg += "and give the files with source file"
            raise CorruptError(msg)
        with _one_name(shown):
            self._folder.joinpath(*path).mkdir(parents=True)
        self.walk(source, path, everything=whole)
        self._depth -= 1

    def _checked(self, member: tarfile.TarInfo, label: str) -> tuple[str, ...]:
        """Parts of a member's path, safe on disk; none where it is hidden."""
        self._n_members += 1
        name, parts = member.name, [p for p in member.name.split("/") if p not in {"", "."}]
        bad = None
        if self._n_members > _MOST_MEMBERS:
            bad = f"more than {_MOST_MEMBERS:,} members"
        elif name.startswith("/") or "\\" in name or ".." in parts:
            bad = "a path that leads out of the archive"
        elif len(parts) > _MOST_FOLDERS:
            bad = f"more than {_MOST_FOLDERS} folders deep"
        elif not (member.isreg() or member.isdir()) or member.issparse():
            bad = "neither a plain file nor a folder but a link, a device or the like"
        if bad:
            msg = f"{label}: {name[:300]!r} is {bad}; nothing of it is kept: unpack what is sound "
            msg += "by hand, and give the files with source file"
            raise CorruptError(msg)
        if any(part.startswith(".") or part == "__MACOSX" for part in parts):
            return ()
        try:
            return tuple(safe_name(part) for part in parts)
        except InputError as error:
            msg = f"{label}: {name[:300]!r} gives no name of a file"
            raise CorruptError(msg) from error

    def _fits(self, name: str, path: tuple[str, ...]) -> bool:
        names = (name.removeprefix("./"), name.rpartition("/")[2], "/".join(path), path[-1])
        return any(n == glob or fnmatchcase(n, glob) for n in names for glob in self._globs)

    def _extract(self, source: io.BufferedReader, path: tuple[str, ...], shown: str) -> str:
        file: IO[bytes] = source
        folded = is_hdf5_name(path[-1]) and is_gzip(source.peek(2))
        if folded:
            file = cast("IO[bytes]", gzip.GzipFile(fileobj=source))
            path = (*path[:-1], without_gz(path[-1]))
        target = self._folder.joinpath(*path)
        with _one_name(shown), sound(shown):
            target.parent.mkdir(parents=True, exist_ok=True)
            _write(file, target, self._budget if folded else None)
        if is_hdf5_name(path[-1]):
            require_hdf5(target, shown)
        return "/".join(path)

    def _choose(self, taken: Sequence[str], label: str) -> None:
        """Keep of one archive's files those that would be chosen on a server."""
        choice = choose_each(taken)
        for name in set(taken) - set(choice.files):
            self._folder.joinpath(name).unlink()
            self.left.append(name)
        for note in choice.notes:
            logger.warning("%s: %s", label, note)


def _write(source: IO[bytes], target: Path, budget: Budget | None) -> None:
    with target.open("xb") as out:
        while chunk := source.read(1 << 20):
            if budget:
                budget.spend(len(chunk), target.name)
            out.write(chunk)


@contextmanager
def _one_name(shown: str) -> Iterator[None]:
    try:
        yield
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        msg = f"{shown}: another member has the same name on disk: unpack them by hand"
        raise CorruptError(msg) from error
