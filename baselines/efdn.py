"""EFDN, the Edge-enhanced Feature Distillation Network (arXiv 2204.08759), as entered in NTIRE 2022."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.reparameterization import BranchKind, Form, MultiBranchConv
from bsrn.attention import ESA

_BRANCHES: tuple[BranchKind, ...] = (
    "3x3",
    "1x1",
    "1x1-3x3",
    "sobel-x",
    "sobel-y",
    "laplacian",
    "identity",
)


def edge_enhanced_block(channels: int, form: Form) -> nn.Sequential:
    """EDBB with its activation: seven branches for training, one 3x3 convolution for inference."""
    if form == "training":
        return nn.Sequential(MultiBranchConv(channels, channels, _BRANCHES), nn.PReLU(channels))
    return nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1), nn.PReLU(channels))


class EFDB(nn.Module):
    """Edge-enhanced feature distillation block with ESA, in a residual.

    The input and three refinements of it are each reduced to half the channels and fused. Takes and gives
    ``(N, channels, H, W)``.
    """

    def __init__(self, channels: int, form: Form) -> None:
        super().__init__()
        self.refine = nn.ModuleList(
            [
                nn.Sequential(nn.Conv2d(channels, channels, 1), nn.PReLU(channels)),
                edge_enhanced_block(channels, form),
                edge_enhanced_block(channels, form),
            ]
        )
        self.distill = nn.ModuleList(nn.Conv2d(channels, channels // 2, 1) for _ in range(4))
        self.fuse = nn.Conv2d(4 * (channels // 2), channels, 1)
        self.spatial = ESA(channels, channels // 4)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        features = [x]
        for refine in self.refine:
            features.append(refine(features[-1]))
        parts = [distill(each) for distill, each in zip(self.distill, features, strict=True)]
        return self.spatial(self.fuse(torch.cat(parts, dim=1))) + x


class EFDN(nn.Module):
    """EFDN: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``.

    ``form`` is ``inference`` (the published costs and checkpoint) or ``training``; `fold` of
    ``baselines.reparameterization`` makes the first from the second. The network clips its output to 0..1
    itself, but not in training mode, where that would stop gradients.
    """

    def __init__(self, scale: int = 4, *, channels: int = 48, form: Form = "inference") -> None:
        super().__init__()
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList(EFDB(channels, form) for _ in range(4))
        self.fuse = nn.ModuleList(nn.Conv2d(2 * channels, channels, 1) for _ in range(3))
        self.upsample = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        shallow = self.head(image)
        first = self.blocks[0](shallow)
        second = self.blocks[1](first)
        third = self.blocks[2](self.fuse[0](torch.cat((first, second), dim=1)))
        fourth = self.blocks[3](self.fuse[1](torch.cat((second, third), dim=1)))
        deep = self.fuse[2](torch.cat((second, fourth), dim=1))
        output = self.upsample(deep + shallow)
        return output if self.training else output.clamp(0, 1)
