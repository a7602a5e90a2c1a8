"""What names of samples say: a TCGA barcode tells the patient and the kind of tissue."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd
    from numpy.typing import NDArray

__all__ = ["compared_within", "patients_of", "sample_name"]

_TCGA = "TCGA-"
_PATIENT = 12  # TCGA-OR-A5J1
_SAMPLE = 15  # TCGA-OR-A5J1-01: patient and sample type, without vial and portion
_NORMAL = "1"  # sample types 10 to 19


def sample_name(name: str) -> str:
    """Name by which tables are joined: stripped, a TCGA barcode without vial and portion."""
    name = name.strip()
    return name[:_SAMPLE] if name.startswith(_TCGA) else name


def patients_of(samples: Iterable[str]) -> NDArray[np.str_]:
    """Patient of every sample; a sample without a TCGA barcode is a patient of its own."""
    return np.array([name[:_PATIENT] if name.startswith(_TCGA) else name for name in samples])


def compared_within(cohorts: pd.Series[str]) -> NDArray[np.str_]:
    """Group of every sample that correlations are taken in, so that none is of tumour to normal.

    Parameters
    ----------
    cohorts
        Cohort by sample.

    Returns
    -------
    The cohort; of normal tissue by its TCGA barcode, the cohort and ``normal``.
    """
    return np.array(
        [
            f"{cohort} normal" if name.startswith(_TCGA) and name[13:14] == _NORMAL else cohort
            for name, cohort in cohorts.items()
        ]
    )
