"""Files that look like checkpoints are read to the letter, or refused before anything is run."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest

from checkpoints import CONTAINER, Numbers, dictionary, module, name, plain, write_checkpoint
from sicmir_atlas.errors import CorruptError, InputError
from sicmir_atlas.model.checkpoint import read_checkpoint


def test_views_of_one_block_are_read_as_views(tmp_path):
    """A transposed and shifted view, as torch saves it."""
    numbers = Numbers()
    block = np.arange(7, dtype=np.float32)
    weight = numbers.tensor(block, offset=1, shape=(2, 3), strides=(1, 2))
    instructions = dictionary({"a.weight": weight, "a.bias": numbers.tensor(block[:2])})
    path = write_checkpoint(tmp_path / "w.pt", instructions, numbers.blocks)
    (linear,) = read_checkpoint(path).layers
    np.testing.assert_array_equal(linear.tensors["weight"], [[1, 3, 5], [2, 4, 6]])


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"shape": (2, 10**9)}, "reaches out of its"),
        ({"shape": (2, 4)}, "reaches out of its"),
        ({"offset": 5}, "reaches out of its"),
        ({"offset": -1}, "reaches out of its"),
        ({"strides": (-3, 1)}, "reaches out of its"),
        ({"shape": (10**6, 10**6), "strides": (0, 0)}, "reaches out of its"),
        ({"shape": (2, 3, 1)}, "reaches out of its"),
        ({"size": 10**12, "shape": (10**6, 10**6)}, r"1000000000000 numbers \(float32\) should"),
        ({"size": 5}, r"5 numbers \(float32\) should be in '0', 24 bytes is there"),
        ({"key": "../../../etc/passwd"}, "nothing is there"),
        ({"key": "99"}, "nothing is there"),
    ],
)
def test_tensors_that_cannot_be(tmp_path, changes, said):
    numbers = Numbers()
    weight = numbers.tensor(np.ones((2, 3), np.float32), **changes)
    path = write_checkpoint(tmp_path / "w.pt", dictionary({"a.weight": weight}), numbers.blocks)
    with pytest.raises(CorruptError, match=f"w.pt: .*{said}"):
        read_checkpoint(path)


@pytest.mark.parametrize("member", ["../canary", "/tmp/canary", "w/../../canary", "C:\\canary"])
def test_paths_out_of_the_zip_are_refused(tmp_path, member):
    path = write_checkpoint(tmp_path / "w.pt", dictionary({}), members={member: b"run"})
    with pytest.raises(InputError, match="torch writes no such path"):
        read_checkpoint(path)
    assert [one.name for one in tmp_path.iterdir()] == ["w.pt"]


def test_zips_that_torch_does_not_write(tmp_path):
    packed = write_checkpoint(
        tmp_path / "p.pt", dictionary({}), [bytes(10**6)], compression=zipfile.ZIP_DEFLATED
    )
    with pytest.raises(InputError, match="has a packed member"):
        read_checkpoint(packed)
    script = {"w/constants.pkl": b"x", "w/code/run.py": b"import os"}
    with pytest.raises(InputError, match=r"a zip, but not of torch\.save"):
        read_checkpoint(write_checkpoint(tmp_path / "w.pt", dictionary({}), members=script))
    with pytest.warns(UserWarning, match="Duplicate name"):
        path = write_checkpoint(tmp_path / "t.pt", plain(1), members={"t/data.pkl": b"x"})
    with pytest.raises(CorruptError, match="lists more than it holds"):
        read_checkpoint(path)
    whole = write_checkpoint(tmp_path / "x.pt", dictionary({}), [bytes(100)]).read_bytes()
    # the same bytes are listed as if they were a million times as many
    (tmp_path / "big.pt").write_bytes(
        whole.replace((100).to_bytes(4, "little") * 2, (10**8).to_bytes(4, "little") * 2)
    )
    with pytest.raises(CorruptError, match="lists more than it holds"):
        read_checkpoint(tmp_path / "big.pt")


def test_a_flipped_bit_is_found(tmp_path):
    numbers, bias = Numbers(), np.array([0.25, -0.25], np.float32)
    instructions = dictionary({"a.bias": numbers.tensor(bias)})
    path = write_checkpoint(tmp_path / "w.pt", instructions, numbers.blocks)
    raw = bytearray(path.read_bytes())
    raw[raw.index(bias.tobytes())] ^= 1
    path.write_bytes(raw)
    with pytest.raises(CorruptError, match="its zip is broken: Bad CRC-32"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no checkpoint of torch.save"),
        (b"weights", "no checkpoint of torch.save"),
        (b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.", r"of torch before 1\.6; .*state_dict"),
        (b"PK\x05\x06" + bytes(18), "not of torch.save"),
    ],
)
def test_files_that_are_no_checkpoint(tmp_path, content, said):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(InputError, match=said):
        read_checkpoint(tmp_path / "w.pt")
    with pytest.raises(InputError, match="no file"):
        read_checkpoint(tmp_path / "gone.pt")


def test_modules_in_a_circle_end(tmp_path):
    circle = name(CONTAINER) + b")\x81q\x00"
    state = dict.fromkeys(("_parameters", "_buffers"), b"}")
    circle += dictionary({**state, "_modules": dictionary({"a": b"h\x00", "b": b"h\x00"})}) + b"b"
    with pytest.raises(InputError, match="or modules in a circle"):
        read_checkpoint(write_checkpoint(tmp_path / "w.pt", circle))


def test_module_with_numbers_of_its_own_is_another_network(tmp_path):
    numbers = Numbers()
    scale = numbers.tensor(np.ones(3, np.float32))
    instructions = module("authors.code Network", parameters={"scale": scale})
    with pytest.raises(InputError, match=r"authors\.code\.Network\) has parameters of its own"):
        read_checkpoint(write_checkpoint(tmp_path / "w.pt", instructions, numbers.blocks))
