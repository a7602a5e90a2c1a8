"""Checkpoints put together by hand become models; layers and lists that do not fit are told."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from checkpoints import (
    CONTAINER,
    Numbers,
    dictionary,
    layer,
    module,
    plain,
    write_checkpoint,
)
from sicmir_atlas.errors import InputError
from sicmir_atlas.model.importing import import_model
from sicmir_atlas.model.inference import load_predictor

NETWORK = "authors.code Network"
LINEAR = ("weight", "bias")
NORM = (*LINEAR, "running_mean", "running_var")
# the outputs of the model spec's vector V3
X = [[1, -2, 0.5], [0, 1, -1]]
Y = {
    "released": [[0.649992, 3.149965], [-0.749999, 8.049913]],
    "relu_bn": [[0.099994, 10.024919], [-0.749999, 7.449919]],
}
ORDERS = {
    "released": ("linear1 bn1 relu drop", "linear2 relu bn2 drop"),
    "relu_bn": ("linear1 relu bn1 drop", "linear2 relu bn2 drop"),
    "bn_relu": ("linear1 bn1 relu drop", "linear2 bn2 relu drop"),
}


@pytest.fixture
def v3(spec_v3_model):
    """Tensors of the spec's tiny network by layer."""
    parameters = spec_v3_model("released").members[0].parameters
    return {
        kind: {part: parameters[f"{kind}.{part}"] for part in parts}
        for kinds, parts in ((("linear1", "linear2", "linear3"), LINEAR), (("bn1", "bn2"), NORM))
        for kind in kinds
    }


@pytest.fixture
def lists(tmp_path):
    genes, mirnas = tmp_path / "genes.csv", tmp_path / "mirnas.csv"
    genes.write_text("A,A\nB,OLDB\nC,C\n", encoding="utf-8-sig")
    mirnas.write_text("hsa-miR-1-3p\n            hsa-let-7a-5p\n", encoding="utf-8-sig")
    return genes, mirnas


def layers_of(v3, numbers, words):
    """Push layers by their words, named as in a Sequential."""
    kinds = {"relu": "relu", "drop": "dropout"}
    return {
        str(i): layer(
            numbers,
            kinds.get(word) or ("norm" if word.startswith("bn") else "linear"),
            v3.get(word, {}),
        )
        for i, word in enumerate(words.split())
    }


def write_state(path, v3, *, names=None, above=(), **changes):
    """Write a state_dict, under keys of an outer dictionary if any."""
    numbers = Numbers()
    instructions = dictionary(
        {
            f"{(names or {}).get(kind, kind)}.{part}": numbers.tensor(values, **changes)
            for kind, tensors in v3.items()
            for part, values in tensors.items()
        }
    )
    for key in above:
        instructions = dictionary({key: instructions, "epoch": plain(3)})
    return write_checkpoint(path, instructions, numbers.blocks)


def predicted(model):
    return load_predictor(model).predict(X)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("nested", [False, True])
def test_order_is_read_from_a_sequential(v3, lists, order, nested, spec_v3_model):
    numbers = Numbers()
    first, second = ORDERS[order]
    if nested:
        blocks = {
            "hidden1": module(CONTAINER, modules=layers_of(v3, numbers, first)),
            "hidden2": module(CONTAINER, modules=layers_of(v3, numbers, second)),
            "out": layer(numbers, "linear", v3["linear3"]),
        }
    else:
        words = f"{first} {second} linear3"
        blocks = {"net": module(CONTAINER, modules=layers_of(v3, numbers, words))}
    path = lists[0].with_name("n.pt")
    write_checkpoint(path, module(NETWORK, modules=blocks), numbers.blocks)
    model = import_model(path, *lists, model_id="v3", licence="GPL-3.0")
    assert (model.landmarks, model.mirnas) == (("A", "B", "C"), ("hsa-miR-1-3p", "hsa-let-7a-5p"))
    expected = load_predictor(spec_v3_model(order)).predict(X)
    np.testing.assert_allclose(predicted(model), Y.get(order, expected), atol=2e-6)
    np.testing.assert_allclose(predicted(model), expected, atol=2e-6)
    assert model.card["licence"] == "GPL-3.0"
    assert model.card["imported"]["content"] == "module authors.code.Network"
    assert model.card["imported"]["block_order_from"] == "layers"
    assert "metrics" not in model.card
    other = next(one for one in ORDERS if one != order)
    with pytest.raises(InputError, match=f"in the order {order}, not"):
        import_model(path, *lists, model_id="v3", block_order=other)


