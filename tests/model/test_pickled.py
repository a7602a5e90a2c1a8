"""Nothing that a pickle asks for is done: what would run, does not; what is odd, is refused."""

from __future__ import annotations

import contextlib
import io
import os
import pickle

import numpy as np
import pytest

from checkpoints import CONTAINER, Numbers, dictionary, layer, module, name, plain
from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.model.pickled import read_pickle


def read(instructions):
    return read_pickle(io.BytesIO(b"\x80\x02" + instructions + b"."))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_plain_data_are_those_that_pickle_reads(protocol):
    data = {
        "none": None,
        "yes": [True, False],
        "numbers": (0, 255, 65535, -1, 2**31, -(2**70), 0.5, -1e300),
        "text": ["", "µ", "x" * 1000],
        "deep": [[[[{"a": ({"b": ()},)}]]]],
        3: "a number as key",
    }
    data["again"] = data["deep"]
    read_back = read_pickle(io.BytesIO(pickle.dumps(data, protocol)))
    assert read_back == data
    assert read_back["again"] is read_back["deep"]


class Runs:
    """Pickles to a call."""

    def __init__(self, call, *arguments):
        self.call = (call, arguments)

    def __reduce__(self):
        return self.call


def canary_calls(canary):
    """Instructions that make a file when pickle reads them, by every way there is to call."""
    touch = f"touch '{canary}'"
    code = f"open({str(canary)!r}, 'w').close()"
    system = plain(touch)
    yield "os.system", pickle.dumps(Runs(os.system, touch), 2)[2:-1], r"names posix\.system"
    yield "os.system, named", name("os system") + system + b"\x85R", r"names os\.system"
    yield "eval", name("__builtin__ eval") + plain(code) + b"\x85R", r"names builtins\.eval"
    yield "exec", name("builtins exec") + plain(code) + b"\x85R", r"names builtins\.exec"
    yield (
        "getattr in getattr",
        name("builtins getattr")
        + name("builtins __import__")
        + plain("os")
        + b"\x85R"
        + plain("system")
        + b"\x86R"
        + system
        + b"\x85R",
        r"names builtins\.getattr",
    )
    stacked = plain("os") + plain("system") + b"\x93" + system + b"\x85R"
    yield "name from the stack", stacked, r"names os\.system"
    dotted = plain("checkpoints") + plain("zipfile.os.system") + b"\x93" + system + b"\x85R"
    yield "name with dots", dotted, r"calls checkpoints\.zipfile\.os\.system"
    yield "old instance", b"(" + system + b"ios\nsystem\n", "instruction INST"
    yield "old object", b"(" + name("os system") + system + b"o", r"names os\.system"
    partial = name("functools partial") + name("os system") + system + b"\x86\x81)R"
    yield "partial", partial, r"names functools\.partial"
    attribute = (
        name("checkpoints Numbers")
        + b")\x81N"
        + dictionary({"x": name("os system")})
        + b"\x86b0"
        + name("os system")
        + system
        + b"\x85R"
    )
    yield "state beside", attribute, r"names os\.system"


def test_calls_are_refused_and_not_made(tmp_path):
    canary = tmp_path / "canary"
    for what, instructions, said in canary_calls(canary):
        protocol = b"\x80\x04" if "dots" in what else b"\x80\x02"
        pickle.loads(protocol + instructions + b".")
        assert canary.exists(), f"{what} is no attack"
        canary.unlink()
        with pytest.raises(InputError, match=said):
            read(instructions)
        assert not canary.exists(), what


class Remembers:
    def __setstate__(self, state):
        state[0].write_text("run")


def test_state_runs_no_setstate(tmp_path):
    canary = tmp_path / "canary"
    here = plain(__name__) + plain("Remembers") + b"\x93)\x81"
    with pytest.raises(InputError, match=r"state that is no torch module's to .*\.Remembers"):
        read(here + plain([str(canary)]) + b"b")
    # with a state like a module's, it is kept and nothing is run
    kept = read(module("authors.code Network", secret=str(canary)))
    assert (kept.name, kept.state["secret"]) == ("authors.code.Network", str(canary))
    assert not canary.exists()


@pytest.mark.parametrize(
    ("instructions", "said"),
    [
        (name("torch.hub load") + b")R", r"names torch\.hub\.load"),
        (name("torch.nn.modules.activation Sigmoid") + b")\x81", "activation.Sigmoid, which is no"),
        (name("numpy.core.multiarray scalar") + b")R", r"names numpy\.core\.multiarray\.scalar"),
        (name("torch.nn.modules.linear Linear") + b")R", "calls torch.nn.modules.linear.Linear"),
        (name("authors.code Network") + b")R", r"calls authors\.code\.Network"),
        (name("authors.code Network") + plain(("x",)) + b"\x81", r"builds authors\.code\.Network"),
        (name("torch FloatStorage") + b")\x81", r"builds torch\.FloatStorage"),
        (name("collections OrderedDict") + plain((1, 2)) + b"R", r"calls collections\.OrderedDict"),
        (name("collections OrderedDict") + b"}b", r"state .* collections\.OrderedDict"),
        (plain("system") + b")R", "calls a str|calls system"),
        (name("copy_reg _reconstructor") + b")R", r"names copy_reg\._reconstructor"),
        (name("authors.code Network") + b")}\x92", "instruction NEWOBJ_EX"),
        (b"\x82\x01", "instruction EXT1"),
        (b"Pname\n", "instruction PERSID"),
        (b"S'text'\n", "instruction STRING"),
        (plain(("storage", "torch.FloatStorage", "0", "cpu", 1)) + b"Q", "it stores"),
        (plain(("module", "os", "x.py", "import os")) + b"Q", "it stores"),
        (name("a \x1b[31m") + b")R", r"calls a\.\\x1b\[31m"),
    ],
)
def test_what_torch_does_not_write_is_refused(instructions, said):
    with pytest.raises(InputError, match=said):
        read(instructions)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x80\x02",
        b"no pickle",
        b"\x80\x02.",
        b"\x80\x02h\x05.",
        b"\x80\x02u.",
        b"\x80\x02K\x01a.",
        b"\x80\x02\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"\x80\x02}((K\x01tK\x02u.",
        b"\x80\x02}(K\x01u.",
    ],
)
def test_what_is_broken_is_said_to_be(raw):
    with pytest.raises(CorruptError, match="its pickle is broken"):
        read_pickle(io.BytesIO(raw))


def test_nested_tuples_as_a_key_take_no_time():
    """The hash of 60 pairs of pairs would take 2^60 steps."""
    with pytest.raises(CorruptError, match="its pickle is broken"):
        read(b"})" + b"q\x00h\x00\x86" * 60 + b"N" + b"s")


def test_noise_never_gets_further_than_our_own_errors():
    rng = np.random.default_rng(5)
    numbers = Numbers()
    values = np.ones((2, 3), np.float32)
    inner = layer(numbers, "linear", {"weight": values, "bias": values[:, 0]})
    good = b"\x80\x02" + module(CONTAINER, modules={"0": inner}) + b"."
    read_pickle(io.BytesIO(good))
    for _ in range(3000):
        raw = bytearray(good)
        for at in rng.integers(0, len(raw), rng.integers(1, 4)):
            raw[at] = rng.integers(0, 256)
        with contextlib.suppress(InputError, CorruptError):
            read_pickle(io.BytesIO(bytes(raw)))
