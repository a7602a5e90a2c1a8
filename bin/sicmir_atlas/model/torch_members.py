"""A model's members as torch modules, for the GPU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sicmir_atlas.errors import MissingExtraError
from sicmir_atlas.model.inference import fold_batch_norm
from sicmir_atlas.model.members import KernelMember, LinearMember

try:
    import torch
    from torch import nn
except ImportError as error:
    MESSAGE = "torch is not installed: pip install 'sicmir-atlas[train]'"
    raise MissingExtraError(MESSAGE) from error

if TYPE_CHECKING:
    from sicmir_atlas.model.members import Member
    from sicmir_atlas.model.weights import Model

__all__ = ["member_modules"]


def member_modules(model: Model) -> nn.ModuleList:
    """Give one module per member, in their order."""
    return nn.ModuleList([_module(member) for member in model.members]).eval()


class _Gaussians(nn.Module):  # type: ignore[misc]
    def __init__(self, member: KernelMember) -> None:
        super().__init__()
        self.register_buffer("centres", _tensor(member.centres))
        self.register_buffer("coefficients", _tensor(member.coefficients))
        self.register_buffer("bias", _tensor(member.bias))
        self.scale = member.gamma / (2 * member.centres.shape[1])

    def forward(self, z: Any) -> Any:
        squares = self.centres.square().sum(1)
        distance = z.square().sum(1, keepdim=True) + squares - 2 * z @ self.centres.T
        return torch.exp(-self.scale * distance.clamp(min=0)) @ self.coefficients + self.bias


def _module(member: Member) -> nn.Module:
    if isinstance(member, KernelMember):
        return _Gaussians(member)
    layers = (
        ((member.weight, member.bias),)
        if isinstance(member, LinearMember)
        else fold_batch_norm(member)
    )
    chain: list[nn.Module] = []
    for weight, bias in layers:
        linear = nn.Linear(*weight.shape)
        linear.load_state_dict({"weight": _tensor(weight.T), "bias": _tensor(bias)})
        chain += [nn.ReLU(), linear] if chain else [linear]
    return nn.Sequential(*chain)


def _tensor(values: np.ndarray) -> Any:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32).copy())