def test_order_of_no_paper_is_refused(v3, lists, tmp_path):
    numbers = Numbers()
    words = "linear1 relu bn1 drop linear2 bn2 relu drop linear3"
    path = write_checkpoint(
        tmp_path / "n.pt", module(CONTAINER, modules=layers_of(v3, numbers, words)), numbers.blocks
    )
    with pytest.raises(InputError, match="its first block has the ReLU before"):
        import_model(path, *lists, model_id="v3")


@pytest.mark.parametrize("above", [(), ("state_dict",), ("model_state_dict",), ("model",)])
def test_state_dict(v3, lists, tmp_path, above, caplog):
    names = {kind: f"module.some.{chr(122 - i)}" for i, kind in enumerate(v3)}
    path = write_state(tmp_path / "w.pt", v3, names=names, above=above)
    for order, y in Y.items():
        model = import_model(path, *lists, model_id="v3", block_order=order)
        np.testing.assert_allclose(predicted(model), y, atol=2e-6)
        assert model.card["imported"]["block_order_from"] == "option"
    with caplog.at_level(logging.WARNING):
        assumed = import_model(path, *lists, model_id="v3")
    np.testing.assert_allclose(predicted(assumed), Y["released"], atol=2e-6)
    assert "does not show the order of batch norm and ReLU: taken as released" in caplog.text
    assert "these 3 genes are not the published panel" in caplog.text
    assert "assumed" in assumed.card["limits"][-1]


def test_layers_in_another_order_are_found_by_shape(random_model, tmp_path):
    """The last layer is kept first, and the norms come before all."""
    parameters = random_model("relu_bn").members[0].parameters
    kinds = ("bn2", "bn1", "linear3", "linear2", "linear1")
    tensors = {
        kind: {k.split(".")[1]: v for k, v in parameters.items() if k.startswith(kind)}
        for kind in kinds
    }
    path = write_state(tmp_path / "w.pt", tensors)
    genes, mirnas = tmp_path / "genes.csv", tmp_path / "mirnas.csv"
    genes.write_text("symbol,alias\n" + "".join(f"G{i},\n" for i in range(31)))
    mirnas.write_text("".join(f'"hsa-miR-{i}"\n' for i in range(13)))
    model = import_model(path, genes, mirnas, model_id="random", block_order="relu_bn")
    for key, values in parameters.items():
        np.testing.assert_array_equal(model.members[0].parameters[key], values)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda v3: v3.pop("bn2"), r"holds linear1 \(linear 2 × 3\).* 3 linear layers and 2 batch"),
        (lambda v3: v3["linear2"].pop("bias"), "linear2 lacks bias"),
        (lambda v3: v3["bn1"].pop("weight"), "bn1 lacks weight"),
        (lambda v3: v3["bn1"].update(bias=np.ones(5, np.float32)), "bn1 has parts that do not"),
        (lambda v3: v3["linear1"].update(weight=np.ones((2, 4), np.float32)), "of the 3 genes and"),
        (lambda v3: v3["linear1"]["bias"].__setitem__(0, np.nan), "linear1.bias of .* holds NaN"),
    ],
)
def test_layers_that_are_no_such_network(v3, lists, tmp_path, change, said):
    v3 = {kind: {part: v.copy() for part, v in parts.items()} for kind, parts in v3.items()}
    change(v3)
    with pytest.raises(InputError, match=said):
        import_model(write_state(tmp_path / "w.pt", v3), *lists, model_id="v3")


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (("A\nB\n", None), "network of the 2 genes and 2 miRNAs"),
        (("A\nB\nA\n", None), r"genes.csv, line 3: A is in line 1 already"),
        (("A\n;\nC\n", None), r"genes.csv, line 2: '' is no gene symbol"),
        (("symbol,alias\n", None), r"genes.csv is empty"),
        ((None, "hsa-miR-1-3p\nPSME1\n"), r"mirnas.csv, line 2: 'PSME1' is no name of a miRNA"),
        ((None, "hsa-miR-1-3p\n hsa-miR-1-3p\n"), r"line 2: hsa-miR-1-3p is in line 1 already"),
    ],
)
def test_lists_that_do_not_fit(v3, lists, tmp_path, texts, said):
    for path, text in zip(lists, texts, strict=True):
        if text is not None:
            path.write_text(text)
    with pytest.raises(InputError, match=said):
        import_model(write_state(tmp_path / "w.pt", v3), *lists, model_id="v3")
