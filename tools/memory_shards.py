"""Write the shards of many simulated datasets, of 40 groups of cells each: PREPARED N FOLDER."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pandas as pd

from sicmir_atlas.atlas.predict import PredictOptions, predict_dataset
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.weights import load_model
from sicmir_atlas.prepare.folder import PreparedDataset

N_GROUPS = 40


def main() -> None:
    prepared, n, folder = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    model = load_model()
    predictor = load_predictor(model)
    mine = shutil.copytree(prepared, folder / "prepared", dirs_exist_ok=True)
    cells = pd.read_parquet(mine / "cells.parquet")
    labels = [f"type {i % N_GROUPS}" for i in range(len(cells))]
    cells["cell_type_original"] = pd.Categorical(labels)
    cells.to_parquet(mine / "cells.parquet", index=False)
    facts = json.loads((mine / "prepared.json").read_text())
    rows = []
    for number in range(n):
        name = f"simulated_{number:04d}"
        rows.append({**facts["dataset"], "dataset_id": name})
        (mine / "prepared.json").write_text(json.dumps({**facts, "dataset": rows[-1]}))
        predict_dataset(
            PreparedDataset(mine),
            folder / "shards" / name,
            model=model,
            predictor=predictor,
            options=PredictOptions(per_cell=False),
        )
        about = folder / "facts" / name / "facts.json"
        about.parent.mkdir(parents=True)
        about.write_text(json.dumps({"row": name, "dataset_id": name, "columns": {}}))
    (folder / "checked.json").write_text(json.dumps(rows))


if __name__ == "__main__":
    main()
