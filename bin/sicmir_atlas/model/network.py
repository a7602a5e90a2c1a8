"""The network in torch, for training (spec, section 3)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sicmir_atlas.errors import MissingExtraError
from sicmir_atlas.model.members import NORM_FIRST

try:
    import torch
    from torch import nn
except ImportError as error:
    MESSAGE = "training needs torch: pip install 'sicmir-atlas[train]'"
    raise MissingExtraError(MESSAGE) from error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sicmir_atlas.model.members import BlockOrder

__all__ = ["Network", "SicmirNet"]


class Network(nn.Module):  # type: ignore[misc]  # torch is optional, so mypy sees Any
    """What training asks of a network, whatever its layers.

    Attributes
    ----------
    last_layer
        Name of the linear layer whose outputs are the miRNAs.
    """

    last_layer = "output"

    def arrays(self) -> dict[str, NDArray[np.float32]]:
        """Give parameters and running statistics as a model folder stores them."""
        return {
            name: tensor.detach().cpu().numpy().astype(np.float32, copy=True)
            for name, tensor in self.state_dict().items()
            if not name.endswith("num_batches_tracked")
        }

    def load_arrays(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """Take over stored parameters and running statistics."""
        tensors = {name: torch.from_numpy(np.array(v)) for name, v in arrays.items()}
        missing, unknown = self.load_state_dict(tensors, strict=False)
        wrong = [name for name in missing if not name.endswith("num_batches_tracked")] + unknown
        if wrong:
            msg = f"stored parameters do not fit the network: {', '.join(wrong)}"
            raise ValueError(msg)


class SicmirNet(Network):
    """Two hidden blocks of linear, batch norm, ReLU and dropout, then a linear output.

    Parameters
    ----------
    block_order
        ``released`` has batch norm before the ReLU in block 1 and after it in block 2.
    """

    last_layer = "linear3"

    def __init__(
        self,
        n_landmarks: int,
        n_mirnas: int,
        *,
        hidden: int = 1024,
        dropout: float = 0.3,
        block_order: BlockOrder = "released",
    ) -> None:
        super().__init__()
        self.linear1 = nn.Linear(n_landmarks, hidden)
        self.bn1 = nn.BatchNorm1d(hidden)
        self.linear2 = nn.Linear(hidden, hidden)
        self.bn2 = nn.BatchNorm1d(hidden)
        self.linear3 = nn.Linear(hidden, n_mirnas)
        self.dropout = nn.Dropout(dropout)
        self._norm_first = NORM_FIRST[block_order]

    def forward(self, x: Any) -> Any:
        """Map z-scored landmarks to relative miRNA activity."""
        h = self._activate(self.linear1(x), self.bn1, norm_first=self._norm_first[0])
        h = self._activate(self.linear2(h), self.bn2, norm_first=self._norm_first[1])
        return self.linear3(h)

    def _activate(self, h: Any, norm: Any, *, norm_first: bool) -> Any:
        h = torch.relu(norm(h)) if norm_first else norm(torch.relu(h))
        return self.dropout(h)
