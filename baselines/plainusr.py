"""PlainUSR, a network of re-parameterised convolutions (ACCV 2024), in its smallest size, PlainUSR-U."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from baselines.reparameterization import (
    Foldable,
    Form,
    Kernel,
    convolution,
    identity,
    kernel_of,
    parallel,
    sequence,
)

NEGATIVE_SLOPE = 0.05
COLOURS = 3


class ConstantGate(nn.Module):
    """Factors in (0, 1) a channel, made from learned numbers instead of the image, so that they fold away.

    Called without arguments; gives ``(channels,)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.numbers = nn.Parameter(torch.full((channels,), 0.1))
        self.squeeze = nn.Linear(channels, channels // 4, bias=False)
        self.excite = nn.Linear(channels // 4, channels, bias=False)
        nn.init.ones_(self.squeeze.weight)
        nn.init.ones_(self.excite.weight)

    def forward(self) -> Tensor:
        """``(channels,)``."""
        return torch.sigmoid(self.excite(nn.functional.silu(self.squeeze(self.numbers))))


class RepMBConv(Foldable):
    """An inverted bottleneck in a residual, which is one 3x3 convolution.

    A 1x1 convolution to twice the channels, a 3x3 one whose output is gated and added to its input, and a
    1x1 one back. ``led`` makes the first output channel, which is the gate of `LocalAttention`, from all of
    them. Takes and gives ``(N, channels, H, W)``.
    """

    def __init__(self, channels: int, *, led: bool = False) -> None:
        super().__init__()
        middle = 2 * channels
        self.expand = nn.Conv2d(channels, middle, 1, padding=1)
        self.refine = nn.Conv2d(middle, middle, 3)
        self.gate = ConstantGate(middle)
        self.reduce = nn.Conv2d(middle, channels, 1)
        self.lead = nn.Conv2d(channels, 1, 1) if led else None
        if self.lead is not None:
            nn.init.constant_(self.lead.weight, 1 / channels)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        expanded = self.expand(x)
        refined = self.refine(expanded) * self.gate()[:, None, None] + expanded[..., 1:-1, 1:-1]
        output = self.reduce(refined) + x
        return output if self.lead is None else torch.cat((self.lead(output), output[:, 1:]), dim=1)

    def folded(self) -> nn.Conv2d:
        """One 3x3 convolution."""
        refine, reduce, gate = kernel_of(self.refine), kernel_of(self.reduce), self.gate()
        gated = Kernel(refine.weight * gate[:, None, None, None], refine.bias * gate)
        inside = sequence(kernel_of(self.expand), parallel(gated, identity(gated)), reduce)
        whole = parallel(inside, identity(reduce))
        if self.lead is not None:
            lead = sequence(whole, kernel_of(self.lead))
            whole = Kernel(*(torch.cat((new, old[1:])) for new, old in zip(lead, whole, strict=True)))
        return convolution(whole)


class LocalAttention(nn.Module):
    """Local-importance attention of PlainUSR-U: a mask from a 3x3 convolution, and a gate.

    The gate is the sigmoid of the first channel. Takes and gives ``(N, channels, H, W)``.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        return x * torch.sigmoid(x[:, :1]) * torch.sigmoid(self.conv(x))


def _convolution(channels: int, form: Form, *, led: bool = False) -> nn.Module:
    if form == "training":
        return RepMBConv(channels, led=led)
    return nn.Conv2d(channels, channels, 3, padding=1)


class PartialBlock(nn.Module):
    """Two 3x3 convolutions on the first ``channels`` of the features; the others pass by unchanged.

    Takes and gives ``(N, C, H, W)`` with C at least ``channels``.
    """

    def __init__(self, channels: int, form: Form, *, attention: bool = False) -> None:
        super().__init__()
        self.channels = channels
        self.first = _convolution(channels, form)
        self.activation = nn.LeakyReLU(NEGATIVE_SLOPE)
        self.second = _convolution(channels, form, led=attention)
        self.attention = LocalAttention(channels) if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """``(N, C, H, W)`` to the same shape."""
        changed = self.attention(self.second(self.activation(self.first(x[:, : self.channels]))))
        return torch.cat((changed, x[:, self.channels :]), dim=1)


class PlainUSR(nn.Module):
    """PlainUSR-U: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, not clipped.

    Three blocks change the first channels of the features: ``channels``, ``mid_channels`` with attention, and
    ``channels`` again. Three further channels carry the image from the first convolution to the last.
    ``form`` is ``inference`` (the published costs and checkpoints) or ``training``; `fold` of
    ``baselines.reparameterization`` makes the first from the second.
    """

    def __init__(
        self, scale: int = 4, *, channels: int = 16, mid_channels: int = 8, form: Form = "inference"
    ) -> None:
        super().__init__()
        self.head = nn.Conv2d(COLOURS, channels + COLOURS, 3, padding=1)
        self.blocks = nn.Sequential(
            PartialBlock(channels, form),
            PartialBlock(mid_channels, form, attention=True),
            PartialBlock(channels, form),
        )
        last = nn.Conv2d(channels + COLOURS, COLOURS * scale**2, 3, padding=1)
        self.upsample = nn.Sequential(last, nn.PixelShuffle(scale))
        with torch.no_grad():  # so that an untrained network starts near the nearest-neighbour enlargement
            for channel in range(COLOURS * scale**2):
                last.weight[channel, channels + channel // scale**2, 1, 1] += 1
            for colour in range(COLOURS):
                self.head.weight[channels + colour, colour, 1, 1] += 1

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        return self.upsample(self.blocks(self.head(image)))
