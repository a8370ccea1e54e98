"""SRMDNF: the image beside planes that say how it was degraded."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.srmd import SRMDNF


@pytest.mark.parametrize(("scale", "expected"), [(2, 1_510_540), (3, 1_527_835), (4, 1_552_048)])
def test_parameters(scale: int, expected: int) -> None:
    # 3x3 18 -> 128: 20,864; ten times 128 -> 128: 147,584; 128 -> 3 * scale^2: 1,153 an output
    assert 20_864 + 10 * 147_584 + 1153 * 3 * scale**2 == expected
    assert sum(p.numel() for p in SRMDNF(scale).parameters()) == expected


def test_the_degradation_comes_with_the_weights_and_is_seen_everywhere() -> None:
    network = SRMDNF(2)
    state = network.state_dict() | {"degradation": torch.arange(15.0)}
    network.load_state_dict(state)
    seen: list[torch.Tensor] = []
    network.body[0].register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    image = torch.rand(2, 3, 4, 5)
    network(image)
    torch.testing.assert_close(seen[0][:, :3], image, rtol=0, atol=0)
    torch.testing.assert_close(seen[0][:, 3:], torch.arange(15.0).view(1, 15, 1, 1).expand(2, 15, 4, 5))


def test_it_has_twelve_convolutions() -> None:
    assert sum(isinstance(module, nn.Conv2d) for module in SRMDNF(2).modules()) == 12
