"""Everything this package raises on purpose, and the exit code each kind maps to in the CLI."""

from __future__ import annotations

__all__ = [
    "CorruptError",
    "ExcludedDataset",
    "GoneError",
    "GpuMemoryError",
    "InputError",
    "MissingExtraError",
    "SicmirError",
    "UnavailableError",
]


class SicmirError(Exception):
    """Root of all errors of this package; the message says what, where and what to do."""

    exit_code = 1

    def __str__(self) -> str:
        return " ".join(str(arg) for arg in self.args)


class InputError(SicmirError, ValueError):
    """What the user gave cannot be used as it is: a parameter, a samplesheet cell, a matrix."""

    exit_code = 64


class CorruptError(SicmirError, ValueError):
    """Bytes differ from what was promised: checksum, size or container. A retry cannot heal it."""

    exit_code = 65


class GoneError(SicmirError, FileNotFoundError):
    """A file or address does not exist or is forbidden. A retry cannot heal it.

    Attributes
    ----------
    status
        HTTP status of the reply; None where no server spoke.
    """

    exit_code = 66

    def __init__(self, *args: object, status: int | None = None) -> None:
        super().__init__(*args)
        self.status = status


class MissingExtraError(SicmirError, ImportError):
    """An optional dependency is not installed."""

    exit_code = 69


class UnavailableError(SicmirError, ConnectionError):
    """A server could not be used within the tries allowed. Worth a later retry."""

    exit_code = 75


class GpuMemoryError(SicmirError, MemoryError):
    """A GPU, which others may use too, lacks memory for the least. Worth a later retry."""

    exit_code = 75


class ExcludedDataset(Exception):  # noqa: N818  a verdict of an inclusion rule, not an error
    """An inclusion rule said no to a dataset.

    Parameters
    ----------
    rule
        Short name of the rule, such as ``organism`` or ``min_cells``.
    figure
        What was found, and what the rule asks for.

    Attributes
    ----------
    facts
        Columns of table ``datasets`` that were known when the rule spoke.
    """

    def __init__(self, rule: str, figure: str) -> None:
        super().__init__(f"{rule}: {figure}")
        self.rule = rule
        self.figure = figure
        self.facts: dict[str, object] = {}
