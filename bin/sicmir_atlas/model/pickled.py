"""Read the pickle of a torch checkpoint as data: nothing is imported, nothing is called.

A pickle is a program for a small stack machine; the usual machine imports what the program names
and calls it. The one here knows the few instructions that torch writes. A name stays a name
(see :mod:`.pickled_names`), and an instruction that torch does not write is refused.
"""

from __future__ import annotations

import pickletools
import struct
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.model.pickled_names import (
    called,
    keyed,
    named,
    new,
    persistent,
    set_state,
    the,
)

if TYPE_CHECKING:
    from io import BytesIO

__all__ = ["read_pickle"]

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_PLAIN = {"BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE", "SHORT_BINUNICODE"}
_EMPTY = {"EMPTY_TUPLE": tuple, "EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_SET": list}


def read_pickle(raw: BytesIO) -> Any:
    """Read one pickle from where ``raw`` stands, and leave it behind its end.

    Returns
    -------
    Numbers, text, tuples, lists and dicts, with :class:`Module` and :class:`Tensor` among them.

    Raises
    ------
    InputError
        When the pickle names, builds or calls anything but the layers of the network.
    CorruptError
        When it is no pickle.
    """
    machine = _Machine()
    try:
        with catch_warnings():
            simplefilter("ignore")  # odd escapes in a name, which is refused anyhow
            for operation, argument, _ in pickletools.genops(raw):
                if operation.name == "STOP":
                    return machine.stack.pop()
                machine.run(operation.name, argument)
    except InputError:
        raise
    except (ArithmeticError, LookupError, TypeError, ValueError, struct.error) as error:
        msg = f"its pickle is broken: {error}"
        raise CorruptError(msg) from error
    msg = "its pickle is broken: it has no end"
    raise CorruptError(msg)


class _Machine:
    """The stack, those below its marks, and what was put aside."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._below: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def run(self, operation: str, argument: Any) -> None:  # noqa: PLR0912  a kind, a branch
        stack = self.stack
        match operation:
            case "PROTO" | "FRAME":
                pass
            case _ if operation in _CONSTANTS:
                stack.append(_CONSTANTS[operation])
            case _ if operation in _PLAIN:
                stack.append(argument)
            case _ if operation in _EMPTY:
                stack.append(_EMPTY[operation]())
            case "BINPUT" | "LONG_BINPUT":
                self._memo[argument] = stack[-1]
            case "MEMOIZE":
                self._memo[len(self._memo)] = stack[-1]
            case "BINGET" | "LONG_BINGET":
                stack.append(self._memo[argument])
            case "MARK":
                self._below.append(stack)
                self.stack = []
            case "TUPLE1" | "TUPLE2" | "TUPLE3":
                stack.append(tuple(self._pop(int(operation[-1]))))
            case "TUPLE":
                self.stack = self._below.pop()
                self.stack.append(tuple(stack))
            case "APPENDS" | "ADDITEMS":
                self.stack = self._below.pop()
                the(list, self.stack[-1]).extend(stack)
            case "SETITEMS":
                self.stack = self._below.pop()
                the(dict, self.stack[-1]).update(keyed(stack))
            case "APPEND":
                item = stack.pop()
                the(list, stack[-1]).append(item)
            case "SETITEM":
                items = self._pop(2)
                the(dict, stack[-1]).update(keyed(items))
            case _:
                self._run_name(operation, argument)

    def _run_name(self, operation: str, argument: Any) -> None:
        stack = self.stack
        match operation:
            case "GLOBAL":
                stack.append(named(*argument.split(" ", 1)))
            case "STACK_GLOBAL":
                stack.append(named(*(the(str, part) for part in self._pop(2))))
            case "BINPERSID":
                stack.append(persistent(*the(tuple, stack.pop())))
            case "NEWOBJ":
                stack.append(new(*self._pop(2)))
            case "REDUCE":
                stack.append(called(*self._pop(2)))
            case "BUILD":
                state = stack.pop()
                set_state(stack[-1], state)
            case _:
                msg = f"its pickle holds the instruction {operation}, which torch does not write"
                raise InputError(msg)

    def _pop(self, count: int) -> list[Any]:
        items = self.stack[-count:]
        del self.stack[-count:]
        if len(items) < count:
            msg = "it takes more than it made"
            raise ValueError(msg)
        return items
