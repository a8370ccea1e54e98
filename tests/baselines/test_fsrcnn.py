"""FSRCNN on RGB and, as in its paper, on luma."""

from __future__ import annotations

import pytest
import torch

from baselines.fsrcnn import FSRCNN


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_parameters(scale: int) -> None:
    # 5x5 3 -> 56, 1x1 56 -> 12, four times 3x3 12 -> 12, 1x1 12 -> 56, 9x9 56 -> 3; biases; slopes.
    weights = 4200 + 672 + 4 * 1296 + 672 + 13_608
    biases, slopes = 56 + 12 + 4 * 12 + 56 + 3, 56 + 12 + 4 * 12 + 56
    assert sum(p.numel() for p in FSRCNN(scale).parameters()) == weights + biases + slopes


def test_the_network_of_the_paper_has_12464_weights() -> None:
    network = FSRCNN(4, planes=1)
    assert sum(p.numel() for name, p in network.named_parameters() if p.dim() == 4) == 12_464
    assert network(torch.rand(1, 1, 5, 6)).shape == (1, 1, 20, 24)
