"""A large image in tiles: where they lie, how they are joined, how far the result is from the whole."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor, nn

from suite.backends import prepare
from suite.catalog import model_card
from suite.errors import SuiteError, UsageError
from suite.task import Subject
from suite.tiling import Tiling, run_tiled, starts
from suite.upscaling import to_levels, to_tensor
from suite.weights import find_weights

IMAGE = torch.rand((2, 3, 37, 53), generator=torch.manual_seed(0))


@pytest.mark.parametrize("tiling", [Tiling(16, 4), Tiling(16, 8), Tiling(2, 1), Tiling(33, 5)])
@pytest.mark.parametrize("size", [1, 2, 15, 16, 17, 18, 29, 31, 64, 65, 100])
def test_tiles_cover_a_side_and_share_what_they_must(size: int, tiling: Tiling) -> None:
    begins = starts(size, tiling)
    assert begins[0] == 0
    assert begins[-1] == max(0, size - tiling.tile)
    steps = np.diff(begins)
    assert (steps <= tiling.tile - tiling.overlap).all()
    assert len(steps) < 2 or steps.min() >= tiling.overlap / 2, "three tiles must not blend at one pixel"


@pytest.mark.parametrize(("tile", "overlap"), [(16, 9), (1, 1), (8, 0)])
def test_a_tile_is_twice_the_overlap_at_least(tile: int, overlap: int) -> None:
    with pytest.raises(UsageError, match=f"--tile {tile} must be at least twice --overlap {overlap}"):
        Tiling(tile, overlap)


class Local(nn.Module):
    """A network that sees two pixels to each side, and says what sizes it was shown."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.body = nn.Sequential(nn.Conv2d(3, 12, 5, padding=2), nn.PixelShuffle(2))
        self.sizes: set[tuple[int, ...]] = set()

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        self.sizes.add(tuple(image.shape[-2:]))
        return self.body(image)


@pytest.mark.parametrize("tiling", [Tiling(20, 8), Tiling(16, 8), Tiling(36, 10), Tiling(24, 9)])
def test_a_network_that_sees_less_than_a_quarter_of_the_overlap_is_not_changed(tiling: Tiling) -> None:
    network = Local()
    tiled = run_tiled(network, IMAGE, 2, tiling)
    assert network.sizes == {(tiling.tile, tiling.tile)}
    assert tiled.tiles == len(starts(37, tiling)) * len(starts(53, tiling)) > 1
    torch.testing.assert_close(tiled.output, network(IMAGE), rtol=0, atol=1e-6)
    assert tiled.seam < 1e-6


def test_an_image_that_is_no_larger_is_one_tile() -> None:
    network = Local()
    tiled = run_tiled(network, IMAGE, 2, Tiling(53, 8))
    assert (tiled.tiles, tiled.seam, network.sizes) == (1, 0.0, {(37, 53)})
    assert torch.equal(tiled.output, network(IMAGE))


def test_a_side_that_is_shorter_than_a_tile_is_not_cut() -> None:
    network = Local()
    tiled = run_tiled(network, IMAGE, 2, Tiling(40, 8))
    assert (tiled.tiles, network.sizes) == (2, {(37, 40)})
    torch.testing.assert_close(tiled.output, network(IMAGE), rtol=0, atol=1e-6)


def test_tiles_that_differ_pass_into_one_another_and_say_by_how_much() -> None:
    # Each tile is one value, that of its call: 0, 1, 2 from left to right.
    calls = iter(range(9))
    image = torch.zeros(1, 1, 16, 40)
    tiled = run_tiled(lambda x: torch.full_like(x, next(calls)), image, 1, Tiling(16, 4))
    row = tiled.output[0, 0, 0]
    assert (tiled.tiles, tiled.seam) == (3, 1.0)
    # Tiles begin at 0, 12 and 24 and share 4; two of these are blended by 1/4 and 3/4.
    expected = [0.0] * 13 + [0.25, 0.75] + [1.0] * 10 + [1.25, 1.75] + [2.0] * 13
    assert row.tolist() == expected
    assert (tiled.output == row).all()


def test_a_network_that_does_not_scale_a_tile_is_refused() -> None:
    with pytest.raises(SuiteError, match=r"gave \(2, 3, 16, 16\) for a tile of 16x16 pixels at x2"):
        run_tiled(lambda x: x, IMAGE, 2, Tiling(16, 4))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bicubic", "imdn", "rfdn", "bsrn-s", "bsrn"])
def test_tiles_are_not_seen_in_a_photograph(name: str) -> None:
    # A level is visible at best; the root of the mean square must stay far below it.
    card = model_card(name)
    forward = prepare(Subject(card, 4, find_weights(card, 4, Path("nowhere"))))
    image = to_tensor(skimage.data.astronaut()[:128, :128], card.input.range)
    whole = to_levels(forward(image), card.input.range)
    tiled = run_tiled(forward, image, 4, Tiling(96))
    difference = to_levels(tiled.output, card.input.range).astype(np.float64) - whole
    assert tiled.tiles == 4
    assert np.sqrt(np.mean(difference**2)) < 0.3
    assert np.quantile(np.abs(difference), 0.99) < 1
