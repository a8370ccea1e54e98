"""SRMD, super-resolution for multiple degradations (arXiv 1712.06116), in its noise-free form SRMDNF."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def conv(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution that starts with weights large enough for twelve in a row without residuals."""
    layer = nn.Conv2d(inputs, outputs, 3, padding=1)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return layer


class SRMDNF(nn.Module):
    """SRMDNF: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, not clipped.

    Twelve convolutions see the image beside constant planes that say how it was degraded: the blur kernel
    in 15 principal components. Here the degradation is fixed, that of the test sets; its ``degradation``
    comes with the weights and is no parameter. Batch normalization, used in training, is merged into the
    convolutions.
    """

    degradation: Tensor

    def __init__(
        self, scale: int = 4, *, channels: int = 128, layers: int = 12, components: int = 15
    ) -> None:
        super().__init__()
        self.register_buffer("degradation", torch.zeros(components))
        body: list[nn.Module] = [conv(3 + components, channels), nn.ReLU()]
        for _ in range(layers - 2):
            body += [conv(channels, channels), nn.ReLU()]
        self.body = nn.Sequential(*body)
        self.upsample = nn.Sequential(conv(channels, 3 * scale**2), nn.PixelShuffle(scale))

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        number, _, height, width = image.shape
        planes = self.degradation.view(1, -1, 1, 1).expand(number, -1, height, width)
        return self.upsample(self.body(torch.cat((image, planes), dim=1)))
