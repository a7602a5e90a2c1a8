"""Labels that sfaira's curators mapped to CL, as the tools read them."""

from __future__ import annotations

import csv
import gzip
import hashlib
from typing import TYPE_CHECKING

from sicmir_atlas.harmonise.score import Curated

if TYPE_CHECKING:
    from pathlib import Path

ORGANS = {
    "blood": "blood", "brain": "brain", "caudatelobeofliver": "liver", "cerebralcortex": "brain",
    "colon": "intestine", "colonicepithelium": "intestine", "dermis": "skin",
    "dorsalplusventralthalamus": "brain", "ileum": "intestine", "intestine": "intestine",
    "isletoflangerhans": "pancreas", "kidney": "kidney",
    "laminapropriaofmucosaofcolon": "intestine", "liver": "liver", "lung": "lung",
    "lungparenchyma": "lung", "pancreas": "pancreas", "placenta": "placenta/uterus",
    "prostategland": "prostate", "retina": "eye", "spleen": "spleen", "telencephalon": "brain",
    "testis": "testis", "thymus": "thymus",
}  # fmt: skip
"""The second word of a loader's name, and the organ of the package; other words say no organ."""

_SUCCESSORS = {  # obsolete terms whose successor CL names in a comment only
    "CL:0000402": "CL:0000099",  # CNS interneuron: "interneuron", used for the CNS too
    "CL:0010003": "CL:0000322",  # "exactly the same as" the pulmonary alveolar epithelial cell
    "CL:0000089": "CL:0000016",  # "no need for a term specific for vertebrates"
    "CL:4023070": "CL:4023064",  # merged with the interneurons of the caudal eminence
}


def read_labels(path: Path) -> list[Curated]:
    """Read a table with columns source, target_id and loader (organism_organ_year_...)."""
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [
        Curated(
            row["loader"],
            ORGANS.get(row["loader"].split("_")[1]),
            row["source"],
            _SUCCESSORS.get(row["target_id"], row["target_id"])
            if row["target_id"].startswith("CL:")
            else None,
        )
        for row in rows
    ]


def unseen(study: str) -> bool:
    """Whether a study was kept apart while the rules were written: every third, by its hash."""
    third = int(hashlib.sha256(study.encode()).hexdigest(), 16) % 3 == 0
    return third and not study.startswith("musmusculus_x_2018")  # looked at for its brackets
