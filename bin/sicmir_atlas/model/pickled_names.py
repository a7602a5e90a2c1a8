"""What the names in a torch checkpoint stand for; none is imported, none is called.

Known are the layers of the network and what torch puts tensors and dictionaries together with. A
class of nobody else's module may be the author's network: it is a name with a state. The standard
library, torch and numpy hold no such class, so any other name of theirs is refused at once; a
name of anybody is refused where a pickle calls it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from sicmir_atlas.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "RESAVE",
    "Module",
    "Storage",
    "Tensor",
    "called",
    "keyed",
    "named",
    "new",
    "persistent",
    "set_state",
    "the",
]

RESAVE = "save the weights alone where torch is at hand: torch.save(model.state_dict(), FILE)"

_STORAGES = {f"torch.{kind}Storage" for kind in ("Half", "Float", "Double", "Int", "Long")}
_LAYERS = {
    f"torch.nn.modules.{name}"
    for name in (
        "linear.Linear",
        "batchnorm.BatchNorm1d",
        "activation.ReLU",
        "dropout.Dropout",
        "container.Sequential",
    )
}
_STANDS_IN = {
    "collections.OrderedDict",
    "builtins.set",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_parameter",
}
# an author's own class is a name with a state; no author's class is in one of these
_NOT_AUTHORS = sys.stdlib_module_names | {"__builtin__", "copy_reg", "torch", "numpy"}


class Storage(NamedTuple):
    """Where a tensor's numbers are: their type, the key of their block, how many there are."""

    kind: str
    key: str
    size: int


class Tensor(NamedTuple):
    """A view on a storage, counted in numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


@dataclass(eq=False)
class Module:
    """What claims to be a ``torch.nn.Module``: the name of its class, and its state."""

    name: str
    state: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class _Name:
    """A class or function that the pickle names."""

    path: str


def named(module: str, name: str) -> _Name:
    """Take a name; refuse what is neither known nor an author's own class."""
    path = f"{'builtins' if module == '__builtin__' else module}.{name}"
    known = _STORAGES | _LAYERS | _STANDS_IN
    if path not in known and module.split(".", maxsplit=1)[0] in _NOT_AUTHORS:
        raise _refused(path, "it names")
    return _Name(path)


def called(what: Any, arguments: Any) -> Any:
    """Do what torch would call the name for, if it is one that our code stands in for."""
    match what, arguments:
        case _Name("collections.OrderedDict"), ():
            return {}
        case _Name("collections.OrderedDict"), ([*pairs],):
            return keyed([part for key, value in pairs for part in (key, value)])
        case _Name("builtins.set"), ([*_],):
            return []  # names of buffers that are not saved
        case _Name("torch._utils._rebuild_parameter"), (Tensor() as tensor, *_):
            return tensor
        case (
            _Name("torch._utils._rebuild_tensor_v2"),
            (Storage() as storage, int(offset), (*shape,), (*strides,), *_),
        ):
            if all(isinstance(n, int) for n in (*shape, *strides)):
                return Tensor(storage, offset, tuple(shape), tuple(strides))
    raise _refused(what, "it calls")


def new(what: Any, arguments: Any) -> Module:
    """Make a module without a state yet."""
    known = _STORAGES | _STANDS_IN
    if not isinstance(what, _Name) or what.path in known or arguments != ():
        raise _refused(what, "it builds")
    return Module(what.path)


def set_state(target: Any, state: Any) -> None:
    """Give a module its state; refuse it to anything else."""
    if isinstance(target, dict):
        return  # attributes of an ordered dictionary, such as the versions of its layers
    parts = ("_parameters", "_buffers", "_modules")
    if (
        not isinstance(target, Module)
        or not isinstance(state, dict)
        or not all(isinstance(state.get(part), dict) for part in parts)
    ):
        raise _refused(target, "it gives a state that is no torch module's to")
    target.state.update(state)


def persistent(kind: Any, what: Any, *rest: Any) -> Storage:
    """Take the reference to a block of numbers."""
    match kind, what, rest:
        case "storage", _Name(path), (str(key), _, int(size)) if path in _STORAGES:
            return Storage(path, key, size)
    raise _refused(what, "it stores")


def keyed(items: Sequence[Any]) -> dict[Any, Any]:
    """Make a dictionary of keys and values in turn; the hash of nested tuples may take for ever."""
    keys = [the((str, int), key) for key in items[::2]]
    return dict(zip(keys, items[1::2], strict=True))


def the(kind: type | tuple[type, ...], value: Any) -> Any:
    """Give back a value of this kind; raise TypeError at another."""
    if not isinstance(value, kind):
        msg = f"{type(value).__name__} in a place where it cannot be"
        raise TypeError(msg)
    return value


def _refused(what: object, does: str) -> InputError:
    path = what if isinstance(what, str) else getattr(what, "path", getattr(what, "name", None))
    said = f"a {type(what).__name__}" if path is None else ascii(path[:80]).strip("'")
    msg = f"{does} {said}, which is no layer of this network; nothing of it was run; {RESAVE}"
    return InputError(msg)
