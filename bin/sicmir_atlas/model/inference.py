"""Predict miRNAs from z-scored landmarks: batch norm folded away, a few matrix products.

Results differ in the last bits with the number of BLAS threads. The batch is fixed here; the
thread count is the caller's: set ``OMP_NUM_THREADS`` (or ``OPENBLAS_NUM_THREADS``) before Python
starts, as every task of the pipeline does.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError, MissingExtraError
from sicmir_atlas.model.members import NORM_FIRST, KernelMember, LinearMember

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from sicmir_atlas.model.members import Member, NetworkMember
    from sicmir_atlas.model.weights import Model

    Float32: TypeAlias = NDArray[np.float32]
    Layer: TypeAlias = tuple[Float32, Float32]

__all__ = [
    "BATCH",
    "Device",
    "InBatches",
    "NumpyPredictor",
    "Predictor",
    "fold_batch_norm",
    "load_predictor",
    "mean_of",
    "members_apart",
]

BATCH = 1024

logger = logging.getLogger(__name__)

Device: TypeAlias = Literal["cpu", "cuda", "auto"]


class Predictor(Protocol):
    """What both backends offer."""

    device: str

    def predict(self, z: ArrayLike) -> Float32:
        """Predict relative miRNA activity: the mean of the model's members.

        Parameters
        ----------
        z
            Rows × landmarks, z-scored, in the model's order of landmarks.

        Returns
        -------
        Rows × miRNAs, float32, in the model's order of miRNAs.

        Raises
        ------
        InputError
            When the columns do not match the model.
        """
        ...

    def predict_with_sd(self, z: ArrayLike) -> tuple[Float32, Float32 | None]:
        """Predict, and say how far the members differ.

        Returns
        -------
        The same as :meth:`predict`, and the population SD over the members, of the same shape;
        None for a model of one member.
        """
        ...


def load_predictor(
    model: Model, *, device: Device = "cpu", cpu_fallback: bool = False
) -> Predictor:
    """Make a predictor: numpy on ``cpu``, torch on ``cuda``; ``auto`` takes a GPU if there is one.

    On a GPU, batches become smaller where memory runs out. With ``cpu_fallback`` the CPU goes on
    where there is no usable GPU or none of its memory is left; both are logged.

    Raises
    ------
    MissingExtraError
        When ``cuda`` is asked for and torch is not installed.
    InputError
        When ``cuda`` is asked for and no CUDA device is usable.
    GpuMemoryError
        When the GPU has no room for the model; predicting raises it when there is none for the
        smallest batch.
    """
    if device == "cpu":
        return NumpyPredictor(model)
    try:
        return _on_gpu(model, cpu_fallback=cpu_fallback)
    except (MissingExtraError, InputError) as error:
        if device == "auto":
            return NumpyPredictor(model)
        if not cpu_fallback:
            raise
        logger.warning("predicting on the CPU: %s", error)
        return NumpyPredictor(model)


def _on_gpu(model: Model, *, cpu_fallback: bool) -> Predictor:
    try:
        import torch
    except ImportError as error:
        msg = "device 'cuda' needs torch: pip install 'sicmir-atlas[gpu]', or use device 'cpu'"
        raise MissingExtraError(msg) from error
    if not torch.cuda.is_available():
        msg = "device 'cuda': torch finds no usable GPU; check the driver, or use device 'cpu'"
        raise InputError(msg)
    from sicmir_atlas.model.torch_predictor import TorchPredictor

    return TorchPredictor(model, "cuda", cpu_fallback=cpu_fallback)


def members_apart(members: Sequence[Member], rows: Float32) -> Float32:
    """Predict z-scored rows by each member: members × rows × miRNAs."""
    return np.stack([_compiled(member)(rows) for member in members])


def mean_of(members: Sequence[Member]) -> Callable[[Float32], Float32]:
    """Give the mean prediction of members as a function of z-scored float32 rows."""
    functions = [_compiled(member) for member in members]

    def predict(rows: Float32) -> Float32:
        total = functions[0](rows)
        for function in functions[1:]:
            total += function(rows)
        return total / np.float32(len(functions))

    return predict


def fold_batch_norm(member: NetworkMember) -> tuple[Layer, Layer, Layer]:
    """Fold both batch norms into the linear layers beside them.

    A norm before the ReLU goes into the linear layer before it, one after the ReLU into the
    linear layer after it; dropout does nothing at inference. What remains is
    ``linear, ReLU, linear, ReLU, linear`` (spec, section 3).

    Returns
    -------
    Three pairs of weight (inputs × outputs) and bias.
    """
    parameters = {name: values.astype(np.float64) for name, values in member.parameters.items()}
    weights = [parameters[f"linear{i}.weight"].T.copy() for i in (1, 2, 3)]
    biases = [parameters[f"linear{i}.bias"].copy() for i in (1, 2, 3)]
    for block, before_relu in enumerate(NORM_FIRST[member.block_order]):
        norm = f"bn{block + 1}"
        scale = parameters[f"{norm}.weight"] / np.sqrt(
            parameters[f"{norm}.running_var"] + member.eps
        )
        shift = parameters[f"{norm}.bias"] - scale * parameters[f"{norm}.running_mean"]
        if before_relu:
            weights[block] *= scale
            biases[block] = biases[block] * scale + shift
        else:
            biases[block + 1] += shift @ weights[block + 1]
            weights[block + 1] *= scale[:, None]
    first, second, third = (
        (weight.astype(np.float32), bias.astype(np.float32))
        for weight, bias in zip(weights, biases, strict=True)
    )
    return first, second, third


class InBatches(ABC):
    """Mean and SD over the members, batch by batch; a backend says how one batch goes."""

    device = "cpu"
    _sizes: tuple[int, int]
    _n_members: int

    @abstractmethod
    def _members(self, rows: Float32) -> Float32:
        """Give one batch's predictions, members × rows × miRNAs."""

    def predict(self, z: ArrayLike) -> Float32:
        """Predict the mean, see :class:`Predictor`."""
        return self._run(z, None)

    def predict_with_sd(self, z: ArrayLike) -> tuple[Float32, Float32 | None]:
        """Predict mean and SD, see :class:`Predictor`."""
        if self._n_members == 1:
            return self._run(z, None), None
        sd = np.empty((np.shape(z)[0], self._sizes[1]), dtype=np.float32)
        return self._run(z, sd), sd

    def _run(self, z: ArrayLike, sd: Float32 | None) -> Float32:
        rows = _check(z, self._sizes[0])
        mean = np.empty((rows.shape[0], self._sizes[1]), dtype=np.float32)
        for start in range(0, rows.shape[0], BATCH):
            batch = slice(start, start + BATCH)
            each = self._members(rows[batch])
            each.mean(axis=0, out=mean[batch])
            if sd is not None:
                each.std(axis=0, out=sd[batch])
        return mean


