"""A model folder: ``model.safetensors`` and ``model.json``, nothing that runs code on loading."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, get_args

import numpy as np

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import CorruptError, InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

__all__ = [
    "DEFAULT_MODEL",
    "NORM_FIRST",
    "BlockOrder",
    "Model",
    "list_models",
    "load_model",
    "save_model",
    "shipped_models",
]

DEFAULT_MODEL = "sicmir-tcga414-v1"
FORMAT_VERSION = 1
WEIGHTS, CARD = "model.safetensors", "model.json"

BlockOrder: TypeAlias = Literal["released", "relu_bn", "bn_relu"]
NORM_FIRST: dict[BlockOrder, tuple[bool, bool]] = {
    "released": (True, False),
    "relu_bn": (False, False),
    "bn_relu": (True, True),
}
"""Whether batch norm comes before the ReLU, in block 1 and in block 2."""


@dataclass(frozen=True, eq=False)
class Model:
    """Weights, panels and card of a trained network.

    Parameters
    ----------
    model_id
        Name written into every table of predictions.
    block_order
        Order of batch norm and ReLU in the two hidden blocks (spec, section 3).
    landmarks, mirnas
        Gene symbols of the input columns and miRNA names of the output columns, in order.
    parameters
        float32 arrays: ``linear{1,2,3}.{weight,bias}`` (weight: outputs × inputs) and
        ``bn{1,2}.{weight,bias,running_mean,running_var}``.
    scaling
        float64 means and SDs of the training data: ``x_mean``, ``x_sd``, ``y_mean``, ``y_sd``;
        empty where unknown. Inputs are z-scored over their own rows all the same.
    card
        Everything else in ``model.json``: title, licence, training data, recipe, metrics.
    eps
        Batch norm's epsilon.
    """

    model_id: str
    block_order: BlockOrder
    landmarks: tuple[str, ...]
    mirnas: tuple[str, ...]
    parameters: Mapping[str, NDArray[np.float32]]
    scaling: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)
    eps: float = 1e-5

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            msg = f"model {self.model_id!r}: {problem}"
            raise InputError(msg)

    @property
    def n_parameters(self) -> int:
        """Number of trainable parameters; running statistics are not among them."""
        return sum(
            values.size for name, values in self.parameters.items() if "running_" not in name
        )


def shipped_models() -> Path:
    """Give the folder of the models that come with the package."""
    return Path(str(resources.files("sicmir_atlas"))) / "data" / "models"


def list_models(folder: Path | None = None) -> list[str]:
    """List the names of the model folders in ``folder``; the shipped ones when None."""
    root = shipped_models() if folder is None else folder
    return sorted(card.parent.name for card in root.glob(f"*/{CARD}"))


def load_model(folder: Path | str | None = None) -> Model:
    """Read a model folder and prove it whole.

    Parameters
    ----------
    folder
        A folder, or the name of a shipped model; None for the default one.

    Raises
    ------
    InputError
        When the folder is no model folder, or of a format this version does not know.
    CorruptError
        When the checksum, the JSON or the shapes are not what they should be.
    """
    path = _find(folder)
    card = _read_card(path / CARD)
    weights = path / WEIGHTS
    if not weights.is_file():
        msg = f"{weights} is missing; a model folder holds {CARD} and {WEIGHTS}"
        raise InputError(msg)
    raw = weights.read_bytes()
    digest = hashlib.sha256(raw).hexdigest()
    if digest != card.get("sha256"):
        msg = f"{weights} has sha256 {digest}, {CARD} says {card.get('sha256')}; fetch it again"
        raise CorruptError(msg)
    try:
        from safetensors.numpy import load

        tensors = load(raw)
        prefix = "scaling."
        return Model(
            model_id=card.pop("model_id"),
            block_order=card["architecture"].pop("block_order"),
            landmarks=tuple(card.pop("landmarks")),
            mirnas=tuple(card.pop("mirnas")),
            parameters={k: v for k, v in tensors.items() if not k.startswith(prefix)},
            scaling={k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)},
            eps=float(card["architecture"].pop("batch_norm_eps")),
            card=card,
        )
    except KeyError as error:
        msg = f"{path / CARD} lacks {error}; write it with save_model"
        raise CorruptError(msg) from error
    except InputError as error:
        msg = f"{path}: {error}"
        raise CorruptError(msg) from error


def save_model(model: Model, folder: Path) -> None:
    """Write a model folder; each file under another name first, the card last."""
    from safetensors.numpy import save

    tensors = {name: np.ascontiguousarray(v, np.float32) for name, v in model.parameters.items()}
    for name, values in model.scaling.items():
        tensors[f"scaling.{name}"] = np.ascontiguousarray(values, np.float64)
    raw = save(tensors)
    fixed = {
        "format_version": FORMAT_VERSION,
        "model_id": model.model_id,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "architecture": {
            "block_order": model.block_order,
            "batch_norm_eps": model.eps,
            "hidden": [int(model.parameters[f"linear{i}.bias"].size) for i in (1, 2)],
            "n_parameters": model.n_parameters,
        },
    }
    panels = {"landmarks": list(model.landmarks), "mirnas": list(model.mirnas)}
    told = {k: v for k, v in model.card.items() if k not in fixed and k not in panels}
    card = {**fixed, **told, **panels}
    folder.mkdir(parents=True, exist_ok=True)
    lines = (
        f" {json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in card.items()
    )
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    for name, content in ((WEIGHTS, raw), (CARD, text.encode())):
        with written_whole(folder / name) as part:
            part.write_bytes(content)


def _find(folder: Path | str | None) -> Path:
    path = Path(DEFAULT_MODEL if folder is None else folder)
    shipped = shipped_models() / path
    if not path.is_dir() and len(path.parts) == 1 and shipped.is_dir():
        path = shipped
    if not path.is_dir():
        msg = f"no model folder {path}; give a folder or one of {', '.join(list_models())}"
        raise InputError(msg)
    return path


def _read_card(path: Path) -> dict[str, Any]:
    if not path.is_file():
        msg = f"{path} is missing; a model folder holds {CARD} and {WEIGHTS}"
        raise InputError(msg)
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} is not valid JSON: {error}"
        raise CorruptError(msg) from error
    version = card.get("format_version") if isinstance(card, dict) else None
    if version != FORMAT_VERSION:
        msg = f"{path} has format_version {version!r}, this version of sicmir-atlas reads "
        msg += f"{FORMAT_VERSION}; train or import the model again"
        raise InputError(msg)
    return dict(card)


def _problem(model: Model) -> str | None:
    if model.block_order not in get_args(BlockOrder):
        return f"block_order {model.block_order!r} is none of {', '.join(get_args(BlockOrder))}"
    for what, names in (("landmarks", model.landmarks), ("mirnas", model.mirnas)):
        if len(set(names)) != len(names):
            return f"{what} holds a name twice"
    missing = sorted(_expected_shapes(0, 0, 0, 0).keys() - model.parameters.keys())
    if missing:
        return f"parameter {missing[0]} is missing"
    hidden = (model.parameters["linear1.bias"].size, model.parameters["linear2.bias"].size)
    shapes = _expected_shapes(len(model.landmarks), *hidden, len(model.mirnas))
    for name, shape in shapes.items():
        if model.parameters[name].shape != shape:
            return f"parameter {name} has shape {model.parameters[name].shape}, not {shape}"
        if not np.isfinite(model.parameters[name]).all():
            return f"parameter {name} holds NaN or infinity"
    return None


def _expected_shapes(n_in: int, first: int, second: int, n_out: int) -> dict[str, tuple[int, ...]]:
    sizes = (n_in, first, second, n_out)
    shapes: dict[str, tuple[int, ...]] = {}
    for i in (1, 2, 3):
        shapes[f"linear{i}.weight"] = (sizes[i], sizes[i - 1])
        shapes[f"linear{i}.bias"] = (sizes[i],)
    for i in (1, 2):
        for part in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"bn{i}.{part}"] = (sizes[i],)
    return shapes
