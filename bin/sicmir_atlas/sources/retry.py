"""Try again, politely: what waits, how long, and when it is given up."""

from __future__ import annotations

import logging
import random
import time
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, TypeVar

from sicmir_atlas.errors import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Retry", "persist", "retry_after"]

logger = logging.getLogger(__name__)

_LONGEST_WAIT = 60.0
_LONGEST_RETRY_AFTER = 300.0
# a try that brought this much is not held against a server that cuts long connections
_PROGRESS = 64 << 20
_Reply = TypeVar("_Reply")


class Retry(Exception):  # noqa: N818  control flow between a try and `persist`
    """A try failed in a way that another may heal.

    Parameters
    ----------
    why
        What went wrong, for people.
    after
        Seconds the server asks to wait; None where it asks nothing.
    """

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


def persist(
    once: Callable[[], _Reply],
    *,
    address: str,
    tries: int,
    wait: float,
    kept: Callable[[], int] = lambda: 0,
) -> _Reply:
    """Give what `once` gives; call it again as long as it raises `Retry` and tries are left.

    Parameters
    ----------
    once
        One try.
    address
        What is asked, for messages.
    tries
        Calls before giving up; counted anew whenever 64 MiB more are kept.
    wait
        Seconds before the second try; doubled each time, up to a minute, less a random part.
        The time a server asks for takes its place, up to five minutes.
    kept
        Bytes on disk that the next try builds on.

    Raises
    ------
    UnavailableError
        If the tries are spent.
    """
    attempt, best, why = 0, kept(), "nothing"
    while attempt < tries:
        attempt += 1
        try:
            return once()
        except Retry as reason:
            why, after = str(reason), reason.after
        now = kept()
        if now - best >= _PROGRESS:
            attempt, best = 1, now
        said = f"{address}: try {attempt} of {tries}: {why}" + (f"; {now} bytes kept" * bool(now))
        if attempt < tries:
            pause = min(_LONGEST_WAIT, wait * 2 ** (attempt - 1)) * random.uniform(0.5, 1)
            pause = pause if after is None else after
            logger.warning("%s; again in %.3g s", said, pause)
            time.sleep(pause)
        else:
            logger.warning("%s", said)
    msg = f"{address}: unavailable after {tries} tries; the last said: {why}; run it again later"
    raise UnavailableError(msg)


def retry_after(value: str | None, date: str | None = None) -> float | None:
    """Seconds that ``Retry-After`` asks for, 0 to 300; None where it says nothing readable.

    Parameters
    ----------
    value
        Seconds, or an HTTP date.
    date
        The reply's own ``Date``, so that a clock here that is wrong does not matter.
    """
    if not value:
        return None
    if value.strip().isdecimal():
        return min(_LONGEST_RETRY_AFTER, float(value))
    try:
        now = parsedate_to_datetime(date) if date else datetime.now(UTC)
        seconds = (parsedate_to_datetime(value) - now).total_seconds()
    except (TypeError, ValueError):
        return None
    return min(_LONGEST_RETRY_AFTER, max(0.0, seconds))
