"""Read a checkpoint of ``torch.save`` without torch: layers in the order in which they are kept.

Takes whole modules and dictionaries of tensors. Nothing of the file is run (see :mod:`.pickled`)
or unpacked to disk, and no tensor can be larger than the file.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass, field
from functools import cache
from io import BytesIO
from math import prod
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.model.pickled import read_pickle
from sicmir_atlas.model.pickled_names import RESAVE, Module, Storage, Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    Load: TypeAlias = Callable[[Storage], NDArray[Any]]

__all__ = ["Checkpoint", "Kind", "Layer", "read_checkpoint"]

Kind: TypeAlias = Literal["linear", "norm", "relu", "dropout"]

_OLD_FORMAT = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # first bytes, before torch 1.6
_DTYPES = {"Half": "<f2", "Float": "<f4", "Double": "<f8", "Int": "<i4", "Long": "<i8"}
_KINDS: dict[str, Kind] = {
    "torch.nn.modules.linear.Linear": "linear",
    "torch.nn.modules.batchnorm.BatchNorm1d": "norm",
    "torch.nn.modules.activation.ReLU": "relu",
    "torch.nn.modules.dropout.Dropout": "dropout",
}
_SEQUENTIAL = "torch.nn.modules.container.Sequential"
_STATE_KEYS = ("state_dict", "model_state_dict", "model")
_MOST_MODULES = 1000
_DEEPEST = 20


@dataclass(frozen=True, eq=False)
class Layer:
    """A layer as the checkpoint keeps it.

    Parameters
    ----------
    name
        Names on the way to it, joined by dots.
    tensors
        By their own names: ``weight``, ``bias``, ``running_mean``, ``running_var``.
    sequence
        The outermost ``Sequential`` around it, whose layers follow one another; None outside one.
    eps
        Batch norm's epsilon, where the checkpoint tells.
    """

    name: str
    kind: Kind
    tensors: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    sequence: str | None = None
    eps: float | None = None


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """Layers of a checkpoint, and what it was: ``module`` and its class, or ``state_dict``."""

    content: str
    layers: tuple[Layer, ...]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read the layers of a checkpoint.

    Raises
    ------
    InputError
        When the file is no checkpoint of torch, or wants anything but the layers of the network.
    CorruptError
        When it is broken, or says of itself what cannot be.
    """
    if not path.is_file():
        msg = f"no file {path}"
        raise InputError(msg)
    try:
        with path.open("rb") as file:
            if file.read(len(_OLD_FORMAT)) == _OLD_FORMAT:
                msg = f"it is in the format of torch before 1.6; {RESAVE}"
                raise InputError(msg)
        if not zipfile.is_zipfile(path):
            msg = f"it is no checkpoint of torch.save; {RESAVE}"
            raise InputError(msg)
        with zipfile.ZipFile(path) as archive:
            return _checkpoint(*_opened(archive, path.stat().st_size))
    except (InputError, CorruptError) as error:
        msg = f"{path}: {error}"
        raise type(error)(msg) from error
    except (zipfile.BadZipFile, NotImplementedError, EOFError) as error:
        msg = f"{path}: its zip is broken: {error}; fetch it again"
        raise CorruptError(msg) from error


def _opened(archive: zipfile.ZipFile, n_bytes: int) -> tuple[Any, Load]:
    members = {info.filename: info for info in archive.infolist()}
    for name, info in members.items():
        shown = ascii(name[:80])
        if name.startswith("/") or "\\" in name or ":" in name or ".." in name.split("/"):
            msg = f"its zip has a member {shown}, and torch writes no such path"
            raise InputError(msg)
        if info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1:
            msg = f"its zip has a packed member {shown}, and torch packs none; {RESAVE}"
            raise InputError(msg)
    stored = sum(info.file_size for info in archive.infolist())
    if len(members) < len(archive.infolist()) or stored > n_bytes:
        msg = "its zip lists more than it holds"
        raise CorruptError(msg)
    roots = [name.removesuffix("data.pkl") for name in members if name.endswith("/data.pkl")]
    if len(roots) != 1 or f"{roots[0]}constants.pkl" in members:
        msg = f"it is a zip, but not of torch.save; {RESAVE}"
        raise InputError(msg)
    root = roots[0]
    if f"{root}byteorder" in members and archive.read(f"{root}byteorder") != b"little":
        msg = f"its numbers are big-endian; {RESAVE} on another type of machine"
        raise InputError(msg)

    @cache  # so that a thousand tensors of one storage take its room once
    def load(storage: Storage) -> NDArray[Any]:
        info = members.get(f"{root}data/{storage.key}")
        dtype = np.dtype(_DTYPES[storage.kind.removeprefix("torch.").removesuffix("Storage")])
        if info is None or info.file_size != storage.size * dtype.itemsize:
            there = "nothing" if info is None else f"{info.file_size} bytes"
            msg = f"{storage.size} numbers ({dtype.name}) should be in {storage.key[:80]!a}, "
            msg += f"{there} is there; fetch it again"
            raise CorruptError(msg)
        return np.frombuffer(archive.read(info), dtype)

    return read_pickle(BytesIO(archive.read(f"{root}data.pkl"))), load


