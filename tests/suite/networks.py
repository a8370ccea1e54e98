"""Networks whose output can be written down, for tests of what becomes of it."""

from __future__ import annotations

from torch import Tensor, nn


class Nearest(nn.Module):
    """Nearest neighbour."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        return x.repeat_interleave(self.scale, 2).repeat_interleave(self.scale, 3)
