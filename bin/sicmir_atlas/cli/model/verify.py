"""`sicmir-atlas model verify`: every reason why a model folder is not sound."""

from __future__ import annotations

import sys
from pathlib import Path  # noqa: TC003  the command line reads the annotations

__all__ = ["verify"]


def verify(folder: Path, /) -> None:
    """Check a model folder: checksum, shapes, panels, scaling, card, split, a prediction.

    Prints a line for each check. Exits with 65 if one failed. A note is what an imported model
    lacks and need not have.

    Parameters
    ----------
    folder
        Model folder, or name of a shipped model.
    """
    from sicmir_atlas.errors import CorruptError
    from sicmir_atlas.model.verify import verify_model
    from sicmir_atlas.model.weights import shipped_models

    path = folder if folder.is_dir() else shipped_models() / folder
    checks = verify_model(path)
    for check in checks:
        sys.stdout.write(f"{check.status:<6}  {check.name:<11}  {check.said}\n")
    sys.stdout.flush()
    failed = [check.name for check in checks if check.status == "FAILED"]
    if failed:
        msg = f"{folder}: {len(failed)} of {len(checks)} checks failed: {', '.join(failed)}"
        raise CorruptError(msg)
