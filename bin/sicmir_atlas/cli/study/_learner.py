"""The learner that a command names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from sicmir_atlas.model.learners import Learner

__all__ = ["learner_named"]


def learner_named(name: str) -> Learner:
    """Find a learner.

    Raises
    ------
    InputError
        When there is none of that name.
    """
    from sicmir_atlas.model.learners import LEARNERS

    if name not in LEARNERS:
        msg = f"no learner {name!r}; take one of {', '.join(sorted(LEARNERS))}"
        raise InputError(msg)
    return LEARNERS[name]