class NumpyPredictor(InBatches):
    """Predicts on the CPU, without torch."""

    def __init__(self, model: Model) -> None:
        self._sizes = (len(model.landmarks), len(model.mirnas))
        self._functions = [_compiled(member) for member in model.members]
        self._n_members = len(self._functions)

    def _members(self, rows: Float32) -> Float32:
        return np.stack([function(rows) for function in self._functions])


def _compiled(member: Member) -> Callable[[Float32], Float32]:
    if isinstance(member, KernelMember):
        return _kernel(member)
    if isinstance(member, LinearMember):
        return _chain(((member.weight, member.bias),))
    return _chain(fold_batch_norm(member))


def _chain(layers: tuple[Layer, ...]) -> Callable[[Float32], Float32]:
    def predict(rows: Float32) -> Float32:
        values = rows
        for i, (weight, bias) in enumerate(layers):
            if i:
                np.maximum(values, 0, out=values)
            values = values @ weight
            values += bias
        return values

    return predict


def _kernel(member: KernelMember) -> Callable[[Float32], Float32]:
    scale = np.float32(member.gamma / (2 * member.centres.shape[1]))
    squares = np.einsum("ij,ij->i", member.centres, member.centres)
    centres = np.ascontiguousarray(member.centres.T)

    def predict(rows: Float32) -> Float32:
        distance = rows @ centres
        distance *= -2
        distance += squares
        distance += np.einsum("ij,ij->i", rows, rows)[:, None]
        distance *= -scale
        np.minimum(distance, 0, out=distance)  # a rounding step below zero
        values: Float32 = np.exp(distance, out=distance) @ member.coefficients
        values += member.bias
        return values

    return predict


def _check(z: ArrayLike, n_landmarks: int) -> Float32:
    rows = np.ascontiguousarray(z, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != n_landmarks:
        msg = f"input has shape {rows.shape}; the model takes rows × {n_landmarks} landmarks"
        raise InputError(msg)
    return rows
