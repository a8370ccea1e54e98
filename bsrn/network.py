"""BSRN and BSRN-S: shallow features, distillation blocks, multi-layer fusion, sub-pixel upsampling.

Both take RGB in 0..1, ``(N, 3, H, W)``, and give ``(N, 3, scale * H, scale * W)``, not clipped. H and W
are at least ``bsrn.attention.MIN_INPUT``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from bsrn.attention import CCA, ESA, ChannelScale
from bsrn.convolutions import ConvKind, conv3x3, pointwise

Attention = Literal["esa-cca", "cca-esa", "parallel", "esa", "cca", "none"]
"""Which attentions a block has and in which order; ``parallel`` is the mean of both results. ``esa-cca`` is
the network as published, the others are ablations."""

Activation = Literal["gelu", "relu", "leaky-relu"]
"""The non-linearity. ``gelu`` is the network as published, the others are ablations; ``leaky-relu`` has the
slope 0.05 of RFDN and IMDN."""


def activation_of(name: Activation) -> Callable[[], nn.Module]:
    """What builds a non-linearity. Raises ``ValueError`` for an unknown one."""
    match name:
        case "gelu":
            return nn.GELU
        case "relu":
            return nn.ReLU
        case "leaky-relu":
            return lambda: nn.LeakyReLU(0.05)
    raise ValueError(f"unknown activation {name!r}: choose one of {', '.join(get_args(Activation))}")


class ESDB(nn.Module):
    """Efficient separable distillation block: ``spatial`` is ESA, ``channel`` CCA or its substitute.

    Three stages each keep half of the channels by a 1x1 convolution (``distill``) and refine the whole
    by a separable 3x3 convolution with a residual (``refine``); a last separable convolution, the
    fusion of the four parts, and the attentions follow. The block adds its input to its output.

    Takes and gives ``(N, channels, H, W)``.
    """

    def __init__(
        self,
        channels: int,
        *,
        conv: ConvKind,
        spatial: nn.Module,
        channel: nn.Module,
        attention: Attention = "esa-cca",
        activation: Activation = "gelu",
        linear: bool = False,
    ) -> None:
        super().__init__()
        if attention not in get_args(Attention):
            known = ", ".join(get_args(Attention))
            raise ValueError(f"unknown attention {attention!r}: choose one of {known}")
        kept = channels // 2
        self.distill = nn.ModuleList(pointwise(channels, kept, linear=linear) for _ in range(3))
        self.refine = nn.ModuleList(conv3x3(conv, channels, channels) for _ in range(3))
        self.last = conv3x3(conv, channels, kept)
        self.activation = activation_of(activation)()
        self.fuse = pointwise(4 * kept, channels, linear=linear)
        self.attention = attention
        self.spatial = spatial if attention not in ("cca", "none") else nn.Identity()
        self.channel = channel if attention not in ("esa", "none") else nn.Identity()

    def attend(self, x: Tensor) -> Tensor:
        """The attentions in their order: ``(N, channels, H, W)`` to the same shape."""
        match self.attention:
            case "cca-esa":
                return self.spatial(self.channel(x))
            case "parallel":
                return (self.spatial(x) + self.channel(x)) / 2
        return self.channel(self.spatial(x))

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        features, parts = x, []
        for distill, refine in zip(self.distill, self.refine, strict=True):
            parts.append(self.activation(distill(features)))
            features = self.activation(refine(features) + features)
        parts.append(self.activation(self.last(features)))
        fused = self.fuse(torch.cat(parts, dim=1))
        return self.attend(fused) + x


class SeparableDistillationNetwork(nn.Module):
    """What BSRN and BSRN-S share: everything around the blocks.

    The image is repeated ``copies`` times along the channels before the first convolution.
    """

    copies = 4

    def __init__(
        self,
        blocks: list[ESDB],
        channels: int,
        *,
        scale: int,
        conv: ConvKind,
        activation: Activation = "gelu",
        linear: bool = False,
    ) -> None:
        super().__init__()
        self.scale = scale
        self.head = conv3x3(conv, 3 * self.copies, channels)
        self.blocks = nn.ModuleList(blocks)
        self.fuse = pointwise(len(blocks) * channels, channels, linear=linear)
        self.activation = activation_of(activation)()
        self.tail = conv3x3(conv, channels, channels)
        self.upsample = nn.Sequential(nn.Conv2d(channels, 3 * scale**2, 3, padding=1), nn.PixelShuffle(scale))

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        shallow = self.head(torch.cat([image] * self.copies, dim=1))
        features, outputs = shallow, []
        for block in self.blocks:
            features = block(features)
            outputs.append(features)
        deep = self.tail(self.activation(self.fuse(torch.cat(outputs, dim=1))))
        return self.upsample(deep + shallow)


class BSRN(SeparableDistillationNetwork):
    """BSRN as published: 64 channels, 8 blocks, BSConv-U everywhere, ESA then CCA.

    For ablations, ``conv`` replaces every separable 3x3 convolution of the network, those inside ESA
    included, ``attention`` the attentions of every block, and ``activation`` every non-linearity but the
    ReLU inside CCA.
    """

    def __init__(
        self,
        scale: int = 4,
        *,
        channels: int = 64,
        blocks: int = 8,
        conv: ConvKind = "bsconv",
        attention: Attention = "esa-cca",
        activation: Activation = "gelu",
    ) -> None:
        super().__init__(
            [
                ESDB(
                    channels,
                    conv=conv,
                    spatial=ESA(channels, channels // 4, conv=conv, activation=activation_of(activation)),
                    channel=CCA(channels),
                    attention=attention,
                    activation=activation,
                )
                for _ in range(blocks)
            ],
            channels,
            scale=scale,
            conv=conv,
            activation=activation,
        )


class BSRNS(SeparableDistillationNetwork):
    """BSRN-S, the NTIRE 2022 entry (sub-track 1): 48 channels, 5 blocks, learned channel scale.

    Its 1x1 convolutions are linear layers, and the strided convolution inside ESA stays a plain one.
    """

    def __init__(self, scale: int = 4, *, channels: int = 48, blocks: int = 5) -> None:
        conv: ConvKind = "bsconv-linear"
        super().__init__(
            [
                ESDB(
                    channels,
                    conv=conv,
                    spatial=ESA(
                        channels,
                        channels // 4,
                        conv=conv,
                        strided_conv="conv",
                        linear=True,
                        activation=nn.GELU,
                    ),
                    channel=ChannelScale(channels),
                    linear=True,
                )
                for _ in range(blocks)
            ],
            channels,
            scale=scale,
            conv=conv,
            linear=True,
        )
