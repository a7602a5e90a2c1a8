from __future__ import annotations

import logging
import sys
from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from sicmir_atlas.errors import GpuMemoryError, InputError, MissingExtraError
from sicmir_atlas.model.inference import BATCH, load_predictor

ORDERS = ("released", "relu_bn", "bn_relu")
X = [[1, -2, 0.5], [0, 1, -1]]
SPEC_V3 = {
    "released": [[0.649992, 3.149965], [-0.749999, 8.049913]],
    "relu_bn": [[0.099994, 10.024919], [-0.749999, 7.449919]],
}


@pytest.mark.parametrize(("order", "expected"), SPEC_V3.items())
def test_spec_v3(spec_v3_model, order, expected):
    predicted = load_predictor(spec_v3_model(order)).predict(X)
    assert predicted.dtype == np.float32
    np.testing.assert_allclose(predicted, expected, atol=2e-6)


def _layer_by_layer(model, x):
    """The network as the spec words it, in float64, nothing folded."""
    (network,) = model.members
    p = {name: values.astype(np.float64) for name, values in network.parameters.items()}

    def norm(i, h):
        scaled = (h - p[f"bn{i}.running_mean"]) / np.sqrt(p[f"bn{i}.running_var"] + network.eps)
        return scaled * p[f"bn{i}.weight"] + p[f"bn{i}.bias"]

    def relu(_, h):
        return np.maximum(h, 0)

    first, second = {
        "released": ((norm, relu), (relu, norm)),
        "relu_bn": ((relu, norm), (relu, norm)),
        "bn_relu": ((norm, relu), (norm, relu)),
    }[network.block_order]
    h = np.asarray(x, dtype=np.float64)
    for i, steps in ((1, first), (2, second)):
        h = h @ p[f"linear{i}.weight"].T + p[f"linear{i}.bias"]
        for step in steps:
            h = step(i, h)
    return h @ p["linear3.weight"].T + p["linear3.bias"]


@pytest.mark.parametrize("order", ORDERS)
def test_folding_changes_nothing(random_model, order):
    model = random_model(order)
    x = np.random.default_rng(1).normal(size=(2 * BATCH + 5, 31))
    predicted = load_predictor(model).predict(x)
    np.testing.assert_allclose(predicted, _layer_by_layer(model, x), atol=2e-4, rtol=1e-5)


def test_reference_reproduces_the_printed_hidden_layers(spec_v3_model):
    """Guards the reference itself: it must give the printed outputs too."""
    for order, expected in SPEC_V3.items():
        np.testing.assert_allclose(_layer_by_layer(spec_v3_model(order), X), expected, atol=2e-6)


def _expected_members(model, x):
    """The members one by one, in float64; the kernel as scikit-learn computes it."""
    _, linear, kernel = model.members
    width = kernel.gamma / (2 * x.shape[1])
    gaussians = rbf_kernel(x, kernel.centres.astype(np.float64), gamma=width)
    return np.stack(
        [
            _layer_by_layer(replace(model, members=model.members[:1]), x),
            x @ linear.weight.astype(np.float64) + linear.bias,
            gaussians @ kernel.coefficients.astype(np.float64) + kernel.bias,
        ]
    )


def test_an_ensemble_gives_mean_and_spread_of_its_members(ensemble):
    x = np.random.default_rng(1).normal(size=(BATCH + 5, 31))
    each = _expected_members(ensemble, x)
    mean, sd = load_predictor(ensemble).predict_with_sd(x)
    np.testing.assert_allclose(mean, each.mean(axis=0), atol=2e-4, rtol=1e-5)
    np.testing.assert_allclose(sd, each.std(axis=0), atol=2e-4, rtol=1e-4)
    np.testing.assert_array_equal(load_predictor(ensemble).predict(x), mean)


def test_a_model_of_one_member_has_no_spread(random_model):
    assert load_predictor(random_model("released")).predict_with_sd(np.zeros((2, 31)))[1] is None


def test_repeat_is_byte_identical(random_model):
    x = np.random.default_rng(1).normal(size=(BATCH + 5, 31))
    first, second = (load_predictor(random_model("released")).predict(x) for _ in range(2))
    assert first.tobytes() == second.tobytes()


def test_no_rows(random_model):
    assert load_predictor(random_model("released")).predict(np.empty((0, 31))).shape == (0, 13)


def test_wrong_number_of_landmarks(random_model):
    with pytest.raises(InputError, match=r"shape \(4, 30\).*rows × 31 landmarks"):
        load_predictor(random_model("released")).predict(np.zeros((4, 30)))


def test_cuda_without_torch_names_the_extra(random_model, monkeypatch, caplog):
    monkeypatch.setitem(sys.modules, "torch", None)
    model = random_model("released")
    with pytest.raises(MissingExtraError, match=r"pip install 'sicmir-atlas\[gpu\]'"):
        load_predictor(model, device="cuda")
    assert load_predictor(model, device="auto").device == "cpu"
    assert caplog.messages == []
    assert load_predictor(model, device="cuda", cpu_fallback=True).device == "cpu"
    assert caplog.messages[0].startswith("predicting on the CPU: device 'cuda' needs torch")


