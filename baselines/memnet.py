"""MemNet, the persistent memory network (arXiv 1708.02209)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.bicubic import Bicubic

Outputs = Literal["all", "last"]
"""Whether the result is the weighted sum of what every block gives, or what the last gives."""
Norm = Callable[[int], nn.Module]
"""Makes the normalization of a number of channels."""


class MemoryBlock(nn.Module):
    """Memory block: one residual unit applied again and again, and a gate over all it saw.

    The gate, a 1x1 convolution, sees the outputs of all recursions and ``memories`` earlier blocks.
    """

    def __init__(self, channels: int, recursions: int, memories: int, norm: Norm) -> None:
        super().__init__()
        self.first_norms = nn.ModuleList(norm(channels) for _ in range(recursions))
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second_norms = nn.ModuleList(norm(channels) for _ in range(recursions))
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        gated = (memories + recursions) * channels
        self.gate_norm = norm(gated)
        self.gate = nn.Conv2d(gated, channels, 1)

    def forward(self, memories: Sequence[Tensor]) -> Tensor:
        """The outputs of all earlier blocks, each ``(N, channels, H, W)``, to one of the same shape."""
        features, seen = memories[-1], list(memories)
        for first_norm, second_norm in zip(self.first_norms, self.second_norms, strict=True):
            residual = self.first(F.relu(first_norm(features)))
            features = features + self.second(F.relu(second_norm(residual)))
            seen.append(features)
        return self.gate(F.relu(self.gate_norm(torch.cat(seen, dim=1))))


class MemNet(nn.Module):
    """MemNet_M6R6: luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, not clipped.

    The luma is enlarged by MATLAB's bicubic. Every convolution comes after a batch normalization of its own
    and a ReLU; the recursions of a block share their convolutions. From the output of every block the same
    convolution reconstructs a residual, and the output is the weighted sum of all six reconstructions.
    Enlarging is no part of the multiply-accumulates: papers count from the enlarged image on.

    Tables count less: 678 K parameters and 2,662.4 G multiply-adds are the network without normalizations
    (``normalized=False``) that reconstructs from its last block alone (``outputs="last"``).
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        channels: int = 64,
        blocks: int = 6,
        recursions: int = 6,
        normalized: bool = True,
        outputs: Outputs = "all",
    ) -> None:
        if outputs not in get_args(Outputs):
            raise ValueError(f"unknown outputs {outputs!r}: choose one of {', '.join(get_args(Outputs))}")
        super().__init__()

        def norm(channels: int) -> nn.Module:
            return nn.BatchNorm2d(channels) if normalized else nn.Identity()

        self.enlarge = Bicubic(scale)
        self.head_norm = norm(1)
        self.head = nn.Conv2d(1, channels, 3, padding=1)
        self.blocks = nn.ModuleList(
            MemoryBlock(channels, recursions, number, norm) for number in range(1, blocks + 1)
        )
        number = blocks if outputs == "all" else 1
        self.last_norms = nn.ModuleList(norm(channels) for _ in range(number))
        self.last = nn.Conv2d(channels, 1, 3, padding=1)
        self.weights = nn.Parameter(torch.full((number,), 1 / number)) if number > 1 else None

    def forward(self, luma: Tensor) -> Tensor:
        """``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``."""
        enlarged = self.enlarge(luma)
        memories = [self.head(F.relu(self.head_norm(enlarged)))]
        for block in self.blocks:
            memories.append(block(memories))
        results = [
            enlarged + self.last(F.relu(norm(memory)))
            for norm, memory in zip(self.last_norms, memories[-len(self.last_norms) :], strict=True)
        ]
        if self.weights is None:
            return results[0]
        return torch.stack([w * one for w, one in zip(self.weights, results, strict=True)]).sum(dim=0)
