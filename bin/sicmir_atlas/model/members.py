"""The parts of a model. Each maps z-scored landmarks to miRNAs; a model averages its members."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple, TypeAlias, get_args

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    Float32: TypeAlias = NDArray[np.float32]
    Shape: TypeAlias = tuple[int, ...]

__all__ = [
    "NORM_FIRST",
    "BlockOrder",
    "FittedPart",
    "KernelMember",
    "LinearMember",
    "Member",
    "NetworkMember",
    "member_of",
]

BlockOrder: TypeAlias = Literal["released", "relu_bn", "bn_relu"]
NORM_FIRST: dict[BlockOrder, tuple[bool, bool]] = {
    "released": (True, False),
    "relu_bn": (False, False),
    "bn_relu": (True, True),
}
"""Whether batch norm comes before the ReLU, in block 1 and in block 2."""


@dataclass(frozen=True, eq=False)
class NetworkMember:
    """The paper's network: two hidden blocks, linear output (spec, section 3).

    Parameters
    ----------
    parameters
        float32 arrays: ``linear{1,2,3}.{weight,bias}`` (weight: outputs × inputs) and
        ``bn{1,2}.{weight,bias,running_mean,running_var}``.
    block_order
        Order of batch norm and ReLU in the two hidden blocks.
    eps
        Batch norm's epsilon.
    """

    kind: ClassVar[str] = "network"
    parameters: Mapping[str, Float32]
    block_order: BlockOrder = "released"
    eps: float = 1e-5

    @property
    def tensors(self) -> Mapping[str, Float32]:
        """Arrays to store, by name."""
        return self.parameters

    @property
    def settings(self) -> dict[str, Any]:
        """What is not an array, ready for JSON."""
        return {"block_order": self.block_order, "batch_norm_eps": self.eps}

    @property
    def n_parameters(self) -> int:
        """Number of trainable parameters; running statistics are not among them."""
        return sum(v.size for name, v in self.parameters.items() if "running_" not in name)

    def shapes(self, n_landmarks: int, n_mirnas: int) -> dict[str, Shape]:
        """Shapes that the arrays must have; hidden sizes are those of the biases."""
        hidden = [
            self.parameters[f"linear{i}.bias"].size if f"linear{i}.bias" in self.parameters else 0
            for i in (1, 2)
        ]
        sizes = (n_landmarks, *hidden, n_mirnas)
        shapes: dict[str, Shape] = {}
        for i in (1, 2, 3):
            shapes[f"linear{i}.weight"] = (sizes[i], sizes[i - 1])
            shapes[f"linear{i}.bias"] = (sizes[i],)
        for i in (1, 2):
            for part in ("weight", "bias", "running_mean", "running_var"):
                shapes[f"bn{i}.{part}"] = (sizes[i],)
        return shapes

    @classmethod
    def stored(cls, settings: Mapping[str, Any], tensors: Mapping[str, Float32]) -> NetworkMember:
        """Take over settings and arrays of a file."""
        order = settings["block_order"]
        if order not in get_args(BlockOrder):
            msg = f"block_order {order!r} is none of {', '.join(get_args(BlockOrder))}"
            raise ValueError(msg)
        return cls(tensors, order, float(settings["batch_norm_eps"]))


@dataclass(frozen=True, eq=False)
class LinearMember:
    """A linear map: ridge, partial least squares.

    Parameters
    ----------
    weight, bias
        float32, landmarks × miRNAs, and one value per miRNA.
    """

    kind: ClassVar[str] = "linear"
    weight: Float32
    bias: Float32

    @property
    def tensors(self) -> Mapping[str, Float32]:
        """Arrays to store, by name."""
        return {"weight": self.weight, "bias": self.bias}

    @property
    def settings(self) -> dict[str, Any]:
        """What is not an array, ready for JSON."""
        return {}

    @property
    def n_parameters(self) -> int:
        """Number of fitted numbers."""
        return self.weight.size + self.bias.size

    def shapes(self, n_landmarks: int, n_mirnas: int) -> dict[str, Shape]:
        """Shapes that the arrays must have."""
        return {"weight": (n_landmarks, n_mirnas), "bias": (n_mirnas,)}

    @classmethod
    def stored(cls, settings: Mapping[str, Any], tensors: Mapping[str, Float32]) -> LinearMember:  # noqa: ARG003  it has no settings
        """Take over arrays of a file."""
        return cls(**tensors)


@dataclass(frozen=True, eq=False)
class KernelMember:
    """Sums of Gaussians: ``exp(-gamma * |z - centre|² / 2p) @ coefficients + bias``, p landmarks.

    Parameters
    ----------
    centres
        float32, centres × landmarks: means of a few samples each; single samples in a model of
        ``kernel-ridge``, and where a cohort has one sample.
    coefficients, bias
        float32, centres × miRNAs, and one value per miRNA.
    gamma
        Inverse squared width; at 1 the kernel of two unrelated samples is about exp(-1).
    """

    kind: ClassVar[str] = "kernel"
    centres: Float32
    coefficients: Float32
    bias: Float32
    gamma: float = 1.0

    @property
    def tensors(self) -> Mapping[str, Float32]:
        """Arrays to store, by name."""
        return {"centres": self.centres, "coefficients": self.coefficients, "bias": self.bias}

    @property
    def settings(self) -> dict[str, Any]:
        """What is not an array, ready for JSON."""
        return {"gamma": self.gamma}

    @property
    def n_parameters(self) -> int:
        """Number of fitted numbers; centres count."""
        return self.centres.size + self.coefficients.size + self.bias.size

    def shapes(self, n_landmarks: int, n_mirnas: int) -> dict[str, Shape]:
        """Shapes that the arrays must have; the number of centres is free."""
        n_centres = self.centres.shape[:1]
        return {
            "centres": (*n_centres, n_landmarks),
            "coefficients": (*n_centres, n_mirnas),
            "bias": (n_mirnas,),
        }

    @classmethod
    def stored(cls, settings: Mapping[str, Any], tensors: Mapping[str, Float32]) -> KernelMember:
        """Take over settings and arrays of a file."""
        return cls(**tensors, gamma=float(settings["gamma"]))


Member: TypeAlias = NetworkMember | LinearMember | KernelMember


class FittedPart(NamedTuple):
    """Members, and how they were trained: JSON for a model card."""

    members: tuple[Member, ...]
    report: dict[str, Any]


_KINDS: dict[str, type[Member]] = {
    cls.kind: cls for cls in (NetworkMember, LinearMember, KernelMember)
}


def member_of(settings: Mapping[str, Any], tensors: Mapping[str, Float32]) -> Member:
    """Make the member that a file describes.

    Raises
    ------
    ValueError
        When its kind or its settings are unknown.
    KeyError
        When a setting is missing.
    """
    kind = settings["kind"]
    if kind not in _KINDS:
        msg = f"a member of kind {kind!r} is none of {', '.join(_KINDS)}"
        raise ValueError(msg)
    try:
        return _KINDS[kind].stored(settings, tensors)
    except TypeError as error:
        msg = f"a {kind} member holds arrays {', '.join(sorted(tensors))}: {error}"
        raise ValueError(msg) from error