@pytest.mark.torch
@pytest.mark.parametrize("order", ORDERS)
def test_torch_gives_the_same_numbers(random_model, order):
    pytest.importorskip("torch")
    from sicmir_atlas.model.torch_predictor import TorchPredictor

    model = random_model(order)
    x = np.random.default_rng(1).normal(size=(BATCH + 5, 31))
    predicted = TorchPredictor(model, "cpu").predict(x)
    np.testing.assert_allclose(predicted, load_predictor(model).predict(x), atol=1e-4)


@pytest.mark.torch
def test_torch_gives_the_same_ensemble(ensemble):
    pytest.importorskip("torch")
    from sicmir_atlas.model.torch_predictor import TorchPredictor

    x = np.random.default_rng(1).normal(size=(BATCH + 5, 31))
    mean, sd = load_predictor(ensemble).predict_with_sd(x)
    torch_mean, torch_sd = TorchPredictor(ensemble, "cpu").predict_with_sd(x)
    np.testing.assert_allclose(torch_mean, mean, atol=1e-4)
    np.testing.assert_allclose(torch_sd, sd, atol=1e-4)


@pytest.fixture
def little_memory():
    """Let torch run out of memory above so many rows, in the words of whoever asked for it."""
    torch = pytest.importorskip("torch")
    from torch.nn.modules.module import register_module_forward_pre_hook

    hooks = []

    def set_limit(limit, error=None):
        def refuse(module, inputs):
            sizes.append(len(inputs[0]))
            if sizes[-1] > limit:
                raise error or torch.OutOfMemoryError("CUDA out of memory.")

        sizes = []
        hooks.append(register_module_forward_pre_hook(refuse))
        return sizes

    yield set_limit
    for hook in hooks:
        hook.remove()


@pytest.mark.torch
@pytest.mark.parametrize("said", [None, "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"])
def test_batches_halve_until_memory_holds_them(ensemble, little_memory, caplog, said):
    from sicmir_atlas.model.torch_predictor import TorchPredictor

    x = np.random.default_rng(1).normal(size=(2 * BATCH + 77, 31))
    mean, sd = TorchPredictor(ensemble, "cpu").predict_with_sd(x)
    predictor = TorchPredictor(ensemble, "cpu")
    sizes = little_memory(BATCH // 4, said and RuntimeError(said))
    caplog.set_level(logging.INFO)
    less_mean, less_sd = predictor.predict_with_sd(x)
    np.testing.assert_allclose(less_mean, mean, atol=1e-6, rtol=1e-6)
    np.testing.assert_allclose(less_sd, sd, atol=1e-6, rtol=1e-6)
    assert [size for size in sizes if size > BATCH // 4] == [BATCH, BATCH // 2]
    assert caplog.messages == [
        f"GPU memory is short: predicting {rows} rows at a time" for rows in (512, 256)
    ]


@pytest.mark.torch
def test_no_memory_for_the_smallest_batch(ensemble, little_memory, caplog):
    from sicmir_atlas.model.torch_predictor import SMALLEST_BATCH, TorchPredictor

    x = np.random.default_rng(1).normal(size=(BATCH + 5, 31))
    mean, sd = load_predictor(ensemble).predict_with_sd(x)
    little_memory(SMALLEST_BATCH - 1)
    with pytest.raises(GpuMemoryError, match=r"does not hold 16 rows; .*--cpu_fallback") as caught:
        TorchPredictor(ensemble, "cpu").predict(x)
    assert caught.value.exit_code == 75
    assert caught.value.__cause__ is None
    predictor = TorchPredictor(ensemble, "cpu", cpu_fallback=True)
    for got, expected in zip(predictor.predict_with_sd(x), (mean, sd), strict=True):
        np.testing.assert_array_equal(got, expected)
    assert caplog.messages == ["GPU memory does not hold 16 rows: predicting on the CPU"]


@pytest.mark.torch
def test_other_errors_of_torch_are_told(ensemble, little_memory):
    from sicmir_atlas.model.torch_predictor import TorchPredictor

    predictor = TorchPredictor(ensemble, "cpu")
    little_memory(0, RuntimeError("CUDA error: an illegal memory access was encountered"))
    with pytest.raises(RuntimeError, match="illegal memory access"):
        predictor.predict(np.zeros((4, 31)))


@pytest.mark.torch
def test_cuda_gives_the_same_numbers(random_model):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        with pytest.raises(InputError, match="no usable GPU"):
            load_predictor(random_model("released"), device="cuda")
        assert load_predictor(random_model("released"), device="auto").device == "cpu"
        pytest.skip("no GPU on this machine")
    model = random_model("released", n_in=977, hidden=(1024, 1024), n_out=1298)
    x = np.random.default_rng(1).normal(size=(3000, 977))
    predicted = load_predictor(model, device="cuda").predict(x)
    np.testing.assert_allclose(predicted, load_predictor(model).predict(x), atol=1e-4, rtol=1e-4)
