"""ETDS, Equivalent Transformation and Dual Stream network (CVPR 2023), for mobile devices.

For training, two streams: a residual one of few channels that carries the image, and a wide one that it feeds
into. For inference, one plain network of 3x3 convolutions and ReLU, each of which holds those of both streams
as blocks of its weight; `fold` of ``baselines.reparameterization`` makes it from the two streams.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.reparameterization import (
    Foldable,
    Kernel,
    convolution,
    identity,
    joined,
    kernel_of,
    stacked,
)

COLOURS = 3


class ETDS(nn.Module):
    """ETDS in the inference form: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``.

    The output is clipped to 0..1 by the network itself: with y = 1 - x from the last convolution, a ReLU, a
    1x1 convolution that gives 1 - y, and a ReLU. ``channels`` are those of both streams. At x3 the last
    layers have a channel more than needed, which is dropped: their numbers are multiples of four. Untrained,
    the network clips too, for its last layers start that way.
    """

    def __init__(self, scale: int = 4, *, channels: int = 32, blocks: int = 4) -> None:
        super().__init__()
        self.outputs = COLOURS * scale**2
        padded = -(-self.outputs // 4) * 4
        self.head = nn.Conv2d(COLOURS, channels, 3, padding=1)
        self.blocks = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(blocks))
        start = kernel_of(nn.Conv2d(channels, padded, 3, padding=1))
        self.last = convolution(Kernel(start.weight, start.bias + 1))
        self.clip = convolution(Kernel(-identity(start).weight, torch.ones_like(start.bias)))
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, in 0..1."""
        features = image
        for layer in (self.head, *self.blocks, self.last, self.clip):
            features = torch.relu(layer(features))
        return self.shuffle(features[:, : self.outputs])


class DualStreamETDS(Foldable):
    """ETDS in the training form: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``.

    The output is not clipped. ``channels`` are those of both streams, ``residual_channels`` those of the
    residual one. The residual stream starts out as the nearest-neighbour enlargement, with nothing passed
    from it to the wide one.
    """

    def __init__(
        self, scale: int = 4, *, channels: int = 32, residual_channels: int = 3, blocks: int = 4
    ) -> None:
        super().__init__()
        self.scale, self.channels = scale, channels
        wide, narrow, outputs = channels - residual_channels, residual_channels, COLOURS * scale**2

        def conv(inputs: int, channels: int) -> nn.Conv2d:
            return nn.Conv2d(inputs, channels, 3, padding=1)

        self.head, self.residual_head = conv(COLOURS, wide), conv(COLOURS, narrow)
        self.blocks = nn.ModuleList(conv(wide, wide) for _ in range(blocks))
        self.residual_blocks = nn.ModuleList(conv(narrow, narrow) for _ in range(blocks))
        self.feeds = nn.ModuleList(conv(narrow, wide) for _ in range(blocks))
        self.last, self.residual_last = conv(wide, outputs), conv(narrow, outputs)
        self.shuffle = nn.PixelShuffle(scale)
        for layer in (self.residual_head, *self.residual_blocks):
            nn.init.dirac_(layer.weight)
            nn.init.zeros_(layer.bias)
        for layer in (*self.feeds, self.residual_last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            for channel in range(outputs):
                self.residual_last.weight[channel, channel // scale**2, 1, 1] = 1

    def streams(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """The whole output and that of the residual stream, both ``(N, 3, scale * H, scale * W)``.

        Training asks both to be near the target.
        """
        wide, narrow = torch.relu(self.head(image)), torch.relu(self.residual_head(image))
        for block, residual, feed in zip(self.blocks, self.residual_blocks, self.feeds, strict=True):
            wide, narrow = torch.relu(block(wide) + feed(narrow)), torch.relu(residual(narrow))
        residual_output = self.residual_last(narrow)
        return self.shuffle(self.last(wide) + residual_output), self.shuffle(residual_output)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        return self.streams(image)[0]

    def folded(self) -> ETDS:
        """The inference form, whose output is this one's clipped to 0..1."""
        plain = ETDS(self.scale, channels=self.channels, blocks=len(self.blocks))
        plain.head = convolution(stacked(kernel_of(self.head), kernel_of(self.residual_head)))
        layers = zip(self.blocks, self.residual_blocks, self.feeds, strict=True)
        plain.blocks = nn.ModuleList(
            convolution(_both_streams(*map(kernel_of, (block, residual, feed))))
            for block, residual, feed in layers
        )
        weight, bias = joined(kernel_of(self.last), kernel_of(self.residual_last))
        extra = plain.last.out_channels - plain.outputs
        negative = Kernel(
            F.pad(-weight, (0, 0, 0, 0, 0, 0, 0, extra)), F.pad(1 - bias, (0, extra), value=1.0)
        )
        plain.last = convolution(negative)
        plain.clip.to(weight)
        return plain


def _both_streams(block: Kernel, residual: Kernel, feed: Kernel) -> Kernel:
    """A layer of both streams: the wide one sees both, the residual one itself alone."""
    blind = Kernel(residual.weight.new_zeros(len(residual.weight), len(block.weight), 3, 3), residual.bias)
    return stacked(
        joined(block, feed), joined(blind, Kernel(residual.weight, torch.zeros_like(residual.bias)))
    )
