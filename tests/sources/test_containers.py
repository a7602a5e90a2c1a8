from __future__ import annotations

import h5py
import numpy as np
import pytest

from sicmir_atlas.errors import CorruptError
from sicmir_atlas.sources.containers import require_hdf5


@pytest.mark.parametrize("libver", ["earliest", "v110", "latest"])
@pytest.mark.parametrize("block", [0, 1024])
def test_hdf5_that_ends_early_is_told_by_its_superblock(tmp_path, libver, block):
    path = tmp_path / "x.h5"
    with h5py.File(path, "w", libver=libver, userblock_size=block) as file:
        file["x"] = np.arange(10_000)
    require_hdf5(path, "x.h5")
    whole = path.read_bytes()
    path.write_bytes(whole + b"more")
    require_hdf5(path, "x.h5")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptError, match=r"x\.h5: cut short: \d+ bytes of \d+; fetch it again"):
        require_hdf5(path, "x.h5")
    with pytest.raises(OSError, match="truncated"):
        h5py.File(path)
