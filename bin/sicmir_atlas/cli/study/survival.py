"""`sicmir-atlas study survival`: Cox regression of every miRNA."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated

from cyclopts import Parameter

__all__ = ["survival"]


def survival(
    mirna: Path,
    clinical: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    time: str = "time",
    event: str = "event",
    mirnas: Annotated[tuple[str, ...], Parameter(consume_multiple=True)] = (),
) -> None:
    """Fit a Cox model for each miRNA, and correct for their number.

    Writes survival.csv, survival.svg (a forest plot of the 20 most significant) and survival.json.
    A miRNA that cannot be fitted has its reason in the table.

    Parameters
    ----------
    mirna
        Samples × miRNAs, csv or csv.gz, measured or predicted; hazard ratios are per unit of it.
    clinical
        Table with column sample, a time and an event.
    output
        Folder to write into.
    time
        Column of the time to event or censoring.
    event
        Column that is 1 where it happened and 0 where it was censored.
    mirnas
        Only these; all columns when none is named.
    """
    from sicmir_atlas.study.result import write_result
    from sicmir_atlas.study.survival import cox, read_clinical, read_profiles
    from sicmir_atlas.study.survival import survival as summarise

    follow_up = read_clinical(clinical, time=time, event=event)
    write_result(summarise(cox(read_profiles(mirna, mirnas), follow_up)), output)
