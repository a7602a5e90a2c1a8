"""TCGA's matrices at UCSC Xena (sources spec, section 4.1)."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd

from sicmir_atlas.errors import GoneError, InputError
from sicmir_atlas.sources.bulk.cohort import Cohort, paired
from sicmir_atlas.sources.bulk.measures import landmark_matrix, mirna_matrix
from sicmir_atlas.sources.bulk.wide import WideTable
from sicmir_atlas.sources.fetch import fetch as fetch_file
from sicmir_atlas.sources.files import RemoteFile, mask

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["BASE", "addresses", "barcode", "fetch", "pair", "sample_type"]

BASE = "https://tcga.xenahubs.net/download"

# log2(norm_count + 1), and log2(RPM + 1); LAML has only what the older machine measured
_MRNA, _MIRNA = ("HiSeqV2",), ("miRNA_HiSeq_gene", "miRNA_GA_gene")
_CODE = re.compile(r"[A-Z]{2,10}")
_BARCODE = re.compile(r"TCGA-\w{2}-\w{4}-(\d\d)")


def addresses(base: str, dataset: str) -> tuple[str, str]:
    """Give the places a dataset may be at: under its name, and with ``.gz``.

    Names are encoded; where files lie in a bucket the slash in them is, too.
    """
    name = quote(dataset, safe="" if "amazonaws.com" in base else "/")
    bare = f"{base.rstrip('/')}/{name}"
    return bare, f"{bare}.gz"


def fetch(
    cohort: str, folder: Path, *, base: str = BASE, **options: Any
) -> list[tuple[RemoteFile, Path]]:
    """Bring the two matrices of a cohort into ``folder/mrna`` and ``folder/mirna``.

    Parameters
    ----------
    cohort
        TCGA's code, such as ACC.
    base
        Hub or mirror; datasets are below it.
    options
        Passed on to :func:`.sources.fetch.fetch`.

    Raises
    ------
    GoneError
        If a matrix is at none of its places.
    InputError
        If the code is none.
    CorruptError, UnavailableError
        As :func:`.sources.fetch.fetch`.
    """
    if not _CODE.fullmatch(cohort):
        msg = f"{cohort!r} is no cohort; give a code of TCGA such as ACC or BRCA"
        raise InputError(msg)
    bring = partial(_first_found, cohort, base=base, options=options)
    return [bring(_MRNA, folder / "mrna"), bring(_MIRNA, folder / "mirna")]


def pair(cohort: str, folder: Path, names: Mapping[str, str], about: Mapping[str, Any]) -> Cohort:
    """Read what :func:`fetch` brought: tumour and normal samples that have mRNA and miRNA.

    Samples go by the first 15 characters of their barcode; controls are left out.
    """
    mrna = landmark_matrix(_only(folder / "mrna"), "log2", barcode)
    mirna = mirna_matrix(_only(folder / "mirna"), "log2", barcode, names)
    types = {name: sample_type(name) for name in mrna.values.index}
    strata = pd.DataFrame({"cohort": cohort, "type": pd.Series(types)}).dropna()
    return paired(mrna, mirna, strata, {"name": cohort, **about})


def barcode(name: str) -> str:
    """Patient and sample type of a barcode: its first 15 characters."""
    return name[:15]


def sample_type(name: str) -> str | None:
    """``tumor`` (codes 01 to 09) or ``normal`` (10 to 19); None for a control, or no barcode."""
    found = _BARCODE.match(name)
    return {"0": "tumor", "1": "normal"}.get(found[1][0]) if found else None


def _first_found(
    cohort: str,
    datasets: tuple[str, ...],
    folder: Path,
    *,
    base: str,
    options: Mapping[str, Any],
) -> tuple[RemoteFile, Path]:
    refused = None
    for dataset in datasets:
        for address in addresses(base, f"TCGA.{cohort}.sampleMap/{dataset}"):
            name = f"{dataset}.gz" if address.endswith(".gz") else dataset
            file = RemoteFile(address, name)
            try:
                return file, fetch_file(file, folder, **options)
            except GoneError as error:
                refused = error
    msg = f"TCGA.{cohort}.sampleMap has no {' and no '.join(datasets)} at {mask(base)}, with or "
    msg += f"without .gz; leave {cohort} out or give another address. The last answer: {refused}"
    raise GoneError(msg) from refused


def _only(folder: Path) -> WideTable:
    files = [path for path in sorted(folder.glob("*")) if path.is_file()]
    if len(files) != 1:
        msg = f"{folder} holds {len(files)} files, not the one matrix that fetch-bulk brings"
        raise InputError(msg)
    return WideTable(files[0])
