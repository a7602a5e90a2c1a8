"""Where the public archives answer, and how often they may be asked."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Services"]


@dataclass(frozen=True, kw_only=True)
class Services:
    """Base addresses without a slash at the end; any of them may be a mirror.

    Sources spec: sections 1.1 and 1.4 for GEO, 2.1 for CELLxGENE, 3 for scBaseCount.

    Parameters
    ----------
    geo_url
        Look-ups of GEO; holds query/acc.cgi.
    geo_files_url
        Files of GEO; holds series/ and samples/.
    cellxgene_url
        Curation API of CELLxGENE Discover.
    cellxgene_files_url
        H5AD files of CELLxGENE Discover; addresses in replies are moved here.
    scbasecount_url
        One release of scBaseCount; http(s), gs or s3.
    email
        Contact, sent along with requests as NCBI asks.
    requester_pays
        Project that pays for what is read from buckets whose owner does not.
    requests_per_second
        Most requests that one process sends to one host in a second.
    """

    geo_url: str = "https://www.ncbi.nlm.nih.gov/geo"
    geo_files_url: str = "https://ftp.ncbi.nlm.nih.gov/geo"
    cellxgene_url: str = "https://api.cellxgene.cziscience.com/curation/v1"
    cellxgene_files_url: str = "https://datasets.cellxgene.cziscience.com"
    scbasecount_url: str = "gs://arc-institute-virtual-cell-atlas/scbasecount/2026-01-12"
    email: str | None = None
    requester_pays: str | None = None
    requests_per_second: float = 3.0

    def __post_init__(self) -> None:
        for name in ("geo", "geo_files", "cellxgene", "cellxgene_files", "scbasecount"):
            object.__setattr__(self, f"{name}_url", getattr(self, f"{name}_url").rstrip("/"))
