"""IDN: blocks that keep a quarter of their features and work on with the rest."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.bicubic import Bicubic
from baselines.idn import IDN, DBlock


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_parameters(scale: int) -> None:
    # 64 -> 48, 48 -> 32 in four groups, 32 -> 64, 48 -> 64, 64 -> 48 in four groups, 48 -> 80, 1x1 80 -> 64
    weights = 9 * (64 * 48 + 48 * 32 // 4 + 32 * 64 + 48 * 64 + 64 * 48 // 4 + 48 * 80) + 80 * 64
    block = weights + 48 + 32 + 64 + 64 + 48 + 80 + 64
    assert sum(p.numel() for p in DBlock().parameters()) == block
    # 3x3 1 -> 64 and 64 -> 64, four blocks, 17x17 64 -> 1
    expected = 640 + 36_928 + 4 * block + 17 * 17 * 64 + 1
    assert sum(p.numel() for p in IDN(scale).parameters()) == expected == 552_769


def test_it_adds_to_the_enlarged_luma() -> None:
    network, luma = IDN(3), torch.rand(1, 1, 6, 7)
    nn.init.zeros_(network.reconstruct.weight)
    nn.init.zeros_(network.reconstruct.bias)
    torch.testing.assert_close(network(luma), Bicubic(3)(luma), rtol=0, atol=0)


def test_the_input_and_the_quarter_that_was_kept_are_added_to_the_long_path() -> None:
    block, x = DBlock(), torch.rand(1, 64, 5, 5)
    fused: list[torch.Tensor] = []
    kept: list[torch.Tensor] = []
    block.compress.register_forward_pre_hook(lambda _, inputs: fused.append(inputs[0]))
    block.before[2].register_forward_hook(lambda module, inputs, output: kept.append(output))
    nn.init.zeros_(block.after[2].weight)
    nn.init.zeros_(block.after[2].bias)
    block(x)
    torch.testing.assert_close(fused[0][:, :64], x)
    torch.testing.assert_close(fused[0][:, 64:], nn.functional.leaky_relu(kept[0][:, :16], 0.05))