def _checkpoint(content: Any, load: Load) -> Checkpoint:
    if isinstance(content, dict):
        content = next((content[key] for key in _STATE_KEYS if key in content), content)
    if isinstance(content, Module):
        return Checkpoint(f"module {content.name}", tuple(_Walk(load).layers(content)))
    tensors = content if isinstance(content, dict) else {}
    if not tensors or not all(isinstance(tensor, Tensor) for tensor in tensors.values()):
        msg = f"it holds neither a module nor a dictionary of tensors alone; {RESAVE}"
        raise InputError(msg)
    return Checkpoint("state_dict", tuple(_named_layers(tensors, load)))


class _Walk:
    """The way through nested modules, kept short whatever a file says."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._left = _MOST_MODULES

    def layers(
        self, module: Any, name: str = "", sequence: str | None = None, depth: int = 0
    ) -> list[Layer]:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            msg = f"it holds more than {_MOST_MODULES} modules, or modules in a circle"
            raise InputError(msg)
        state = module.state if isinstance(module, Module) else {}
        if not state:
            msg = f"{name or 'what it holds'} is no whole module; {RESAVE}"
            raise InputError(msg)
        held = {**state["_parameters"], **state["_buffers"]}
        tensors = {key: _array(t, self._load) for key, t in held.items() if t is not None}
        kind = _KINDS.get(module.name)
        if kind is not None:
            eps = state.get("eps")
            return [Layer(name, kind, tensors, sequence, eps if isinstance(eps, float) else None)]
        if tensors:
            msg = f"{name or 'the module'} ({module.name}) has parameters of its own, "
            msg += f"{', '.join(map(str, tensors))}: it is another network"
            raise InputError(msg)
        if module.name != _SEQUENTIAL:
            sequence = None
        elif sequence is None:
            sequence = name
        found: list[Layer] = []
        for key, inner in state["_modules"].items():
            if inner is not None:
                path = f"{name}.{key}" if name else str(key)
                found += self.layers(inner, path, sequence, depth + 1)
        return found


def _named_layers(tensors: Mapping[str, Tensor], load: Load) -> list[Layer]:
    groups: dict[str, dict[str, NDArray[Any]]] = {}
    for path, tensor in tensors.items():
        name, _, part = str(path).rpartition(".")
        groups.setdefault(name, {})[part] = _array(tensor, load)
    return [
        Layer(name, "norm" if "running_mean" in parts else "linear", parts)
        for name, parts in groups.items()
    ]


def _array(tensor: Any, load: Load) -> NDArray[Any]:
    if not isinstance(tensor, Tensor):
        msg = f"{type(tensor).__name__} where a tensor should be; {RESAVE}"
        raise InputError(msg)
    numbers = load(tensor.storage)
    shape, strides = tensor.shape, tensor.strides
    last = tensor.offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=False))
    inside = len(shape) == len(strides) and min((tensor.offset, *shape, *strides), default=0) >= 0
    count = prod(shape, start=1)
    if not inside or count > numbers.size or (count and last >= numbers.size):
        msg = f"a tensor of shape {shape} reaches out of its {numbers.size} numbers; fetch it again"
        raise CorruptError(msg)
    steps = [step * numbers.itemsize for step in strides]
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], shape, steps, writeable=False)
