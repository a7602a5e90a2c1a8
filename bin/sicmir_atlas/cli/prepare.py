"""`sicmir-atlas prepare`: inclusion rules, QC, normalisation, harmonisation of one dataset."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

from sicmir_atlas.names import MOST_MISSING

__all__ = ["prepare"]


def prepare(
    *,
    dataset: Path,
    fetched: Path,
    facts: Path | None = None,
    overrides: Path | None = None,
    output: Annotated[Path, Parameter(alias="-o")],
    verdicts: Path | None = None,
    qc_profile: Literal["atlas", "case", "adaptive"] = "atlas",
    min_genes: float | None = None,
    max_genes: float | None = None,
    max_pct_mt: float | None = None,
    n_mads: float | None = None,
    min_cells: int | None = None,
    min_cells_qc: int | None = None,
    call_cells: Literal["auto", "always", "never"] = "auto",
    min_umi: int = 500,
    max_missing_landmarks: float = MOST_MISSING,
    cluster: Literal["auto", "never"] = "auto",
    cluster_resolution: float = 1.0,
    cluster_max_cells: int = 50_000,
    n_top_genes: int = 2000,
    cluster_seed: int = 0,
) -> None:
    """Prepare one dataset.

    Parameters
    ----------
    dataset
        Row of the samplesheet, JSON. Its own qc_profile, where it has one, comes first.
    fetched
        Folder that `fetch` made.
    facts
        What `resolve` learnt from the source, JSON; fills in what the row leaves empty.
    overrides
        Labels that a curator gave terms, a JSON list, as `check` writes them.
    output
        Folder to make.
    verdicts
        Folder for the verdict of an inclusion rule that says no.
    qc_profile
        atlas: 200 < genes < 2500, mitochondrial < 5 %. case: genes >= 200, mitochondrial <= 10 %.
        adaptive: median ± 3 MAD on log scale.
    min_genes
        Fewest genes of a cell, in place of the profile's bound.
    max_genes
        Most genes of a cell, in place of the profile's bound.
    max_pct_mt
        Largest mitochondrial share in percent, in place of the profile's bound.
    n_mads
        Bounds at median ± so many MADs, on log scale, beside the others.
    min_cells
        Called cells that a dataset must exceed before QC; 500 unless set.
    min_cells_qc
        Cells that a dataset must reach after QC; 100 unless set.
    call_cells
        Tell cells from empty droplets; auto does so on unfiltered input.
    min_umi
        Counts from which a barcode is called a cell.
    max_missing_landmarks
        Largest share of the 977 landmark genes that may be missing.
    cluster
        auto groups the cells of a dataset where none has a label, and pools by group.
    cluster_resolution
        Higher for more clusters.
    cluster_max_cells
        Cells that are clustered; the others join the cluster that is nearest to them.
    n_top_genes
        Highly variable genes that clusters are found by.
    cluster_seed
        Seed of clustering.
    """
    from sicmir_atlas.cli import _io
    from sicmir_atlas.prepare.cluster import ClusterOptions
    from sicmir_atlas.prepare.dataset import prepare_dataset
    from sicmir_atlas.prepare.qc import PROFILES
    from sicmir_atlas.sources import completed

    known = _io.read_json(facts) if facts else {}
    row = completed(_io.read_json(dataset), known) if known else _io.read_json(dataset)
    name = row.get("qc_profile") or qc_profile
    profile = PROFILES[name].with_thresholds(
        min_genes=min_genes,
        max_genes=max_genes,
        max_pct_mt=max_pct_mt,
        n_mads=n_mads,
        min_cells=min_cells,
        min_cells_qc=min_cells_qc,
    )
    source = _io.read_json(fetched / "source.json")
    with _io.verdict(verdicts, row["dataset_id"]):
        prepare_dataset(
            row,
            sorted({fetched / file["name"].split("/")[0] for file in source["files"]}),
            output,
            source=source,
            samples=known.get("samples", {}),
            overrides=_io.read_json(overrides) if overrides else (),
            profile=profile,
            profile_name=name,
            cell_calling=call_cells,
            min_umi=min_umi,
            max_missing_landmarks=max_missing_landmarks,
            clustering=ClusterOptions(
                when=cluster,
                resolution=cluster_resolution,
                max_cells=cluster_max_cells,
                n_top_genes=n_top_genes,
                seed=cluster_seed,
            ),
        )
