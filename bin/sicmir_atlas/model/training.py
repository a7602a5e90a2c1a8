"""Train the network by the published recipe (spec, section 4)."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.baseline_networks import BlockTransformer, ResNet, Transformer
from sicmir_atlas.model.network import SicmirNet
from sicmir_atlas.model.samples import varies
from sicmir_atlas.model.scaling import Scaling, observed_scaling
from sicmir_atlas.model.splits import VALIDATION, split_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from sicmir_atlas.model.members import BlockOrder
    from sicmir_atlas.model.network import Network

    Float64: TypeAlias = NDArray[np.float64]
    Rows: TypeAlias = NDArray[np.int64]

__all__ = [
    "RECIPES",
    "Epoch",
    "Fit",
    "Recipe",
    "fit",
    "trained_network",
    "untrained_network",
]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recipe:
    """Everything that shapes training but data and seed; the defaults are the plain recipe.

    ``input_noise`` is the SD of noise added to z-scores in training; up to ``input_dropout`` of a
    sample's landmarks, a share drawn for each sample, are set to their mean, as if not detected.
    """

    name: str = "plain"
    architecture: Literal["paper", "resnet", "transformer", "block_transformer"] = "paper"
    block_order: BlockOrder = "released"
    hidden: int = 1024
    dropout: float = 0.3
    optimiser: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = 0.4
    batch_size: int = 64
    momentum: float = 0.0
    weight_decay: float = 0.0
    schedule: Literal["constant", "cosine"] = "constant"
    initial: Literal["framework", "normal"] = "framework"
    max_epochs: int = 200
    patience: int = 20
    validation: float = VALIDATION
    input_noise: float = 0.0
    input_dropout: float = 0.0


RECIPES = {
    "plain": Recipe(),
    "companion": Recipe(
        name="companion",
        block_order="relu_bn",
        weight_decay=2e-4,
        schedule="cosine",
        initial="normal",
    ),
    "noisy": Recipe(name="noisy", learning_rate=0.2, input_noise=0.5, input_dropout=0.5),
    "resnet": Recipe(name="resnet", architecture="resnet"),
    "transformer": Recipe(
        name="transformer",
        architecture="transformer",
        hidden=512,
        optimiser="adam",
        learning_rate=7e-4,
    ),
    "block_transformer": Recipe(
        name="block_transformer",
        architecture="block_transformer",
        hidden=128,
        optimiser="adam",
        learning_rate=7e-4,
    ),
}


@dataclass(frozen=True)
class Epoch:
    """Mean squared errors after one epoch; training error with dropout on."""

    number: int
    train_mse: float
    validation_mse: float


@dataclass(frozen=True, eq=False)
class Fit:
    """Outcome of training.

    Parameters
    ----------
    arrays
        Parameters of the best epoch; those of an untrained output are 0.
    x_scaling, y_scaling
        Scaling of all rows, those that decide when to stop among them.
    untrained
        Marks the outputs whose training values are unknown or all the same.
    history, best
        All epochs, and the one whose parameters were kept.
    """

    arrays: dict[str, NDArray[np.float32]]
    x_scaling: Scaling
    y_scaling: Scaling
    untrained: NDArray[np.bool_]
    history: tuple[Epoch, ...]
    best: Epoch


def fit(
    x: Float64,
    y: Float64,
    recipe: Recipe,
    *,
    seed: int = 42,
    device: str = "cpu",
    threads: int = 1,
    held: Rows | None = None,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Fit:
    """Train on rows × landmarks and rows × miRNAs on any linear scale: both are z-scored here.

    Some rows decide when to stop; the weights of their best epoch are kept. The same seed, device
    and number of threads give the same weights.

    Parameters
    ----------
    y
        NaN marks a value that is not known and gives no loss.
    held
        Positions of the rows that decide when to stop; drawn with the seed when None.
    on_epoch
        Called after every epoch, for progress.

    Raises
    ------
    InputError
        When there are too few rows, or training diverges.
    """
    import torch

    if held is None:
        _, held = split_rows(["all"] * len(x), recipe.validation, seed=seed)
    keep = np.setdiff1d(np.arange(len(x)), held)
    if len(keep) < 2 or len(held) < 1:
        msg = f"{len(x)} training rows are too few; at least 3 are needed"
        raise InputError(msg)
    x_scaling, y_scaling = observed_scaling(x), observed_scaling(y)
    known = ~np.isnan(y)
    data = _Data(
        torch.from_numpy(x_scaling.apply(x)).to(device),
        torch.from_numpy(y_scaling.apply(np.where(known, y, 0))).to(device),
        torch.from_numpy(known).to(device),
        keep,
        held,
    )

    previous = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            network, history, best = _run(recipe, data, on_epoch)
    finally:
        torch.set_num_threads(previous)
    if best.validation_mse >= 1:  # what the mean of z-scored targets gives
        message = "MSE %.3g in validation is no better than that of the mean; learning rate %g may "
        message += "be too high for %d outputs"
        logger.warning(message, best.validation_mse, recipe.learning_rate, y.shape[1])
    arrays = network.arrays()
    untrained = ~varies(y[keep])
    for part in ("weight", "bias"):
        arrays[f"{network.last_layer}.{part}"][untrained] = 0
    return Fit(arrays, x_scaling, y_scaling, untrained, history, best)


@dataclass(frozen=True, eq=False)
class _Data:
    inputs: Any
    targets: Any
    known: Any
    keep: Rows
    held: Rows


def untrained_network(recipe: Recipe, n_landmarks: int, n_mirnas: int) -> Network:
    """Make the network of a recipe, with initial weights."""
    hidden, dropout = recipe.hidden, recipe.dropout
    if recipe.architecture == "paper":
        order = recipe.block_order
        return SicmirNet(n_landmarks, n_mirnas, hidden=hidden, dropout=dropout, block_order=order)
    kinds = {"resnet": ResNet, "transformer": Transformer, "block_transformer": BlockTransformer}
    network: Network = kinds[recipe.architecture](
        n_landmarks, n_mirnas, hidden=hidden, dropout=dropout
    )
    return network


def trained_network(recipe: Recipe, fitted: Fit) -> Network:
    """Make the network of a fit, ready to predict from z-scores."""
    network = untrained_network(recipe, fitted.x_scaling.mean.size, fitted.y_scaling.mean.size)
    network.load_arrays(fitted.arrays)
    network.eval()
    return network


def _optimiser(recipe: Recipe, network: Network) -> Any:
    import torch

    options: dict[str, float] = {"lr": recipe.learning_rate, "weight_decay": recipe.weight_decay}
    if recipe.optimiser == "adam":
        return torch.optim.Adam(network.parameters(), **options)
    return torch.optim.SGD(network.parameters(), **options, momentum=recipe.momentum)


def _run(
    recipe: Recipe, data: _Data, on_epoch: Callable[[Epoch], None] | None
) -> tuple[Network, tuple[Epoch, ...], Epoch]:
    import torch

    network = untrained_network(recipe, data.inputs.shape[1], data.targets.shape[1])
    if recipe.initial == "normal":
        for parameter in network.parameters():
            torch.nn.init.normal_(parameter, 0.0, 0.01)
    network.to(data.inputs.device)
    optimiser = _optimiser(recipe, network)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=recipe.max_epochs)

    def disturbed(inputs: Any) -> Any:
        if recipe.input_noise:
            inputs = inputs + recipe.input_noise * torch.randn_like(inputs)
        if recipe.input_dropout:
            share = recipe.input_dropout * torch.rand(len(inputs), 1, device=inputs.device)
            inputs = inputs * (torch.rand_like(inputs) >= share)
        return inputs

    def error(rows: Any) -> Any:
        known = data.known[rows]
        inputs = disturbed(data.inputs[rows]) if network.training else data.inputs[rows]
        squared = torch.square(network(inputs) - data.targets[rows]) * known
        return squared.sum() / known.sum().clamp(min=1)

    history: list[Epoch] = []
    best, best_arrays = Epoch(0, np.inf, np.inf), network.arrays()
    keep_rows, held_rows = torch.from_numpy(data.keep), torch.from_numpy(data.held)
    for number in range(1, recipe.max_epochs + 1):
        network.train()
        losses = []
        for rows in keep_rows[torch.randperm(len(keep_rows))].split(recipe.batch_size):
            if len(rows) == 1:  # batch norm has no variance of one row
                continue
            optimiser.zero_grad()
            loss = error(rows)
            loss.backward()
            optimiser.step()
            losses.append(float(loss.detach()))
        if recipe.schedule == "cosine":
            cosine.step()
        network.eval()
        with torch.inference_mode():
            epoch = Epoch(number, float(np.mean(losses)), float(error(held_rows)))
        history.append(epoch)
        if on_epoch is not None:
            on_epoch(epoch)
        if epoch.validation_mse < best.validation_mse:
            best, best_arrays = epoch, network.arrays()
        elif number - best.number >= recipe.patience:
            break
    if best.number == 0:
        msg = f"training diverged at learning rate {recipe.learning_rate}; use a smaller one"
        raise InputError(msg)
    network.load_arrays(best_arrays)
    return network, tuple(history), best
