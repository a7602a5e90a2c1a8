"""`sicmir-atlas report`: one page on an atlas, and its figures for MultiQC."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["report"]

logger = logging.getLogger(__name__)

_RUN_FILES = ("report.html", "timeline.html", "trace.txt")


def report(
    atlas: str,
    /,
    *,
    output: Annotated[Path, Parameter(alias="-o")] = Path("report.html"),
    title: str = "SiCmiR atlas",
    previous: Path | None = None,
    multiqc: Path | None = None,
    run_folder: str | None = None,
) -> None:
    """Write one self-contained page on an atlas: what it holds, what was left out, and why.

    Parameters
    ----------
    atlas
        Atlas folder, or its http(s) address.
    output
        The page.
    title
        Its title.
    previous
        Folder of an earlier atlas: the page says what changed since, if it can be compared.
    multiqc
        Also write the figures for MultiQC here, and beside it; the name ends with _mqc.json.
    run_folder
        Folder of the run's own report, timeline and trace, relative to the page. They are linked
        whether there or not, since a run writes them at its end; without this option those in
        pipeline_info beside the page are, if there.
    """
    from sicmir_atlas.atlas.diff import diff_atlases
    from sicmir_atlas.atlas.home import is_address
    from sicmir_atlas.cli._open import opened_atlas
    from sicmir_atlas.disk import written_whole
    from sicmir_atlas.errors import CorruptError, InputError
    from sicmir_atlas.report import gather, render, require_name, write_multiqc

    if previous is not None and is_address(atlas):
        msg = f"{atlas}: only a folder is compared with --previous; copy the atlas first"
        raise InputError(msg)
    if multiqc is not None:
        require_name(multiqc)
    with opened_atlas(atlas) as opened:
        contents = gather(opened)
    diff = None
    if previous is not None:
        try:
            diff = diff_atlases(previous, Path(atlas))
        except (InputError, CorruptError) as error:  # the page is about this atlas
            logger.warning("not compared with the atlas before: %s", error)
    page = render(
        contents, title=title, place=atlas, diff=diff, run_files=_run_files(output, run_folder)
    )
    with written_whole(output) as part:
        part.write_text(page, encoding="utf-8")
    made = [output]
    if multiqc is not None:
        made += write_multiqc(contents, multiqc)
    sys.stdout.write("".join(f"{path}\n" for path in made))


def _run_files(page: Path, folder: str | None) -> list[str]:
    if folder is not None:
        return [f"{folder.rstrip('/')}/{name}" for name in _RUN_FILES]
    beside = [f"pipeline_info/{name}" for name in _RUN_FILES]
    return [path for path in beside if (page.parent / path).is_file()]
