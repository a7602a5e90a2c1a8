"""Numbers that options take; any other is wrong usage, told in one line."""

from __future__ import annotations

from math import inf
from typing import Annotated, TypeAlias

from cyclopts import Parameter
from cyclopts.validators import Number

__all__ = [
    "AtLeast1",
    "AtLeast2",
    "FoldsOrNone",
    "Positive",
    "Seed",
    "Share",
    "Threads",
    "UpTo1",
]

_WHOLE = 2**31  # what the libraries below take as a whole number

AtLeast1: TypeAlias = Annotated[int, Parameter(validator=Number(gte=1, lt=_WHOLE))]
AtLeast2: TypeAlias = Annotated[int, Parameter(validator=Number(gte=2, lt=_WHOLE))]
Seed: TypeAlias = Annotated[int, Parameter(validator=Number(gte=0, lt=2**32))]
Threads: TypeAlias = Annotated[int, Parameter(validator=Number(gte=1, lte=1024))]
Positive: TypeAlias = Annotated[float, Parameter(validator=Number(gt=0, lt=inf))]
Share: TypeAlias = Annotated[float, Parameter(validator=Number(gte=0, lt=1))]
UpTo1: TypeAlias = Annotated[float, Parameter(validator=Number(gte=0, lte=1))]


def _folds_or_none(_: object, value: int) -> None:
    if value != 0 and value < 2:
        msg = "Must be 0, or 2 and more."
        raise ValueError(msg)


FoldsOrNone: TypeAlias = Annotated[int, Parameter(validator=_folds_or_none)]
