"""DRRN: residual units that share their convolutions."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from baselines.bicubic import Bicubic
from baselines.drrn import DRRN


def test_parameters() -> None:
    # 1 -> 128 and 128 -> 1: 1,152 each; 128 -> 128 twice: 147,456; biases 3 * 128 + 1
    convolutions = 2 * 1152 + 2 * 147_456 + 3 * 128 + 1
    assert sum(p.numel() for p in DRRN(normalized=False).parameters()) == convolutions == 297_601
    # scale and shift of one channel, and of 128 channels before every other of the 52 convolutions
    assert sum(p.numel() for p in DRRN().parameters()) == convolutions + 2 * (1 + 51 * 128)


def test_every_unit_adds_to_the_input_of_the_block() -> None:
    torch.manual_seed(0)
    network, luma = DRRN(2, channels=4, units=2, normalized=False), torch.rand(1, 1, 4, 5)
    with torch.no_grad():
        enlarged = Bicubic(2)(luma)
        shallow = network.head(F.relu(enlarged))
        first = shallow + network.second(F.relu(network.first(F.relu(shallow))))
        second = shallow + network.second(F.relu(network.first(F.relu(first))))
        torch.testing.assert_close(network(luma), enlarged + network.last(F.relu(second)))


def test_every_convolution_has_a_normalization_of_its_own() -> None:
    norms = [module for module in DRRN(units=3).modules() if isinstance(module, nn.BatchNorm2d)]
    assert [norm.num_features for norm in norms].count(128) == 2 * 3 + 1
    assert len(norms) == 2 * 3 + 2
