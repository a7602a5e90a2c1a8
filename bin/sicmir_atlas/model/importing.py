"""Make a model of somebody's checkpoint: find out which layer is which, and write a card."""

from __future__ import annotations

import logging
from dataclasses import replace
from itertools import permutations, product
from typing import TYPE_CHECKING

import numpy as np

from sicmir_atlas.disk import digest_of
from sicmir_atlas.errors import InputError
from sicmir_atlas.model.checkpoint import read_checkpoint
from sicmir_atlas.model.members import NORM_FIRST, NetworkMember
from sicmir_atlas.model.name_lists import read_gene_list, read_mirna_list
from sicmir_atlas.model.probe import probe
from sicmir_atlas.model.weights import Model
from sicmir_atlas.names import landmarks, mirnas

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from sicmir_atlas.model.checkpoint import Layer
    from sicmir_atlas.model.members import BlockOrder

__all__ = ["import_model"]

logger = logging.getLogger(__name__)

_EPS = 1e-5  # torch's default
_PARTS = {"linear": ("weight", "bias"), "norm": ("weight", "bias", "running_mean", "running_var")}


def import_model(
    checkpoint: Path,
    genes: Path,
    mirna_list: Path,
    *,
    model_id: str,
    block_order: BlockOrder | None = None,
    title: str | None = None,
    licence: str = "unknown",
) -> Model:
    """Read a checkpoint of the published shape, and name its inputs and outputs.

    Layers are told apart by kind, order and shape, since names differ between checkpoints. The
    order of batch norm and ReLU is read where a ``Sequential`` shows it; else it is
    ``block_order``, or ``released`` when that is None.

    Parameters
    ----------
    checkpoint
        See :func:`.read_checkpoint`.
    genes, mirna_list
        See :func:`.read_gene_list` and :func:`.read_mirna_list`.
    model_id, title, licence
        For the card. It holds no metrics, since nothing was measured.

    Raises
    ------
    InputError
        When the layers are not those of the network, the lists do not fit them, or
        ``block_order`` contradicts the checkpoint.
    CorruptError
        When the checkpoint is broken.
    """
    symbols, names = read_gene_list(genes), read_mirna_list(mirna_list)
    read = read_checkpoint(checkpoint)
    try:
        linears, norms = _ordered(read.layers, len(symbols), len(names))
        shown = _shown_order(read.layers, norms)
        eps = _common_eps(norms)
        if shown and block_order not in (None, shown):
            msg = f"its layers are in the order {shown}, not {block_order}; leave out the option"
            raise InputError(msg)
    except InputError as error:
        msg = f"{checkpoint}: {error}"
        raise InputError(msg) from error
    source = "layers" if shown else "option" if block_order else "assumed"
    files = {"checkpoint": checkpoint, "genes": genes, "mirnas": mirna_list}
    network = NetworkMember(
        {
            f"{prefix}{i}.{part}": np.array(layer.tensors[part], dtype=np.float32)
            for prefix, layers in (("linear", linears), ("bn", norms))
            for i, layer in enumerate(layers, start=1)
            for part in _PARTS[layer.kind]
        },
        shown or block_order or "released",
        eps,
    )
    model = Model(
        model_id=model_id,
        landmarks=symbols,
        mirnas=names,
        members=(network,),
        card={
            "title": title or f"imported from {checkpoint.name}; not trained or measured here",
            "licence": licence,
            "training_data": {"description": "not told by the checkpoint"},
            "scaling": {"input": "own", "ddof": 0, "constant": 0},
            "imported": {
                **{what: {"file": f.name, "sha256": digest_of(f)} for what, f in files.items()},
                "content": read.content,
                "block_order_from": source,
            },
            "limits": _limits(source),
        },
    )
    if source == "assumed":
        message = "%s does not show the order of batch norm and ReLU: taken as %s"
        logger.warning(message, checkpoint, network.block_order)
    _tell_panels(model)
    return replace(model, card={**model.card, "probe": probe(model)})


