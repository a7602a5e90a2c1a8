"""Prove a model folder: every check is made, whatever the one before it said."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

from sicmir_atlas.disk import digest_of
from sicmir_atlas.errors import InputError, SicmirError
from sicmir_atlas.model.members import member_of
from sicmir_atlas.model.probe import TOLERANCE, probe_distance
from sicmir_atlas.model.splits import SPLIT, read_parts
from sicmir_atlas.model.weights import CARD, FORMAT_VERSION, WEIGHTS, load_model
from sicmir_atlas.names import landmarks, mirnas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from sicmir_atlas.model.members import Member

__all__ = ["Check", "verify_model"]

_TOLD = ("title", "licence", "training_data", "limits")
_FIGURES = ("pcc_pooled", "pcc_within_cohort")
_SCALING = {"x_mean": "landmarks", "x_sd": "landmarks", "y_mean": "mirnas", "y_sd": "mirnas"}


class Check(NamedTuple):
    """A line of the verdict; a ``note`` is what only a model trained here must have."""

    name: str
    status: Literal["ok", "note", "FAILED"]
    said: str


@dataclass(frozen=True, eq=False)
class _Folder:
    path: Path
    card: Mapping[str, Any]
    tensors: Mapping[str, NDArray[Any]]

    def names(self, key: str) -> list[str]:
        """Give a panel; what is no list of names is an empty one."""
        names = self.card.get(key)
        good = isinstance(names, list) and all(isinstance(name, str) for name in names)
        return names if good and names else []

    def part(self, key: str) -> dict[str, Any]:
        """Give a part of the card; what is no object is an empty one."""
        part = self.card.get(key)
        return part if isinstance(part, dict) else {}

    def members(self) -> Iterator[tuple[int, Member | None, str]]:
        """Give number, member and what keeps it from being one."""
        listed = self.part("architecture").get("members")
        for i, settings in enumerate(listed if isinstance(listed, list) else []):
            prefix = f"members.{i}."
            own = {
                k.removeprefix(prefix): v for k, v in self.tensors.items() if k.startswith(prefix)
            }
            try:
                yield i, member_of(settings, own), ""
            except (KeyError, TypeError, ValueError) as error:
                yield i, None, f"member {i} cannot be made: {error}"


def verify_model(folder: Path) -> list[Check]:
    """Check a model folder: weights, panels, scaling, card, split, and a prediction.

    An imported model need not have the published panels, nor figures, scaling and a split.

    Raises
    ------
    InputError
        When the folder holds no card in JSON.
    """
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        msg = f"{folder} is no model folder: {CARD}: {error}"
        raise InputError(msg) from error
    if not isinstance(card, dict):
        msg = f"{folder} is no model folder: {CARD} holds no JSON object"
        raise InputError(msg)
    read = _Folder(folder, card, _tensors(folder / WEIGHTS))
    lenient = {"panels", "scaling", "metrics", "reliability", "split"} if "imported" in card else ()
    verdict = []
    for name, (check, good) in _CHECKS.items():
        problems = list(check(read))
        status: Literal["ok", "note", "FAILED"] = "FAILED" if problems else "ok"
        if problems and name in lenient:
            status = "note"
        verdict.append(Check(name, status, "; ".join(problems) or good))
    return verdict


def _format(folder: _Folder) -> Iterator[str]:
    version = folder.card.get("format_version")
    if version != FORMAT_VERSION:
        yield f"format_version is {version!r}, not {FORMAT_VERSION}"


def _checksum(folder: _Folder) -> Iterator[str]:
    weights = folder.path / WEIGHTS
    if not weights.is_file():
        yield f"{WEIGHTS} is missing"
    elif (digest := digest_of(weights)) != folder.card.get("sha256"):
        yield f"{WEIGHTS} has sha256 {digest}, {CARD} says {folder.card.get('sha256')}"


def _shapes(folder: _Folder) -> Iterator[str]:
    n_landmarks, n_mirnas = (len(folder.names(key)) for key in ("landmarks", "mirnas"))
    found = False
    for i, member, problem in folder.members():
        found = True
        if member is None:
            yield problem
            continue
        for name, shape in member.shapes(n_landmarks, n_mirnas).items():
            values = member.tensors.get(name)
            if values is None:
                yield f"{name} of member {i} is missing"
            elif values.shape != shape:
                yield f"{name} of member {i} has shape {values.shape}, not {shape}"
    if not found:
        yield "there is no member"


def _finite(folder: _Folder) -> Iterator[str]:
    for name, values in folder.tensors.items():
        if bad := int((~np.isfinite(values)).sum()):
            yield f"{name} holds {bad} values that are NaN or infinite"


def _panels(folder: _Folder) -> Iterator[str]:
    for key, panel in (("landmarks", landmarks()), ("mirnas", mirnas())):
        names = tuple(folder.names(key))
        if len(set(names)) < len(names):
            yield f"{key} holds a name twice"
        if names != panel:
            others = len(set(names) - set(panel))
            yield f"{key} are not the {len(panel)} published: {len(names)} names, {others} others"


def _scaling(folder: _Folder) -> Iterator[str]:
    for name, panel in _SCALING.items():
        values = folder.tensors.get(f"scaling.{name}")
        if values is None:
            yield f"{name} is missing"
        elif values.shape != (len(folder.names(panel)),):
            yield f"{name} has {values.size} values, one for each of the {panel} is expected"


def _told(folder: _Folder) -> Iterator[str]:
    for key in _TOLD:
        if not folder.card.get(key):
            yield f"{key} is missing"


def _metrics(folder: _Folder) -> Iterator[str]:
    for key in _FIGURES:
        if folder.part("metrics").get(key) is None:
            yield f"{key} is missing"


def _reliability(folder: _Folder) -> Iterator[str]:
    reliability = folder.part("reliability")
    missing = [name for name in folder.names("mirnas") if name not in reliability]
    if missing:
        yield f"{len(missing)} miRNAs have none, such as {missing[0]}"
    odd = [k for k, v in reliability.items() if v is not None and not _is_correlation(v)]
    if odd:
        yield f"{len(odd)} are no correlation, such as that of {odd[0]}"


def _is_correlation(value: object) -> bool:
    return isinstance(value, (int, float)) and -1 <= value <= 1


def _split(folder: _Folder) -> Iterator[str]:
    path = folder.path / SPLIT
    if not path.is_file():
        yield f"{path.name}, the ids of the samples and what each was used for, is missing"
        return
    try:
        parts = read_parts(path)
    except InputError as error:
        yield str(error)
        return
    if not (parts == "test").any() and not folder.part("metrics").get("n_folds"):
        yield f"{path.name} names no test sample, and the figures are not of folds"


def _prediction(folder: _Folder) -> Iterator[str]:
    try:
        model = load_model(folder.path)
        distance = probe_distance(model, folder.card["probe"]) if "probe" in folder.card else 0.0
    except (SicmirError, AttributeError, TypeError, ValueError) as error:
        yield f"it cannot be loaded: {error}"
        return
    if not distance <= TOLERANCE:
        yield f"the fixed input gives values up to {distance:.3g} from those in the card"


_CHECKS: dict[str, tuple[Callable[[_Folder], Iterator[str]], str]] = {
    "format": (_format, f"version {FORMAT_VERSION}"),
    "checksum": (_checksum, f"{WEIGHTS} is what the card says"),
    "shapes": (_shapes, "every array of every member has its shape"),
    "finite": (_finite, "no NaN, no infinity"),
    "panels": (_panels, "those published, in their order"),
    "scaling": (_scaling, "means and SDs of the training data are there"),
    "card": (_told, f"{', '.join(_TOLD)} are there"),
    "metrics": (_metrics, "PCC pooled and within cohorts are there"),
    "reliability": (_reliability, "every miRNA has one, or a null"),
    "split": (_split, "every sample's part is listed"),
    "prediction": (_prediction, "it loads, and gives what its card says"),
}


def _tensors(path: Path) -> dict[str, NDArray[Any]]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        return dict(load(path.read_bytes()))
    except (OSError, SafetensorError):
        return {}
