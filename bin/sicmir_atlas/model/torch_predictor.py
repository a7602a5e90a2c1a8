"""Predict on a GPU that others may use too: what does not fit goes in smaller batches."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from sicmir_atlas.errors import GpuMemoryError
from sicmir_atlas.model.inference import BATCH, InBatches, NumpyPredictor
from sicmir_atlas.model.torch_members import member_modules

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sicmir_atlas.model.weights import Model

    Float32 = NDArray[np.float32]

__all__ = ["SMALLEST_BATCH", "TorchPredictor"]

SMALLEST_BATCH = 16  # below it the context of CUDA, not the batch, is what fills the memory

logger = logging.getLogger(__name__)


class TorchPredictor(InBatches):
    """Predicts by torch, in full precision.

    Parameters
    ----------
    model
        Model to predict with.
    device
        Torch's name of the device.
    cpu_fallback
        Whether the CPU, by numpy, takes over when memory does not even hold the smallest batch.

    Raises
    ------
    GpuMemoryError
        If memory does not hold the model, and the CPU may not take over.
    """

    def __init__(self, model: Model, device: str, *, cpu_fallback: bool = False) -> None:
        self.device = device
        self._sizes = (len(model.landmarks), len(model.mirnas))
        self._n_members = len(model.members)
        self._batch = BATCH
        self._model = model
        self._may_fall_back = cpu_fallback
        self._on_cpu: NumpyPredictor | None = None
        try:
            self._modules = member_modules(model).to(device)
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            self._give_up("the model")

    def _members(self, rows: Float32) -> Float32:
        parts: list[Float32] = []
        done = 0
        while done < len(rows) and self._on_cpu is None:
            part = self._at_once(rows[done : done + self._batch])
            if part is None:
                self._halve()
            else:
                parts.append(part)
                done += self._batch
        if self._on_cpu is not None and done < len(rows):
            parts.append(self._on_cpu._members(rows[done:]))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _at_once(self, rows: Float32) -> Float32 | None:
        """Predict rows in one go; None where memory does not hold them."""
        try:
            with torch.inference_mode(), _full_precision():
                batch = torch.from_numpy(rows).to(self.device)
                each = torch.stack([module(batch) for module in self._modules])
                return np.asarray(each.cpu().numpy())
        except RuntimeError as error:
            if not _is_out_of_memory(error):
                raise
            return None

    def _halve(self) -> None:
        torch.cuda.empty_cache()  # what is held in reserve may be what others lack
        if self._batch == SMALLEST_BATCH:
            self._give_up(f"{SMALLEST_BATCH} rows")
            return
        self._batch //= 2
        logger.info("GPU memory is short: predicting %d rows at a time", self._batch)

    def _give_up(self, too_large: str) -> None:
        if not self._may_fall_back:
            msg = (
                f"device '{self.device}': what is free of its memory does not hold {too_large}; "
                "try again when others use less of it, or use device 'cpu' (of the pipeline: "
                "--cpu_fallback)"
            )
            raise GpuMemoryError(msg)
        logger.warning("GPU memory does not hold %s: predicting on the CPU", too_large)
        self.device = "cpu"
        self._modules = None
        torch.cuda.empty_cache()
        self._on_cpu = NumpyPredictor(self._model)


def _is_out_of_memory(error: RuntimeError) -> bool:
    """Whether torch, CUDA or cuBLAS, each in its own words, found no memory."""
    words = ("out of memory", "ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(word in str(error) for word in words)


class _full_precision:  # noqa: N801  a context manager, used like a function
    """TF32 has ten bits of mantissa, too few for equality with the CPU to 1e-4."""

    def __enter__(self) -> None:
        self._before: Any = torch.backends.cuda.matmul.allow_tf32
        torch.backends.cuda.matmul.allow_tf32 = False

    def __exit__(self, *_: object) -> None:
        torch.backends.cuda.matmul.allow_tf32 = self._before
