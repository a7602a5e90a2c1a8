"""No data are run as code: none of the calls that could, and files that would if they were."""

from __future__ import annotations

import ast
import gzip
import pickle
from pathlib import Path

import numpy as np
import pytest

import sicmir_atlas as sa
from sicmir_atlas.errors import SicmirError
from sicmir_atlas.model.weights import load_model

ROOT = Path(__file__).parents[1]
MODULES = {"pickle", "_pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}
CALLS = {
    *("np.load", "numpy.load", "torch.load", "pd.read_pickle", "pandas.read_pickle", "pd.read_hdf"),
    *("pd.eval", "yaml.load", "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen"),
    *("eval", "exec", "compile", "__import__", "torch.jit.load", "torch.hub.load"),
}
ARGUMENTS = {"allow_pickle", "weights_only", "shell"}


def parsed():
    return {p: ast.parse(p.read_text()) for p in (ROOT / "bin/sicmir_atlas").rglob("*.py")}


def offences(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.split(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call):
            yield from (name for name in (ast.unparse(node.func),) if name in CALLS)
            yield from (str(k.arg) for k in node.keywords if k.arg in ARGUMENTS)


def test_no_call_unpickles():
    found = {path.name: list(offences(tree)) for path, tree in parsed().items()}
    assert {name: what for name, what in found.items() if what} == {}


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from joblib import load",
        "import numpy as np\nnp.load('x')",
        "import torch\ntorch.load('x', weights_only=False)",
        "subprocess.run('x', shell=True)",
    ],
)
def test_such_calls_would_be_seen(source):
    assert list(offences(ast.parse(source)))


class Bomb:
    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return Path.touch, (Path(self.place),)


def numpy_file(bomb, path):
    with path.open("wb") as out:
        np.save(out, np.array([bomb], dtype=object), allow_pickle=True)
    return path.read_bytes()


NAMES = (
    "a.h5ad",
    "a.h5",
    "a.loom",
    "a.csv",
    "a.csv.gz",
    "a.tsv",
    "matrix.mtx.gz",
    "a.npy",
    "a.pkl",
)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["pickle", "npy"])
def test_a_pickle_is_not_run_whatever_its_name(tmp_path, name, kind):
    fired = tmp_path / "fired"
    body = pickle.dumps(Bomb(fired))
    if kind == "npy":
        body = numpy_file(Bomb(fired), tmp_path / "made")
    path = tmp_path / name
    path.write_bytes(gzip.compress(body) if name.endswith(".gz") else body)
    with pytest.raises(SicmirError):
        sa.predict(path)
    assert not fired.exists()
    pickle.loads(pickle.dumps(Bomb(fired)))
    assert fired.exists(), "it would have been seen"


@pytest.mark.parametrize("name", ["model.json", "model.safetensors"])
def test_a_pickle_is_no_part_of_a_model(tmp_path, name):
    fired = tmp_path / "fired"
    model = tmp_path / "model"
    model.mkdir()
    shipped = ROOT / "bin/sicmir_atlas/data/models/atlas-tcga661-v1"
    for part in ("model.json", "model.safetensors"):
        (model / part).write_bytes((shipped / part).read_bytes())
    (model / name).write_bytes(pickle.dumps(Bomb(fired)))
    with pytest.raises(SicmirError):
        load_model(model)
    assert not fired.exists()
