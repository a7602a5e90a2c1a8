"""Checkpoints that torch itself wrote predict what torch predicts."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from torch import nn

from sicmir_atlas.errors import InputError
from sicmir_atlas.model.importing import import_model
from sicmir_atlas.model.inference import load_predictor
from sicmir_atlas.model.weights import load_model, save_model
from sicmir_atlas.names import landmarks, mirnas

pytestmark = pytest.mark.torch

N_GENES, N_MIRNAS = len(landmarks()), len(mirnas())


def block(n_in, hidden, *, norm_first):
    middle = [nn.BatchNorm1d(hidden), nn.ReLU()]
    return [nn.Linear(n_in, hidden), *(middle if norm_first else middle[::-1]), nn.Dropout(0.3)]


class InSequence(nn.Module):
    """A network that shows its order."""

    def __init__(self, order, hidden=64):
        super().__init__()
        first, second = {"released": (1, 0), "relu_bn": (0, 0), "bn_relu": (1, 1)}[order]
        self.model = nn.Sequential(
            *block(N_GENES, hidden, norm_first=first),
            *block(hidden, hidden, norm_first=second),
            nn.Linear(hidden, N_MIRNAS),
        )

    def forward(self, x):
        return self.model(x)


class InCode(nn.Module):
    """A network whose order only its code tells, its layers out of order."""

    def __init__(self, order, hidden=64):
        super().__init__()
        self.order = order
        self.output = nn.Linear(hidden, N_MIRNAS)
        self.norm_a, self.norm_b = nn.BatchNorm1d(hidden), nn.BatchNorm1d(hidden)
        self.dense_a, self.dense_b = nn.Linear(N_GENES, hidden), nn.Linear(hidden, hidden)
        self.drop, self.relu = nn.Dropout(0.3), nn.ReLU()

    def forward(self, x):
        first, second = {"released": (1, 0), "relu_bn": (0, 0), "bn_relu": (1, 1)}[self.order]
        for dense, norm, norm_first in (
            (self.dense_a, self.norm_a, first),
            (self.dense_b, self.norm_b, second),
        ):
            x = dense(x)
            x = self.drop(self.relu(norm(x)) if norm_first else norm(self.relu(x)))
        return self.output(x)


def trained(network):
    """Move running statistics and every parameter away from where they start."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in network.parameters():
            scale = parameter.shape[-1] ** -0.5 if parameter.ndim == 2 else 0.5
            parameter.copy_(scale * torch.randn(parameter.shape, generator=generator))
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm1d):
            nn.init.uniform_(norm.weight, 0.5, 1.5, generator=generator)
    network.train()
    for _ in range(3):
        network(torch.randn(100, N_GENES, generator=generator))
    return network.eval()


@pytest.fixture
def lists(tmp_path):
    """The published lists, with their byte order mark and their spaces."""
    genes, names = tmp_path / "genes.csv", tmp_path / "mirnas.csv"
    genes.write_text("".join(f"{g},{g}\n" for g in landmarks()), encoding="utf-8-sig")
    spaced = (" " * 12 * (name == "hsa-miR-125b-5p") + name for name in mirnas())
    names.write_text("\n".join(spaced), encoding="utf-8-sig")
    return genes, names


def agree(network, model):
    x = np.random.default_rng(2).normal(size=(40, N_GENES)).astype(np.float32)
    with torch.inference_mode():
        expected = network(torch.from_numpy(x)).numpy()
    assert expected.std() > 0.1
    np.testing.assert_allclose(load_predictor(model).predict(x), expected, atol=1e-5)


@pytest.mark.parametrize("order", ["released", "relu_bn", "bn_relu"])
def test_whole_module_that_shows_its_order(order, lists, tmp_path):
    network = trained(InSequence(order))
    torch.save(network, tmp_path / "model.pt")
    model = import_model(tmp_path / "model.pt", *lists, model_id="m")
    agree(network, model)
    assert model.card["imported"]["block_order_from"] == "layers"
    assert model.card["imported"]["content"].endswith(".InSequence")
    save_model(model, tmp_path / "saved")
    agree(network, load_model(tmp_path / "saved"))


@pytest.mark.parametrize("order", ["released", "relu_bn", "bn_relu"])
def test_whole_module_and_its_weights_alone(order, lists, tmp_path):
    network = trained(InCode(order))
    torch.save(network, tmp_path / "module.pt")
    torch.save(network.state_dict(), tmp_path / "weights.pt")
    optimizer = torch.optim.SGD(network.parameters(), lr=0.0, momentum=0.9)
    network(torch.randn(4, N_GENES)).sum().backward()
    optimizer.step()
    content = {"state_dict": network.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    before = import_model(tmp_path / "module.pt", *lists, model_id="m", block_order=order)
    weights = import_model(tmp_path / "weights.pt", *lists, model_id="m", block_order=order)
    for name, values in before.members[0].parameters.items():
        np.testing.assert_array_equal(weights.members[0].parameters[name], values)
    torch.save(content, tmp_path / "checkpoint.pt")
    agree(
        network, import_model(tmp_path / "checkpoint.pt", *lists, model_id="m", block_order=order)
    )


def test_published_size_and_other_types_of_numbers(lists, tmp_path):
    network = trained(InSequence("released", hidden=1024))
    assert sum(p.numel() for p in network.parameters()) == 3_385_618
    torch.save(network.double(), tmp_path / "model.pt")
    model = import_model(tmp_path / "model.pt", *lists, model_id="m")
    assert model.n_parameters == 3_385_618
    agree(network.float(), model)


def test_what_it_cannot_take_says_what_to_do(lists, tmp_path):
    network = InSequence("released", hidden=8)
    torch.save(network, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    with pytest.raises(InputError, match=r"before 1\.6; .*torch\.save\(model\.state_dict\(\)"):
        import_model(tmp_path / "old.pt", *lists, model_id="m")
    network.model[2] = nn.Sigmoid()
    torch.save(network, tmp_path / "other.pt")
    with pytest.raises(InputError, match=r"names torch\.nn\.modules\.activation\.Sigmoid"):
        import_model(tmp_path / "other.pt", *lists, model_id="m")
