from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real public data beside the repository."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"real public data are not at {folder}")
    return folder


@pytest.fixture(scope="session")
def demo_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the simulated datasets."""
    from sicmir_atlas.demo import write_demo

    return write_demo(tmp_path_factory.mktemp("demo")).parent


@pytest.fixture(scope="session")
def demo_atlas(demo_data: Path, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Atlas of the simulated datasets, built step by step in this process. Not to be changed."""
    from sicmir_atlas import sources
    from sicmir_atlas.atlas.consolidate import consolidate
    from sicmir_atlas.atlas.predict import PredictOptions, predict_dataset
    from sicmir_atlas.check import check_samplesheet
    from sicmir_atlas.errors import ExcludedDataset
    from sicmir_atlas.model.inference import load_predictor
    from sicmir_atlas.model.weights import load_model
    from sicmir_atlas.prepare.dataset import prepare_dataset
    from sicmir_atlas.prepare.qc import PROFILES

    folder = tmp_path_factory.mktemp("demo_atlas")
    rows = check_samplesheet(demo_data / "datasets.csv", base=str(demo_data))
    model = load_model()
    shards, verdicts = [], {}
    for row in rows:
        name = row["dataset_id"]
        fetched = [
            (file, sources.fetch(file, folder / "fetched" / name))
            for file in sources.resolve(row)[0].files
        ]
        try:
            prepared = prepare_dataset(
                row,
                [path for _, path in fetched],
                folder / "prepared" / name,
                source=sources.source_record(fetched),
                profile=PROFILES["atlas"],
                profile_name="atlas",
            )
            shard = predict_dataset(
                prepared,
                folder / "shards" / name,
                model=model,
                predictor=load_predictor(model),
                options=PredictOptions(),
            )
        except ExcludedDataset as excluded:
            said = {"dataset_id": name, "reason": str(excluded), "facts": excluded.facts}
            verdicts[name] = said
        else:
            shards.append(shard)
    atlas = folder / "atlas"
    consolidate(
        rows,
        atlas,
        shards=shards,
        verdicts=verdicts,
        failures={},
        model=model,
        parameters={"qc_profile": "atlas"},
    )
    return atlas


@pytest.fixture(scope="session")
def model():
    """The shipped model."""
    from sicmir_atlas.model.weights import load_model

    return load_model()


@pytest.fixture(scope="session")
def predictor(model):
    """Predicts with the shipped model on the CPU."""
    from sicmir_atlas.model.inference import load_predictor

    return load_predictor(model)
