"""FSRCNN, the fast super-resolution CNN (arXiv 1608.00367): shrink, map, expand, enlarge at the end."""

from __future__ import annotations

from torch import Tensor, nn


class FSRCNN(nn.Module):
    """FSRCNN(56, 12, 4): image ``(N, planes, H, W)`` in 0..1 to ``scale`` times its size, not clipped.

    ``planes`` is 3 for RGB, as in the public checkpoint; the network of the paper works on luma alone
    (``planes=1``: 12,464 weights, printed as 12 K or, with biases, 13 K). Papers count the transposed 9x9
    convolution at output positions (6.0, 5.0 and 4.6 G multiply-adds on luma); ``macs`` counts it at
    input positions.
    """

    def __init__(
        self, scale: int = 4, *, planes: int = 3, channels: int = 56, shrunk: int = 12, layers: int = 4
    ) -> None:
        super().__init__()
        self.head = nn.Sequential(nn.Conv2d(planes, channels, 5, padding=2), nn.PReLU(channels))
        body: list[nn.Module] = [nn.Conv2d(channels, shrunk, 1), nn.PReLU(shrunk)]
        for _ in range(layers):
            body += [nn.Conv2d(shrunk, shrunk, 3, padding=1), nn.PReLU(shrunk)]
        self.body = nn.Sequential(*body, nn.Conv2d(shrunk, channels, 1), nn.PReLU(channels))
        self.upsample = nn.ConvTranspose2d(
            channels, planes, 9, stride=scale, padding=4, output_padding=scale - 1
        )

    def forward(self, image: Tensor) -> Tensor:
        """``(N, planes, H, W)`` to ``(N, planes, scale * H, scale * W)``."""
        return self.upsample(self.body(self.head(image)))
