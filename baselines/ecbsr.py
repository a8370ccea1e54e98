"""ECBSR, a plain network of edge-oriented convolution blocks for mobile devices (ACM Multimedia 2021).

``MxCy`` in its names counts the blocks between the first and the last and their channels. The paper's own
networks see luma alone; the public checkpoints (of arXiv 2303.01717's comparison) are of the RGB version that
is built here.
"""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from baselines.reparameterization import BranchKind, Form, MultiBranchConv

_BRANCHES: tuple[BranchKind, ...] = ("3x3", "1x1-3x3", "sobel-x", "sobel-y", "laplacian")


def edge_oriented_convolution(in_channels: int, out_channels: int, form: Form) -> nn.Module:
    """The block without its activation: five branches for training, one 3x3 convolution for inference."""
    if form == "training":
        return MultiBranchConv(in_channels, out_channels, _BRANCHES)
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)


class ECBSR(nn.Module):
    """ECBSR: RGB ``(N, 3, H, W)`` in 0..1 to ``(N, 3, scale * H, scale * W)``, not clipped.

    ``form`` is ``inference`` (the published costs and checkpoints) or ``training``; `fold` of
    ``baselines.reparameterization`` makes the first from the second. The network adds to the
    nearest-neighbour enlargement of its input.
    """

    def __init__(
        self, scale: int = 4, *, channels: int = 16, blocks: int = 4, form: Form = "inference"
    ) -> None:
        super().__init__()
        self.scale = scale
        widths = (3, *[channels] * (blocks + 1))
        self.blocks = nn.Sequential(
            *(
                nn.Sequential(edge_oriented_convolution(a, b, form), nn.PReLU(b))
                for a, b in itertools.pairwise(widths)
            )
        )
        self.last = edge_oriented_convolution(channels, 3 * scale**2, form)
        self.shuffle = nn.PixelShuffle(scale)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``."""
        nearest = image.repeat_interleave(self.scale**2, dim=1)
        return self.shuffle(self.last(self.blocks(image)) + nearest)
