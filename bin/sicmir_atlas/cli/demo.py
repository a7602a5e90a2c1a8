"""`sicmir-atlas demo`: simulated datasets to try everything on."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  the command line reads the annotations

__all__ = ["demo"]


def demo(folder: Path, /) -> None:
    """Write six small simulated datasets and their samplesheet.

    Four of them make an atlas; a mouse one and one of only two cell types are excluded. Files that
    are already there and right are left alone.

    Parameters
    ----------
    folder
        Folder to write into.
    """
    from sicmir_atlas.demo import write_demo

    sheet = write_demo(folder)
    sys.stdout.write(f"simulated UMI counts of six datasets: {sheet}\n")
