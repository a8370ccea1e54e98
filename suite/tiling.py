"""A large image through a network in squares, so that memory is bounded by the square and not by the image.

The squares overlap. Near an edge that is none of the image a square lacks surroundings, so its outer pixels
are dropped, and the change from one square to the next is gradual. What a network computes from the whole
image (the mask of ESA, the means of CCA) it computes from each square: squares then differ where they meet,
and by how much is measured on the way, for nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.allocator import largest_returned
from suite.backends import Forward
from suite.catalog.cards import Reach
from suite.errors import SuiteError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

DEFAULT_OVERLAP = 32

LARGE = 2**19
"""Pixels of the output up to which an image is evaluated whole, whatever the network."""


@dataclass(frozen=True, slots=True)
class Tiling:
    """How an image is cut, in pixels of the input."""

    tile: int
    """Side of the squares that the network sees."""
    overlap: int = DEFAULT_OVERLAP
    """Pixels that neighbours share at least. In the middle half of what they share one passes into the
    other; the outer quarters are dropped."""

    def __post_init__(self) -> None:
        if self.overlap < 1 or self.tile < 2 * self.overlap:
            raise UsageError(
                f"--tile {self.tile} must be at least twice --overlap {self.overlap}, "
                "and the overlap at least 1."
            )


@dataclass(frozen=True, slots=True)
class Tiled:
    """An output that was put together."""

    output: Tensor
    """``(N, C, scale * H, scale * W)`` float32 on the CPU."""
    tiles: int
    seam: float
    """Largest difference of two neighbours at a pixel that both contribute to, in the output's own values;
    0 for a single tile."""


def starts(size: int, tiling: Tiling) -> list[int]:
    """Where the squares begin along a side of ``size`` pixels: evenly spread, the last ends at the edge.

    >>> starts(300, Tiling(128, 32))
    [0, 86, 172]
    >>> starts(100, Tiling(128, 32))
    [0]
    """
    if size <= tiling.tile:
        return [0]
    gaps = -(-(size - tiling.overlap) // (tiling.tile - tiling.overlap)) - 1
    return [number * (size - tiling.tile) // gaps for number in range(gaps + 1)]


def run_tiled(forward: Forward, image: Tensor, scale: int, tiling: Tiling) -> Tiled:
    """``forward`` on a ``(N, C, H, W)`` image square by square.

    All squares have one size, cut short only where the image itself is smaller. Raises `SuiteError` if the
    network does not give ``scale`` times a square.
    """
    import torch

    height, width = image.shape[-2:]
    rows, columns = starts(height, tiling), starts(width, tiling)
    tile_height, tile_width = min(height, tiling.tile), min(width, tiling.tile)
    blend = max(1, tiling.overlap * scale // 2)
    output = strip = torch.empty(0)
    seam = 0.0
    for row, top in enumerate(rows):
        for column, left in enumerate(columns):
            part = forward(image[..., top : top + tile_height, left : left + tile_width]).float().cpu()
            if part.shape[-2:] != (scale * tile_height, scale * tile_width):
                raise SuiteError(
                    f"the network gave {tuple(part.shape)} for a tile of {tile_width}x{tile_height} pixels "
                    f"at x{scale}: it cannot be run in tiles."
                )
            if column == 0:
                strip = part.new_empty(*part.shape[:-1], scale * width)
            shared = columns[column - 1] + tile_width - left if column else 0
            seam = max(seam, _lay(strip, part, scale * left, scale * shared, blend, dim=-1))
        if row == 0:
            output = strip.new_empty(*strip.shape[:-2], scale * height, scale * width)
        shared = rows[row - 1] + tile_height - top if row else 0
        seam = max(seam, _lay(output, strip, scale * top, scale * shared, blend, dim=-2))
    return Tiled(output, len(rows) * len(columns), seam)


def blocks_along(size: int, side: int, halo: int) -> list[tuple[int, int, int, int]]:
    """Blocks of at most ``side`` pixels along ``size`` pixels: first, end, first shown, how many are shown.

    All are shown with equally many, as far as the image reaches: a network then asks for blocks of memory of
    the same sizes again and again, and finds those that it has freed.

    >>> blocks_along(100, 40, 10)
    [(0, 34, 0, 54), (34, 68, 24, 54), (68, 100, 46, 54)]
    >>> blocks_along(30, 40, 10)
    [(0, 30, 0, 30)]
    """
    block = -(-size // -(-size // side))
    shown = min(block + 2 * halo, size)
    return [
        (begin, min(begin + block, size), min(max(begin - halo, 0), size - shown), shown)
        for begin in range(0, size, block)
    ]


def in_blocks(forward: Forward, image: Tensor, scale: int, side: int, halo: int) -> Tensor:
    """``forward`` on a ``(N, C, H, W)`` image in blocks of at most ``side``, with ``halo`` pixels around.

    The result, ``(N, C, scale * H, scale * W)`` float32 on the CPU, is that of the whole image, up to the
    order in which numbers are added up, if no output pixel sees further than ``halo`` pixels of the input. At
    the edges of the image a block has the image's own border.

    Raises `SuiteError` if the network does not give ``scale`` times a block.
    """
    import torch

    height, width = image.shape[-2:]
    output = torch.empty(0)
    for top, lower, upper, tall in blocks_along(height, side, halo):
        for left, right, outer, wide in blocks_along(width, side, halo):
            shown = image[..., upper : upper + tall, outer : outer + wide]
            part = forward(shown).float().cpu()
            if part.shape[-2:] != (scale * shown.shape[-2], scale * shown.shape[-1]):
                raise SuiteError(
                    f"the network gave {tuple(part.shape)} for {tuple(shown.shape)} at x{scale}."
                )
            if not output.numel():
                output = part.new_empty(*part.shape[:-2], scale * height, scale * width)
            output[..., scale * top : scale * lower, scale * left : scale * right] = part[
                ...,
                scale * (top - upper) : scale * (lower - upper),
                scale * (left - outer) : scale * (right - outer),
            ]
    return output


@dataclass(slots=True)
class Cut:
    """What went through a network in blocks."""

    side: int
    """Of a block, in pixels of the input."""
    halo: int
    """What was shown around it, in pixels of the input."""
    images: int = 0


class Bounded:
    """A network as a function whose memory does not grow with the image, where its card says how far it sees.

    An image whose output has more than `LARGE` pixels goes through it by `in_blocks`; ``cut`` counts them.
    """

    def __init__(self, forward: Forward, scale: int, reach: Reach | None) -> None:
        self._forward, self._scale, self._whole = forward, scale, reach is None
        self.cut = Cut(max(reach.block // scale, 1), reach.halo(scale)) if reach else Cut(0, 0)

    def __call__(self, image: Tensor) -> Tensor:
        """``(N, C, H, W)`` to ``(N, C, scale * H, scale * W)``."""
        if self._whole or image.shape[-2] * image.shape[-1] * self._scale**2 <= LARGE:
            return self._forward(image)
        self.cut.images += 1
        with largest_returned():
            return in_blocks(self._forward, image, self._scale, self.cut.side, self.cut.halo)


def _lay(canvas: Tensor, part: Tensor, begin: int, shared: int, blend: int, dim: int) -> float:
    """Put a part at its place in a canvas; its first ``shared`` positions are there already, from its
    neighbour. In the middle ``blend`` of them the neighbour passes linearly into the part.

    Gives the largest difference of the two within ``blend``.
    """
    import torch

    size, kept, seam = part.shape[dim], 0, 0.0
    if shared:
        first = (shared - blend) // 2
        old, new = canvas.narrow(dim, begin + first, blend), part.narrow(dim, first, blend)
        seam = (old - new).abs().max().item()
        ramp = (torch.arange(blend, dtype=torch.float32) + 0.5) / blend
        old.lerp_(new, ramp if dim == -1 else ramp[:, None])
        kept = first + blend
    canvas.narrow(dim, begin + kept, size - kept).copy_(part.narrow(dim, kept, size - kept))
    return seam
