"""`sicmir-atlas study enrichment`: which sets are over-represented in lists or modules."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["enrichment"]


def enrichment(
    lists: Path,
    sets: Path,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    kind: Literal["gene", "mirna"] = "gene",
    universe: Path | None = None,
) -> None:
    """Test lists of genes or miRNAs for over-represented sets.

    Writes enrichment.csv, enrichment.svg (the 20 smallest p) and enrichment.json. q values are
    over all tests of the run.

    Parameters
    ----------
    lists
        modules.csv of `study modules`, or a csv whose first column is a list of names.
    sets
        GMT: a line for each set, of tab-separated name, description and members.
    output
        Folder to write into.
    kind
        Nodes of the modules to take; names the universe where none is given.
    universe
        Text with a name on each line: all that could have come into a list. Where not given: the
        landmark genes; the miRNAs of all modules, or the model's panel for a list.
    """
    from sicmir_atlas.errors import InputError
    from sicmir_atlas.names import landmarks, mirnas
    from sicmir_atlas.study.enrichment import enrichment as summarise
    from sicmir_atlas.study.enrichment import over_representation, read_gmt, read_lists
    from sicmir_atlas.study.result import write_result

    given = read_lists(lists, kind=kind)
    names: Collection[str]
    if universe is None and kind == "gene":
        names = landmarks()
    elif universe is None:
        names = mirnas() if len(given) == 1 else set().union(*given.values())
    elif universe.is_file():
        names = list(filter(None, map(str.strip, universe.read_text("utf-8-sig").splitlines())))
    else:
        msg = f"no file {universe}"
        raise InputError(msg)
    table = over_representation(given, read_gmt(sets), names)
    write_result(summarise(table), output)
