"""A model folder: ``model.safetensors`` and ``model.json``, nothing that runs code on loading."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sicmir_atlas.disk import written_whole
from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.model.card_shape import misshapen
from sicmir_atlas.model.members import member_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sicmir_atlas.model.members import Member

__all__ = [
    "DEFAULT_MODEL",
    "Model",
    "list_models",
    "load_model",
    "save_model",
    "shipped_models",
]

DEFAULT_MODEL = "atlas-tcga661-v1"
FORMAT_VERSION = 2
WEIGHTS, CARD = "model.safetensors", "model.json"


@dataclass(frozen=True, eq=False)
class Model:
    """Weights, panels and card of a trained model.

    Parameters
    ----------
    model_id
        Name written into every table of predictions.
    landmarks, mirnas
        Gene symbols of the input columns and miRNA names of the output columns, in order.
    members
        What predicts; a model of several predicts their mean.
    scaling
        float64 means and SDs of the training data: ``x_mean``, ``x_sd``, ``y_mean``, ``y_sd``;
        empty where unknown. Inputs are z-scored over their own rows all the same.
    card
        Everything else in ``model.json``: title, licence, training data, recipe, metrics.
    """

    model_id: str
    landmarks: tuple[str, ...]
    mirnas: tuple[str, ...]
    members: tuple[Member, ...]
    scaling: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            msg = f"model {self.model_id!r}: {problem}"
            raise InputError(msg)

    @property
    def n_parameters(self) -> int:
        """Number of fitted numbers of all members."""
        return sum(member.n_parameters for member in self.members)


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
    from safetensors import SafetensorError
    from safetensors.numpy import load

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
    problem = misshapen(card)
    if problem:
        msg = f"{path / CARD}: {problem}; fetch it again"
        raise CorruptError(msg)
    try:
        tensors = load(raw)
        members = card["architecture"].pop("members")
        return Model(
            model_id=card.pop("model_id"),
            landmarks=tuple(card.pop("landmarks")),
            mirnas=tuple(card.pop("mirnas")),
            members=tuple(
                member_of(settings, _under(f"members.{i}.", tensors))
                for i, settings in enumerate(members)
            ),
            scaling=_under("scaling.", tensors),
            card=card,
        )
    except KeyError as error:
        msg = f"{path / CARD} lacks {error}; write it with save_model"
        raise CorruptError(msg) from error
    except (InputError, SafetensorError, TypeError, ValueError) as error:
        msg = f"{path}: {error}"
        raise CorruptError(msg) from error


def save_model(model: Model, folder: Path) -> None:
    """Write a model folder; each file under another name first, the card last."""
    from safetensors.numpy import save

    tensors = {
        f"members.{i}.{name}": np.ascontiguousarray(values, np.float32)
        for i, member in enumerate(model.members)
        for name, values in member.tensors.items()
    }
    for name, values in model.scaling.items():
        tensors[f"scaling.{name}"] = np.ascontiguousarray(values, np.float64)
    raw = save(tensors)
    fixed = {
        "format_version": FORMAT_VERSION,
        "model_id": model.model_id,
        "sha256": hashlib.sha256(raw).hexdigest(),
        "architecture": {
            "members": [{"kind": m.kind, **m.settings} for m in model.members],
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


def _under(prefix: str, tensors: Mapping[str, Any]) -> dict[str, Any]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _problem(model: Model) -> str | None:
    for what, names in (("landmarks", model.landmarks), ("mirnas", model.mirnas)):
        if len(set(names)) != len(names):
            return f"{what} holds a name twice"
    if not model.members:
        return "it has no members"
    for i, member in enumerate(model.members):
        shapes = member.shapes(len(model.landmarks), len(model.mirnas))
        missing = sorted(shapes.keys() - member.tensors.keys())
        if missing:
            return f"parameter {missing[0]} of member {i} is missing"
        for name, shape in shapes.items():
            values = member.tensors[name]
            if values.shape != shape:
                return f"parameter {name} of member {i} has shape {values.shape}, not {shape}"
            if not np.isfinite(values).all():
                return f"parameter {name} of member {i} holds NaN or infinity"
    return None
