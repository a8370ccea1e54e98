"""CARN and CARN-M as published."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from baselines.carn import CARN, MEAN, CascadingBlock, cascade


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_parameters_are_those_of_all_scales(scale: int) -> None:
    assert sum(p.numel() for p in CARN(scale).parameters()) == 1_591_939  # published: 1,592 K
    assert sum(p.numel() for p in CARN(scale, groups=4, shared=True).parameters()) == 414_787


def test_the_mean_is_taken_off_and_given_back() -> None:
    network = CARN(2)
    network.last = nn.Conv2d(64, 3, 1)
    with torch.no_grad():
        network.last.weight.zero_()
        network.last.bias.zero_()
    grey = torch.tensor(MEAN)[None, :, None, None].expand(1, 3, 4, 5)
    torch.testing.assert_close(network.subtract_mean(grey), torch.zeros(1, 3, 4, 5))
    torch.testing.assert_close(network(torch.rand(1, 3, 4, 5)), grey.repeat(1, 1, 2, 2))


def test_the_mean_is_no_parameter() -> None:
    assert not any("mean" in name for name, _ in CARN(4).named_parameters())


def test_each_unit_sees_the_fusion_of_all_before_it() -> None:
    # Units double, fusions add up: 1, 1 + 2 = 3, 1 + 2 + 6 = 9, 1 + 2 + 6 + 18 = 27.
    class Double(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return 2 * x

    class Sum(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.sum(dim=1, keepdim=True)

    result = cascade(torch.ones(1, 1, 2, 2), [Double()] * 3, [Sum()] * 3)
    assert torch.equal(result, torch.full((1, 1, 2, 2), 27.0))


def test_carn_m_runs_one_unit_three_times() -> None:
    calls: list[nn.Module] = []
    block = CascadingBlock(4, shared=True)
    assert len(block.units) == 1
    block.units[0].register_forward_hook(lambda module, inputs, output: calls.append(module))
    block(torch.rand(1, 64, 5, 5))
    assert len(calls) == 3


def test_the_branches_of_other_scales_do_not_run() -> None:
    calls: list[str] = []
    network = CARN(3)
    for name, branch in network.upsample.items():
        branch.register_forward_hook(lambda module, inputs, output, name=name: calls.append(name))
    network(torch.rand(1, 3, 5, 5))
    assert calls == ["x3"]