def _ordered(
    layers: Sequence[Layer], n_genes: int, n_mirnas: int
) -> tuple[tuple[Layer, ...], tuple[Layer, ...]]:
    """Choose the order of linear layers and norms that fits: as they stand, if that does."""
    linears = [layer for layer in layers if layer.kind == "linear"]
    norms = [layer for layer in layers if layer.kind == "norm"]
    found = ", ".join(_told(layer) for layer in (*linears, *norms)) or "no layer at all"
    if (len(linears), len(norms)) != (3, 2):
        msg = f"it holds {found}; the network has 3 linear layers and 2 batch norms"
        raise InputError(msg)
    for layer in (*linears, *norms):
        sizes = {layer.tensors[p].shape[:1] for p in _PARTS[layer.kind] if p in layer.tensors}
        lacking = [part for part in _PARTS[layer.kind] if part not in layer.tensors]
        if lacking or len(sizes) != 1 or layer.tensors["weight"].ndim != 1 + (layer in linears):
            why = f"lacks {lacking[0]}" if lacking else "has parts that do not fit each other"
            msg = f"it holds {found}; {layer.name} {why}"
            raise InputError(msg)
    for chain, beside in product(permutations(linears), permutations(norms)):
        first, second, last = (layer.tensors["weight"].shape for layer in chain)
        inner = [layer.tensors["weight"].size for layer in beside]
        if [first, second, last] == [(inner[0], n_genes), tuple(inner[::-1]), (n_mirnas, inner[1])]:
            return chain, beside
    msg = f"it holds {found}, which make no network of the {n_genes} genes and {n_mirnas} miRNAs "
    msg += "listed; shapes are outputs × inputs"
    raise InputError(msg)


def _told(layer: Layer) -> str:
    shape = (
        " × ".join(map(str, layer.tensors["weight"].shape)) if "weight" in layer.tensors else "?"
    )
    return f"{layer.name} ({'linear' if layer.kind == 'linear' else 'batch norm'} {shape})"


def _shown_order(layers: Sequence[Layer], norms: Iterable[Layer]) -> BlockOrder | None:
    """Order of norm and ReLU in both blocks, where both stand in a ``Sequential``."""
    first = []
    for norm in norms:
        at = layers.index(norm)
        before = _meets_relu(reversed(layers[:at]), norm)
        after = _meets_relu(layers[at + 1 :], norm)
        if before == after:
            return None
        first.append(after)
    order = next((name for name, wanted in NORM_FIRST.items() if list(wanted) == first), None)
    if order is None:
        msg = "its first block has the ReLU before the batch norm and its second after it, "
        msg += f"which is none of {', '.join(NORM_FIRST)}"
        raise InputError(msg)
    return order


def _meets_relu(way: Iterable[Layer], norm: Layer) -> bool:
    for layer in way:
        if layer.sequence is None or layer.sequence != norm.sequence:
            return False
        if layer.kind != "dropout":
            return layer.kind == "relu"
    return False


def _common_eps(norms: Sequence[Layer]) -> float:
    eps = {_EPS if norm.eps is None else norm.eps for norm in norms}
    if len(eps) > 1:
        msg = f"its batch norms differ in eps: {', '.join(map(str, sorted(eps)))}"
        raise InputError(msg)
    return eps.pop()


def _limits(source: str) -> list[str]:
    limits = [
        "How good it is was not measured: metrics, split and reliability are unknown.",
        "What the code of the checkpoint's class does beside its layers is unknown.",
    ]
    if source == "assumed":
        limits.append("The order of batch norm and ReLU was not shown, and is assumed.")
    return limits


def _tell_panels(model: Model) -> None:
    for what, names, panel in (
        ("genes", model.landmarks, landmarks()),
        ("miRNAs", model.mirnas, mirnas()),
    ):
        others = [name for name in names if name not in set(panel)]
        if names != panel:
            message = "these %d %s are not the published panel in its order, in which data are "
            message += "prepared: %d are not in it%s"
            such = f", such as {others[0]}" if others else ""
            logger.warning(message, len(names), what, len(others), such)
