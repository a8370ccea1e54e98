"""VDSR: twenty convolutions that add to the enlarged luma."""

from __future__ import annotations

import torch
from torch import nn

from baselines.bicubic import Bicubic
from baselines.vdsr import VDSR


def test_parameters() -> None:
    # 1 -> 64 and 64 -> 1: 576 each; eighteen times 64 -> 64: 36,864
    assert sum(p.numel() for p in VDSR().parameters()) == 2 * 576 + 18 * 36_864
    # One bias an output channel, as in the paper: 19 * 64 + 1 more.
    assert sum(p.numel() for p in VDSR(bias=True).parameters()) == 665_921


def test_it_adds_to_the_enlarged_luma() -> None:
    network, luma = VDSR(3, channels=8, layers=4), torch.rand(1, 1, 6, 7)
    nn.init.zeros_(network.last.weight)
    torch.testing.assert_close(network(luma), Bicubic(3)(luma), rtol=0, atol=0)


def test_all_scales_have_the_same_weights() -> None:
    VDSR(2).load_state_dict(VDSR(4).state_dict())


def test_a_pixel_is_seen_twenty_pixels_away_and_no_further() -> None:
    # Twenty 3x3 convolutions reach twenty HR pixels, and bicubic two LR pixels more.
    torch.manual_seed(0)
    network, luma = VDSR(2), torch.rand(1, 1, 3, 41)
    changed = luma.clone()
    changed[..., 20] += 10
    with torch.inference_mode():
        seen = (network(changed) != network(luma)).any(dim=2).flatten().nonzero().flatten()
    assert seen.min() >= 40 - 4 - 20
    assert seen.max() <= 41 + 4 + 20
    assert seen.max() - seen.min() > 20
