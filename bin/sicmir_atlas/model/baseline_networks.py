"""Networks that the paper's is compared with (spec, section 7).

ResNet and Transformer are those of the authors' later repository.
"""

from __future__ import annotations

from typing import Any

from sicmir_atlas.model.network import Network  # says what to install where torch is missing

# isort: split
import torch
from torch import nn

__all__ = ["BlockTransformer", "ResNet", "Transformer"]

_N_BLOCKS = 3
_N_HEADS = 8


class ResNet(Network):
    """Linear, batch norm, ReLU and dropout, three residual blocks, then a linear output.

    A block is linear, batch norm, ReLU, dropout, linear, batch norm; its input is added, then
    comes a ReLU.
    """

    def __init__(
        self, n_landmarks: int, n_mirnas: int, *, hidden: int = 1024, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.embedding = nn.Sequential(
            nn.Linear(n_landmarks, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(dropout)
        )
        self.blocks = nn.ModuleList(
            nn.Sequential(
                nn.Linear(hidden, hidden),
                nn.BatchNorm1d(hidden),
                nn.ReLU(),
                nn.Dropout(dropout),
                nn.Linear(hidden, hidden),
                nn.BatchNorm1d(hidden),
            )
            for _ in range(_N_BLOCKS)
        )
        self.output = nn.Linear(hidden, n_mirnas)

    def forward(self, x: Any) -> Any:
        """Map z-scored landmarks to relative miRNA activity."""
        h = self.embedding(x)
        for block in self.blocks:
            h = torch.relu(h + block(h))
        return self.output(h)


class Transformer(Network):
    """All genes embedded as one token, three encoder blocks, dropout, linear output.

    Attention over a single token gives it weight 1 and does nothing, so this is a multilayer
    perceptron with a handicap. :class:`BlockTransformer` is the fair comparison.

    Parameters
    ----------
    hidden
        A multiple of the 8 heads.
    """

    def __init__(
        self, n_landmarks: int, n_mirnas: int, *, hidden: int = 512, dropout: float = 0.3
    ) -> None:
        super().__init__()
        self.embedding = nn.Linear(n_landmarks, hidden)
        self.blocks = _encoder(hidden, dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, n_mirnas)

    def forward(self, x: Any) -> Any:
        """Map z-scored landmarks to relative miRNA activity."""
        return self.output(self.dropout(self.blocks(self.embedding(x)[:, None])[:, 0]))


class BlockTransformer(Network):
    """A token for every block of genes, three encoder blocks, mean over tokens, linear output.

    Parameters
    ----------
    hidden
        A multiple of the 8 heads. Cost grows with hidden² × tokens.
    n_tokens
        Blocks of neighbouring genes of the list, alike in size, each with an embedding of its
        own; the last is filled up with zeros.
    """

    def __init__(
        self,
        n_landmarks: int,
        n_mirnas: int,
        *,
        hidden: int = 128,
        dropout: float = 0.3,
        n_tokens: int = 32,
    ) -> None:
        super().__init__()
        size = -(-n_landmarks // n_tokens)
        self._shape = (-(-n_landmarks // size), size)
        self._padding = self._shape[0] * size - n_landmarks
        self.embedding = nn.Parameter(torch.empty(*self._shape, hidden))
        self.place = nn.Parameter(torch.empty(self._shape[0], hidden))
        for parameter in (self.embedding, self.place):
            nn.init.uniform_(parameter, -(size**-0.5), size**-0.5)  # as nn.Linear starts
        self.blocks = _encoder(hidden, dropout)
        self.dropout = nn.Dropout(dropout)
        self.output = nn.Linear(hidden, n_mirnas)

    def forward(self, x: Any) -> Any:
        """Map z-scored landmarks to relative miRNA activity."""
        genes = nn.functional.pad(x, (0, self._padding)).reshape(len(x), *self._shape)
        tokens = torch.einsum("rtg,tgh->rth", genes, self.embedding) + self.place
        return self.output(self.dropout(self.blocks(tokens).mean(dim=1)))


def _encoder(hidden: int, dropout: float) -> Any:
    return nn.Sequential(
        *(
            nn.TransformerEncoderLayer(
                hidden, _N_HEADS, 4 * hidden, dropout, activation="relu", batch_first=True
            )
            for _ in range(_N_BLOCKS)
        )
    )
