"""DRRN, the deep recursive residual network (Tai et al., CVPR 2017, DOI 10.1109/CVPR.2017.298)."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from baselines.bicubic import Bicubic


class DRRN(nn.Module):
    """DRRN_B1U25: luma ``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``, not clipped.

    The luma is enlarged by MATLAB's bicubic. One recursive block has 25 residual units that share their two
    convolutions; each unit adds to the block's input. Every convolution comes after a batch normalization
    of its own and a ReLU. Enlarging is no part of the multiply-accumulates: papers count from the enlarged
    image on.

    ``normalized``: the authors' network has the normalizations, whose 13,058 scales and shifts they do not
    count: 298 K parameters are the 297,601 of the convolutions, the network without normalization.
    """

    def __init__(
        self, scale: int = 4, *, channels: int = 128, units: int = 25, normalized: bool = True
    ) -> None:
        super().__init__()

        def norm(channels: int) -> nn.Module:
            return nn.BatchNorm2d(channels) if normalized else nn.Identity()

        self.enlarge = Bicubic(scale)
        self.head_norm = norm(1)
        self.head = nn.Conv2d(1, channels, 3, padding=1)
        self.first_norms = nn.ModuleList(norm(channels) for _ in range(units))
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second_norms = nn.ModuleList(norm(channels) for _ in range(units))
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        self.last_norm = norm(channels)
        self.last = nn.Conv2d(channels, 1, 3, padding=1)

    def forward(self, luma: Tensor) -> Tensor:
        """``(N, 1, H, W)`` to ``(N, 1, scale * H, scale * W)``."""
        enlarged = self.enlarge(luma)
        shallow = self.head(F.relu(self.head_norm(enlarged)))
        features = shallow
        for first_norm, second_norm in zip(self.first_norms, self.second_norms, strict=True):
            residual = self.first(F.relu(first_norm(features)))
            features = self.second(F.relu(second_norm(residual))) + shallow
        return self.last(F.relu(self.last_norm(features))) + enlarged
