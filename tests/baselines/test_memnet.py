"""MemNet: blocks that remember all before them."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from baselines.bicubic import Bicubic
from baselines.memnet import MemNet, MemoryBlock


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


def test_parameters() -> None:
    # 1 -> 64 and 64 -> 1: 576 each; two 64 -> 64 a block: 36,864; gates on 7, 8, ... 12 times 64: 4,096 each
    weights = 2 * 576 + 6 * 2 * 36_864 + sum(range(7, 13)) * 4096
    biases = 64 + 6 * 3 * 64 + 1
    assert parameters(MemNet(normalized=False, outputs="last")) == weights + biases == 678_209
    assert parameters(MemNet(normalized=False)) == 678_209 + 6  # the weights of the sum
    # scale and shift of: the luma; 6 * 6 * 2 layers; the gates' inputs; six outputs
    scales = 1 + 6 * 6 * 2 * 64 + sum(range(7, 13)) * 64 + 6 * 64
    assert parameters(MemNet()) == 678_209 + 6 + 2 * scales


def test_a_block_gates_what_its_recursions_and_all_blocks_before_gave() -> None:
    torch.manual_seed(0)
    block = MemoryBlock(2, 2, 2, lambda channels: nn.Identity())
    old, new = torch.randn(2, 1, 2, 4, 5)
    with torch.no_grad():
        first = new + block.second(F.relu(block.first(F.relu(new))))
        second = first + block.second(F.relu(block.first(F.relu(first))))
        expected = block.gate(F.relu(torch.cat((old, new, first, second), dim=1)))
        torch.testing.assert_close(block([old, new]), expected)


def test_the_output_is_the_weighted_sum_of_what_every_block_gives() -> None:
    torch.manual_seed(0)
    network, luma = MemNet(2, channels=2, blocks=2, recursions=1), torch.rand(1, 1, 4, 5)
    network.eval()
    given: list[torch.Tensor] = []
    for block in network.blocks:
        block.register_forward_hook(lambda module, inputs, output: given.append(output))
    assert network.weights is not None
    with torch.no_grad():
        network.weights.copy_(torch.tensor([0.25, 2.0]))
        found, enlarged = network(luma), Bicubic(2)(luma)
        first, second = (
            enlarged + network.last(F.relu(norm(x)))
            for norm, x in zip(network.last_norms, given, strict=True)
        )
        torch.testing.assert_close(found, 0.25 * first + 2 * second)


def test_the_last_block_alone_may_give_the_output() -> None:
    network, luma = MemNet(2, channels=2, blocks=2, outputs="last").eval(), torch.rand(1, 1, 4, 5)
    nn.init.zeros_(network.last.weight)
    nn.init.zeros_(network.last.bias)
    torch.testing.assert_close(network(luma), Bicubic(2)(luma))


def test_other_outputs_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown outputs 'first'"):
        MemNet(outputs="first")  # type: ignore[arg-type]
