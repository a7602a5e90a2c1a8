"""miRSCAPE, the baseline to beat: one small XGBoost regressor for every miRNA (its spec)."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError, MissingExtraError
from sicmir_atlas.model.mirscape_input import natural_log, standardise_samples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sicmir_atlas.model.learners import Predict

    Float64: TypeAlias = NDArray[np.float64]

__all__ = ["Mirscape", "MirscapeModel", "Settings", "import_xgboost", "train"]


@dataclass(frozen=True)
class Settings:
    """Settings of every regressor; the defaults are miRSCAPE's.

    Parameters
    ----------
    base_score
        Prediction before the first tree: 0.5 as in the R package of that time, or the mean of
        the miRNA's training values.
    tree_method
        ``exact`` tries every threshold; ``hist`` bins the genes first, faster from some thousand
        samples.
    """

    max_depth: int = 4
    eta: float = 0.3
    rounds: int = 20
    reg_lambda: float = 1.0
    base_score: float | Literal["mean"] = 0.5
    tree_method: Literal["exact", "hist"] = "exact"
    max_bin: int = 256


@dataclass(frozen=True, eq=False)
class MirscapeModel:
    """Trained regressors.

    Parameters
    ----------
    genes, mirnas
        Names of input and output columns, in order.
    boosters
        One ``xgboost.Booster`` a miRNA; None where it had no training value.
    seconds
        Time that each took to train; NaN for a model that was loaded.
    """

    genes: tuple[str, ...]
    mirnas: tuple[str, ...]
    boosters: tuple[Any, ...]
    settings: Settings
    seconds: Float64

    def predict(self, z: Float64) -> NDArray[np.float32]:
        """Predict ln(1 + expression).

        Parameters
        ----------
        z
            Samples × genes in the model's order, from :func:`.standardise_samples`.

        Returns
        -------
        Samples × miRNAs; NaN for a miRNA without a regressor.

        Raises
        ------
        InputError
            When the columns do not match the model.
        """
        if z.ndim != 2 or z.shape[1] != len(self.genes):
            msg = f"input has shape {z.shape}; the model takes samples × {len(self.genes)} genes"
            raise InputError(msg)
        rows = import_xgboost().DMatrix(z, nthread=1)
        predicted = np.full((len(z), len(self.mirnas)), np.nan, dtype=np.float32)
        for column, booster in enumerate(self.boosters):
            if booster is not None:
                predicted[:, column] = booster.predict(rows)
        return predicted


def train(
    z: Float64,
    y: Float64,
    *,
    genes: Sequence[str],
    mirnas: Sequence[str],
    settings: Settings | None = None,
    seed: int = 0,
    jobs: int = 1,
) -> MirscapeModel:
    """Train one regressor for every miRNA; each uses one thread, ``jobs`` train side by side.

    Parameters
    ----------
    z
        Samples × genes, from :func:`.standardise_samples`.
    y
        Samples × miRNAs, ln(1 + expression); a sample without a value (NaN) is left out for that
        miRNA only.

    Raises
    ------
    MissingExtraError
        When xgboost is not installed.
    InputError
        When the shapes do not fit, or there are no jobs.
    """
    if z.shape != (len(y), len(genes)) or y.shape[1] != len(mirnas):
        msg = f"{z.shape} and {y.shape} do not fit {len(genes)} genes and {len(mirnas)} miRNAs"
        raise InputError(msg)
    if jobs < 1:
        msg = f"{jobs} jobs train nothing; take 1 or more"
        raise InputError(msg)
    import_xgboost()
    settings = Settings() if settings is None else settings
    boosters: list[Any] = [None] * len(mirnas)
    seconds = np.zeros(len(mirnas))

    def work(rows: NDArray[np.bool_], columns: NDArray[np.int64]) -> None:
        trained = _train_columns(z[rows], y[np.ix_(rows, columns)], settings, seed)
        for column, (booster, took) in zip(columns, trained, strict=True):
            boosters[column], seconds[column] = booster, took

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(work, *zip(*_shares(~np.isnan(y), jobs), strict=True)))
    return MirscapeModel(tuple(genes), tuple(mirnas), tuple(boosters), settings, seconds)


@dataclass(frozen=True)
class Mirscape:
    """miRSCAPE as a :class:`~.learners.Learner` of log2 matrices.

    It does not z-score genes over rows: each row is standardised by itself.

    Parameters
    ----------
    features
        Positions of the columns to use; all when None.
    jobs
        Regressors trained side by side; the result does not depend on it.
    """

    settings: Settings = field(default_factory=Settings)
    features: tuple[int, ...] | None = None
    jobs: int = 1
    name: str = "mirscape"

    def fit(self, x: Float64, y: Float64, cohorts: NDArray[np.str_], *, seed: int) -> Predict:  # noqa: ARG002  trees see no cohorts
        """See :meth:`.learners.Learner.fit`."""
        columns = list(range(x.shape[1]) if self.features is None else self.features)
        targets = natural_log(y, "log2")
        known = ~np.isnan(targets)
        model = train(
            standardise_samples(x[:, columns], "log2"),
            targets,
            genes=[str(column) for column in columns],
            mirnas=[str(column) for column in range(y.shape[1])],
            settings=self.settings,
            seed=seed,
            jobs=self.jobs,
        )
        count = np.maximum(known.sum(axis=0), 1)
        mean = np.where(known, targets, 0).sum(axis=0) / count
        sd = np.sqrt(np.where(known, np.square(targets - mean), 0).sum(axis=0) / count)
        sd[sd <= 1e-9] = np.inf

        def predict(rows: Float64) -> Float64:
            predicted = model.predict(standardise_samples(rows[:, columns], "log2"))
            return np.where(np.isnan(predicted), 0, (predicted - mean) / sd)

        return predict


def import_xgboost() -> Any:
    """Give the module xgboost.

    Raises
    ------
    MissingExtraError
        When it is not installed.
    """
    try:
        import xgboost
    except ImportError as error:
        msg = "miRSCAPE needs xgboost: pip install 'sicmir-atlas[study]'"
        raise MissingExtraError(msg) from error
    return xgboost


def _shares(
    known: NDArray[np.bool_], jobs: int
) -> list[tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """Deal miRNAs that are known in the same samples to ``jobs`` workers, as (rows, columns)."""
    patterns, of_column = np.unique(known, axis=1, return_inverse=True)
    return [
        (rows, columns)
        for number, rows in enumerate(patterns.T)
        for columns in np.array_split(np.flatnonzero(of_column.ravel() == number), jobs)
        if rows.any() and columns.size
    ]


def _train_columns(
    z: Float64, y: Float64, settings: Settings, seed: int
) -> list[tuple[Any, float]]:
    xgboost = import_xgboost()
    matrix = xgboost.DMatrix(z, nthread=1)
    trained = []
    for values in y.T:
        start = time.perf_counter()
        matrix.set_label(values)
        base = values.mean() if settings.base_score == "mean" else settings.base_score
        parameters = {
            "objective": "reg:squarederror",
            "max_depth": settings.max_depth,
            "eta": settings.eta,
            "lambda": settings.reg_lambda,
            "base_score": float(base),
            "tree_method": settings.tree_method,
            "seed": seed,
            "nthread": 1,
        }
        if settings.tree_method == "hist":
            parameters["max_bin"] = settings.max_bin
        booster = xgboost.train(parameters, matrix, settings.rounds)
        trained.append((booster, time.perf_counter() - start))
    return trained
