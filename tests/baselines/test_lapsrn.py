"""LapSRN: a pyramid whose levels double the image."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.lapsrn import LapSRN, Level


@pytest.mark.parametrize(("scale", "levels"), [(2, 1), (4, 2)])
def test_parameters(scale: int, levels: int) -> None:
    # A level: ten times 64 -> 64, the transposed 4x4 64 -> 64, 64 -> 1, and the image's 4x4.
    level = 10 * 36_864 + 65_536 + 576 + 16
    assert sum(p.numel() for p in LapSRN(scale).parameters()) == 576 + levels * level


@pytest.mark.parametrize("scale", [1, 3, 8])
def test_other_scales_are_refused(scale: int) -> None:
    with pytest.raises(ValueError, match=f"x{scale} is not possible"):
        LapSRN(scale)


def test_x2_is_the_first_level_of_x4() -> None:
    large, luma = LapSRN(4, channels=8, layers=2), torch.rand(1, 1, 5, 6)
    small = LapSRN(2, channels=8, layers=2)
    small.load_state_dict({key: large.state_dict()[key] for key in small.state_dict()})
    first, images = large.levels[0], []
    first.register_forward_hook(lambda module, inputs, output: images.append(output[1]))
    large(luma)
    torch.testing.assert_close(small(luma), images[0], rtol=0, atol=0)


def test_a_level_adds_detail_to_the_doubled_image() -> None:
    level, features, image = Level(8, 2), torch.rand(1, 8, 4, 5), torch.rand(1, 1, 4, 5)
    nn.init.zeros_(level.detail.weight)
    nn.init.zeros_(level.image.weight)
    # Ones on the four taps in the middle repeat each pixel twice each way.
    with torch.no_grad():
        level.image.weight[0, 0, 1:3, 1:3] = 1
    doubled = image.repeat_interleave(2, 2).repeat_interleave(2, 3)
    torch.testing.assert_close(level(features, image)[1], doubled, rtol=0, atol=0)


def test_negative_features_pass_at_a_fifth() -> None:
    network, luma = LapSRN(2, channels=4, layers=1), torch.ones(1, 1, 3, 3)
    seen: list[torch.Tensor] = []
    network.levels[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    nn.init.constant_(network.head.weight, -1)
    network(luma)
    assert seen[0][0, 0, 1, 1].item() == pytest.approx(-9 * 0.2)
