"""DRCN: one convolution again and again, all of whose outputs are reconstructed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from baselines.bicubic import Bicubic
from baselines.drcn import DRCN


def test_parameters() -> None:
    network = DRCN()
    # 1 -> 256 and 256 -> 1: 2,304 each; three times 256 -> 256: 589,824
    assert sum(p.numel() for p in network.parameters() if p.dim() == 4) == 2 * 2304 + 3 * 589_824
    # four layers with 256 biases, one with 1, and a weight each recursion
    assert sum(p.numel() for p in network.parameters()) == 1_774_080 + 4 * 256 + 1 + 16


def test_the_output_is_the_weighted_sum_of_all_reconstructions() -> None:
    torch.manual_seed(0)
    network, luma = DRCN(2, channels=4, recursions=3), torch.rand(1, 1, 4, 5)
    with torch.no_grad():
        network.weights.copy_(torch.tensor([0.5, -1.0, 2.0]))
        enlarged = Bicubic(2)(luma)
        features = F.relu(network.embed[1](F.relu(network.embed[0](enlarged))))
        expected = torch.zeros_like(enlarged)
        for weight in (0.5, -1.0, 2.0):
            features = F.relu(network.recurse(features))
            inner = F.relu(network.reconstruct[0](features))
            expected += weight * (network.reconstruct[1](inner) + enlarged)
        torch.testing.assert_close(network(luma), expected)


def test_at_first_the_reconstructions_are_averaged() -> None:
    network, luma = DRCN(2, channels=4), torch.rand(1, 1, 4, 5)
    nn.init.zeros_(network.reconstruct[1].weight)
    nn.init.zeros_(network.reconstruct[1].bias)
    torch.testing.assert_close(network(luma), Bicubic(2)(luma))
