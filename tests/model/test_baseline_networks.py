from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from sicmir_atlas.model import metrics
from sicmir_atlas.model.baseline_networks import BlockTransformer, ResNet, Transformer
from sicmir_atlas.model.training import RECIPES, fit, untrained_network

pytestmark = pytest.mark.torch

NAMES = ["resnet", "transformer", "block_transformer"]


def _n_parameters(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_resnet_has_the_parameters_counted_by_hand():
    # into 1024, its norm, three blocks of two linears and two norms, out
    by_hand = 977 * 1024 + 1024 + 2 * 1024
    by_hand += 3 * 2 * (1024 * 1024 + 1024 + 2 * 1024)
    by_hand += 1024 * 1298 + 1298
    assert by_hand == 8_643_858
    assert _n_parameters(ResNet(977, 1298)) == by_hand


def test_transformer_has_the_parameters_counted_by_hand():
    # query, key, value, output; feed-forward of 2048; two layer norms
    block = 4 * (512 * 512 + 512) + (512 * 2048 + 2048) + (2048 * 512 + 512) + 2 * 2 * 512
    by_hand = 977 * 512 + 512 + 3 * block + 512 * 1298 + 1298
    assert by_hand == 10_623_762
    assert _n_parameters(Transformer(977, 1298)) == by_hand


def test_block_transformer_has_the_parameters_counted_by_hand():
    # 977 genes in 32 blocks of 31, the last with 15 places empty
    block = 4 * (128 * 128 + 128) + (128 * 512 + 512) + (512 * 128 + 128) + 2 * 2 * 128
    by_hand = 32 * 31 * 128 + 32 * 128 + 3 * block + 128 * 1298 + 1298
    assert by_hand == 893_330
    assert _n_parameters(BlockTransformer(977, 1298)) == by_hand


def test_resnet_computes_what_its_layers_say():
    torch.manual_seed(0)
    network = ResNet(5, 3, hidden=4).eval()
    x = torch.randn(7, 5)
    stem, norm = network.embedding[0], network.embedding[1]
    h = torch.relu(norm(stem(x)))
    for block in network.blocks:
        first, norm1, _, _, second, norm2 = block
        h = torch.relu(h + norm2(second(torch.relu(norm1(first(h))))))
    torch.testing.assert_close(network(x), network.output(h))


def test_attention_over_one_token_does_nothing():
    """Without its query and key a transformer of one token gives the same."""
    torch.manual_seed(0)
    network, x = Transformer(6, 3, hidden=16).eval(), torch.randn(5, 6)
    before = network(x)
    with torch.no_grad():
        for block in network.blocks:
            block.self_attn.in_proj_weight[:32] = 0
    torch.testing.assert_close(network(x), before)


def test_attention_over_blocks_of_genes_matters():
    torch.manual_seed(0)
    network, x = BlockTransformer(60, 3, hidden=16, n_tokens=8).eval(), torch.randn(5, 60)
    before = network(x)
    with torch.no_grad():
        for block in network.blocks:
            block.self_attn.in_proj_weight[:32] = 0
    assert (network(x) - before).abs().max() > 1e-3


@pytest.mark.parametrize(("n_landmarks", "tokens"), [(64, (8, 8)), (60, (8, 8)), (9, (5, 2))])
def test_genes_are_dealt_to_blocks_as_neighbours(n_landmarks, tokens):
    network = BlockTransformer(n_landmarks, 3, hidden=16, n_tokens=8).eval()
    assert tuple(network.embedding.shape) == (*tokens, 16)
    assert network(torch.randn(2, n_landmarks)).shape == (2, 3)


@pytest.mark.parametrize("name", NAMES)
def test_recipe_makes_its_network_and_arrays_come_back(name):
    recipe = replace(RECIPES[name], hidden=16)
    torch.manual_seed(0)
    first, second = (untrained_network(recipe, 20, 3).eval() for _ in range(2))
    x = torch.randn(4, 20)
    assert not torch.equal(first(x), second(x))
    second.load_arrays(first.arrays())
    assert torch.equal(first(x), second(x))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("resnet", {"learning_rate": 0.1}),
        ("transformer", {"learning_rate": 2e-3}),
        ("block_transformer", {"learning_rate": 2e-3}),
    ],
)
def test_training_on_simulated_samples_learns_and_repeats(name, options):
    rng = np.random.default_rng(0)
    factors = rng.normal(size=(300, 4))
    x = 5 + factors @ rng.normal(size=(4, 40)) + 0.3 * rng.normal(size=(300, 40))
    y = 2 + np.tanh(factors @ rng.normal(size=(4, 6))) + 0.1 * rng.normal(size=(300, 6))
    y[:, 5] = np.nan
    recipe = replace(RECIPES[name], hidden=32, max_epochs=30, **options)
    fitted, again = (fit(x[:200], y[:200], recipe, seed=7) for _ in range(2))
    for array, values in fitted.arrays.items():
        assert values.tobytes() == again.arrays[array].tobytes(), array
    assert (fitted.arrays["output.weight"][5] == 0).all()
    network = untrained_network(recipe, 40, 6).eval()
    network.load_arrays(fitted.arrays)
    with torch.inference_mode():
        predicted = network(torch.from_numpy(fitted.x_scaling.apply(x[200:]))).numpy()
    assert (metrics.pcc_per_mirna(y[200:, :5], predicted[:, :5]) > 0.8).all()
