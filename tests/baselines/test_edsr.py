"""EDSR-baseline: sixteen residual blocks."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.edsr import EDSR, ResidualBlock


@pytest.mark.parametrize(("scale", "expected"), [(2, 1_369_859), (3, 1_554_499), (4, 1_517_571)])
def test_parameters(scale: int, expected: int) -> None:
    # 3x3 3 -> 64: 1,792; 33 times 64 -> 64: 36,928; 64 -> 256 (x4: twice) or 576; 64 -> 3: 1,731
    enlarging = {2: 147_712, 3: 332_352, 4: 2 * 147_712}[scale]
    assert 1792 + 33 * 36_928 + enlarging + 1731 == expected
    assert sum(p.numel() for p in EDSR(scale).parameters()) == expected


def test_the_mean_colour_is_taken_off_and_put_back() -> None:
    network = EDSR(2, channels=4, blocks=1)
    seen: list[torch.Tensor] = []
    network.head.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    nn.init.zeros_(network.last.weight)
    nn.init.zeros_(network.last.bias)
    output = network(torch.full((1, 3, 4, 5), 255.0))
    mean = [255 * 0.4488, 255 * 0.4371, 255 * 0.4040]
    assert output[0, :, 3, 3].tolist() == pytest.approx(mean)
    assert seen[0][0, :, 0, 0].tolist() == pytest.approx([255 - value for value in mean])


def test_the_mean_colour_is_no_part_of_the_weights() -> None:
    assert not any("mean" in key for key in EDSR(2, channels=4, blocks=1).state_dict())


def test_a_block_adds_its_input_to_its_output() -> None:
    block, x = ResidualBlock(4), torch.rand(1, 4, 5, 5)
    nn.init.zeros_(block.second.weight)
    nn.init.zeros_(block.second.bias)
    torch.testing.assert_close(block(x), x, rtol=0, atol=0)
