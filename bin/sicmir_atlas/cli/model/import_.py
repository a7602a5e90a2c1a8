"""`sicmir-atlas model import`: somebody's checkpoint becomes a model folder."""

from __future__ import annotations

import logging
from pathlib import Path  # noqa: TC003  the command line reads the annotations
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["import_"]

logger = logging.getLogger("sicmir_atlas")


def import_(
    checkpoint: Path,
    /,
    *,
    genes: Path,
    mirnas: Path,
    output: Annotated[Path, Parameter(alias="-o")],
    block_order: Literal["released", "relu_bn", "bn_relu"] | None = None,
    title: str | None = None,
    licence: str = "unknown",
) -> None:
    """Make a model folder of a checkpoint that torch.save wrote; torch is not needed.

    Nothing of the checkpoint is run. What is not a layer of the network is refused by name.

    Parameters
    ----------
    checkpoint
        A module or its state_dict: three linear layers, two batch norms.
    genes
        List of the inputs in their order: symbol, or symbol,alias, a line.
    mirnas
        List of the outputs in their order, a name a line.
    output
        Model folder to make: model.safetensors, model.json. Its name is the model's id; a model
        that is there is replaced.
    block_order
        Order of batch norm and ReLU, where the checkpoint does not show it; else released.
    title
        Title of the model, for its card.
    licence
        Licence of the weights, for the card.
    """
    from sicmir_atlas.disk import folder_written_whole
    from sicmir_atlas.model.importing import import_model
    from sicmir_atlas.model.trainset import require_place
    from sicmir_atlas.model.weights import save_model

    require_place(output)
    model = import_model(
        checkpoint,
        genes,
        mirnas,
        model_id=output.resolve().name,
        block_order=block_order,
        title=title,
        licence=licence,
    )
    with folder_written_whole(output) as part:
        save_model(model, part)
    told = "wrote %s: %d genes to %d miRNAs, block order %s; its quality is not known"
    order = model.members[0].settings["block_order"]
    logger.info(told, output, len(model.landmarks), len(model.mirnas), order)
