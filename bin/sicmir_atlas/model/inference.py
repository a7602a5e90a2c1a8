"""Predict miRNAs from z-scored landmarks: batch norm folded away, three matrix products.

Results differ in the last bits with the number of BLAS threads. The batch is fixed here; the
thread count is the caller's: set ``OMP_NUM_THREADS`` (or ``OPENBLAS_NUM_THREADS``) before Python
starts, as every task of the pipeline does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError, MissingExtraError
from sicmir_atlas.model.weights import NORM_FIRST

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sicmir_atlas.model.weights import Model

    Layer: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]

__all__ = ["BATCH", "Device", "Predictor", "fold_batch_norm", "load_predictor"]

BATCH = 1024

Device: TypeAlias = Literal["cpu", "cuda", "auto"]


class Predictor(Protocol):
    """What both backends offer."""

    device: str

    def predict(self, z: ArrayLike) -> NDArray[np.float32]:
        """Predict relative miRNA activity.

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


def load_predictor(model: Model, *, device: Device = "cpu") -> Predictor:
    """Make a predictor: numpy on ``cpu``, torch on ``cuda``; ``auto`` takes a GPU if there is one.

    Raises
    ------
    MissingExtraError
        When ``cuda`` is asked for and torch is not installed.
    InputError
        When ``cuda`` is asked for and no CUDA device is usable.
    """
    if device == "cpu":
        return _NumpyPredictor(model)
    try:
        import torch
    except ImportError as error:
        if device == "auto":
            return _NumpyPredictor(model)
        msg = "device 'cuda' needs torch: pip install 'sicmir-atlas[gpu]', or use device 'cpu'"
        raise MissingExtraError(msg) from error
    if torch.cuda.is_available():
        return _TorchPredictor(model, "cuda")
    if device == "auto":
        return _NumpyPredictor(model)
    msg = "device 'cuda': torch finds no usable GPU; check the driver, or use device 'cpu'"
    raise InputError(msg)


def fold_batch_norm(model: Model) -> tuple[Layer, Layer, Layer]:
    """Fold both batch norms into the linear layers beside them.

    A norm before the ReLU goes into the linear layer before it, one after the ReLU into the
    linear layer after it; dropout does nothing at inference. What remains is
    ``linear, ReLU, linear, ReLU, linear`` (spec, section 3).

    Returns
    -------
    Three pairs of weight (inputs × outputs) and bias.
    """
    parameters = {name: values.astype(np.float64) for name, values in model.parameters.items()}
    weights = [parameters[f"linear{i}.weight"].T.copy() for i in (1, 2, 3)]
    biases = [parameters[f"linear{i}.bias"].copy() for i in (1, 2, 3)]
    for block, before_relu in enumerate(NORM_FIRST[model.block_order]):
        norm = f"bn{block + 1}"
        scale = parameters[f"{norm}.weight"] / np.sqrt(
            parameters[f"{norm}.running_var"] + model.eps
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


class _NumpyPredictor:
    device = "cpu"

    def __init__(self, model: Model) -> None:
        self._layers = fold_batch_norm(model)

    def predict(self, z: ArrayLike) -> NDArray[np.float32]:
        rows = _check(z, self._layers[0][0].shape[0])
        (w1, b1), (w2, b2), (w3, b3) = self._layers
        predicted = np.empty((rows.shape[0], w3.shape[1]), dtype=np.float32)
        for start in range(0, rows.shape[0], BATCH):
            hidden = rows[start : start + BATCH] @ w1
            hidden += b1
            hidden = np.maximum(hidden, 0, out=hidden) @ w2
            hidden += b2
            batch = predicted[start : start + BATCH]
            np.matmul(np.maximum(hidden, 0, out=hidden), w3, out=batch)
            batch += b3
        return predicted


class _TorchPredictor:
    def __init__(self, model: Model, device: str) -> None:
        import torch

        self.device = device
        self._torch = torch
        self._layers = [
            (torch.from_numpy(weight).to(device), torch.from_numpy(bias).to(device))
            for weight, bias in fold_batch_norm(model)
        ]

    def predict(self, z: ArrayLike) -> NDArray[np.float32]:
        torch = self._torch
        rows = _check(z, self._layers[0][0].shape[0])
        predicted = np.empty((rows.shape[0], self._layers[2][0].shape[1]), dtype=np.float32)
        with torch.inference_mode(), _full_precision(torch):
            for start in range(0, rows.shape[0], BATCH):
                hidden = torch.from_numpy(rows[start : start + BATCH]).to(self.device)
                for weight, bias in self._layers[:2]:
                    hidden = torch.addmm(bias, hidden, weight).relu_()
                weight, bias = self._layers[2]
                batch = torch.addmm(bias, hidden, weight)
                predicted[start : start + BATCH] = batch.cpu().numpy()
        return predicted


class _full_precision:  # noqa: N801  a context manager, used like a function
    """TF32 has ten bits of mantissa, too few for equality with the CPU to 1e-4."""

    def __init__(self, torch: Any) -> None:
        self._matmul = torch.backends.cuda.matmul
        self._before = self._matmul.allow_tf32

    def __enter__(self) -> None:
        self._matmul.allow_tf32 = False

    def __exit__(self, *_: object) -> None:
        self._matmul.allow_tf32 = self._before


def _check(z: ArrayLike, n_landmarks: int) -> NDArray[np.float32]:
    rows = np.ascontiguousarray(z, dtype=np.float32)
    if rows.ndim != 2 or rows.shape[1] != n_landmarks:
        msg = f"input has shape {rows.shape}; the model takes rows × {n_landmarks} landmarks"
        raise InputError(msg)
    return rows
