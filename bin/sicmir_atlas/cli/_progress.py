"""Progress on standard error, when a person is watching."""

from __future__ import annotations

import logging
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.progress import TaskID

    from sicmir_atlas.sources.part import Progress as Report

__all__ = ["bytes_fetched", "rows_looked_up", "rows_written"]


@contextmanager
def rows_written(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar of rows written; silent where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:2], MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("predicting", total=total)
        yield lambda done: bar.update(task, completed=done)


@contextmanager
def bytes_fetched() -> Iterator[Report | None]:
    """Show bytes, rate and time left of each download; silent where nobody watches.

    Where standard error is no terminal, the log's lines tell the same.
    """
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn())
    columns = (*columns, TransferSpeedColumn(), TimeRemainingColumn())  # type: ignore[assignment]
    with Progress(*columns, console=Console(stderr=True)) as bars, _log_above():
        tasks: dict[str, TaskID] = {}

        def show(name: str, done: int, total: int | None, /) -> None:
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield show


@contextmanager
def _log_above() -> Iterator[None]:
    """Let log lines appear above the bars, and leave out those that say what bars show."""
    shown_by_bars = logging.getLogger("sicmir_atlas.sources.part")
    handlers = [h for h in logging.getLogger().handlers if isinstance(h, logging.StreamHandler)]
    before = [handler.setStream(sys.stderr) for handler in handlers]
    shown_by_bars.setLevel(logging.WARNING)
    try:
        yield
    finally:
        shown_by_bars.setLevel(logging.NOTSET)
        for handler, stream in zip(handlers, before, strict=True):
            if stream:
                handler.setStream(stream)


@contextmanager
def rows_looked_up(total: int) -> Iterator[Callable[[int], None] | None]:
    """Show a bar of rows looked up; silent where standard error is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress, TimeRemainingColumn

    columns = (*Progress.get_default_columns()[:3], TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar, _log_above():
        task = bar.add_task("looking up", total=total)
        yield lambda done: bar.update(task, completed=done)
