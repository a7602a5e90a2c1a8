"""Checkpoints as torch.save writes them, put together by hand: no torch, and any mischief."""

from __future__ import annotations

import pickle
import pickletools
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CONTAINER = "torch.nn.modules.container Sequential"
ORDERED_DICT = b"ccollections\nOrderedDict\n)R"


def plain(value: Any) -> bytes:
    """Instructions that push plain data."""
    return pickletools.optimize(pickle.dumps(value, 2))[2:-1]


def name(path: str) -> bytes:
    """Instruction that pushes ``module name``."""
    return b"c" + "\n".join(path.split(" ")).encode() + b"\n"


def dictionary(items: Mapping[str, bytes]) -> bytes:
    return b"}(" + b"".join(plain(key) + value for key, value in items.items()) + b"u"


class Numbers:
    """Blocks of numbers, and the instructions that push tensors on them."""

    def __init__(self) -> None:
        self.blocks: list[bytes] = []

    def tensor(self, values: Any, **changes: Any) -> bytes:
        """Push a tensor; ``key, size, shape, strides, offset`` in place of the true ones."""
        array = np.ascontiguousarray(values)
        kind = {"f4": "Float", "f8": "Double", "i8": "Long"}[array.dtype.str[1:]]
        self.blocks.append(array.tobytes())
        told = {
            "key": str(len(self.blocks) - 1),
            "size": array.size,
            "offset": 0,
            "shape": array.shape,
            "strides": tuple(step // array.itemsize for step in array.strides),
            **changes,
        }
        storage = plain("storage") + name(f"torch {kind}Storage") + plain(told["key"])
        return (
            name("torch._utils _rebuild_tensor_v2")
            + b"(("
            + storage
            + plain("cpu")
            + plain(told["size"])
            + b"tQ"
            + b"".join(plain(told[part]) for part in ("offset", "shape", "strides"))
            + b"\x89"
            + ORDERED_DICT
            + b"tR"
        )


def module(
    path: str,
    *,
    parameters: Mapping[str, bytes] | None = None,
    buffers: Mapping[str, bytes] | None = None,
    modules: Mapping[str, bytes] | None = None,
    **others: Any,
) -> bytes:
    """Push a module with a state."""
    state = {
        "_parameters": dictionary(parameters or {}),
        "_buffers": dictionary(buffers or {}),
        "_non_persistent_buffers_set": b"c__builtin__\nset\n](X\x01\x00\x00\x00ae\x85R",
        "_forward_hooks": ORDERED_DICT,
        "_modules": dictionary(modules or {}),
        **{key: plain(value) for key, value in others.items()},
    }
    return name(path) + b")\x81" + dictionary(state) + b"b"


def layer(numbers: Numbers, kind: str, tensors: Mapping[str, Any]) -> bytes:
    """Push a layer of the network: ``linear``, ``norm``, ``relu`` or ``dropout``."""
    path = {
        "linear": "torch.nn.modules.linear Linear",
        "norm": "torch.nn.modules.batchnorm BatchNorm1d",
        "relu": "torch.nn.modules.activation ReLU",
        "dropout": "torch.nn.modules.dropout Dropout",
    }[kind]

    def parameter(values: Any) -> bytes:
        start = name("torch._utils _rebuild_parameter") + b"(" + numbers.tensor(values)
        return start + b"\x88" + ORDERED_DICT + b"tR"

    held = {k: parameter(v) for k, v in tensors.items() if "running" not in k}
    buffers = {k: numbers.tensor(v) for k, v in tensors.items() if "running" in k}
    if kind == "norm":
        buffers["num_batches_tracked"] = numbers.tensor(np.array(7, dtype=np.int64))
    return module(path, parameters=held, buffers=buffers, eps=1e-5)


def write_checkpoint(
    path: Path,
    instructions: bytes,
    blocks: Sequence[bytes] = (),
    *,
    members: Mapping[str, bytes] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> Path:
    """Write the zip; ``members`` are added to it."""
    root = path.stem
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr(f"{root}/data.pkl", b"\x80\x02" + instructions + b".")
        archive.writestr(f"{root}/byteorder", b"little")
        for key, block in enumerate(blocks):
            archive.writestr(f"{root}/data/{key}", block)
        archive.writestr(f"{root}/version", b"3\n")
        for member, content in (members or {}).items():
            archive.writestr(member, content)
    return path
