"""Large images through deep networks in blocks: exact, and only where it is needed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from suite import tiling
from suite.catalog import MODELS
from suite.catalog.cards import ModelCard, Reach
from suite.datasets import open_dataset
from suite.errors import SuiteError
from suite.measures.quality import run
from suite.task import Subject, Task
from suite.tiling import Bounded, Cut, in_blocks
from suite.weights import NO_WEIGHTS, Weights, build

NARROW = {"lapar-a": {"channels": 2, "filters": 6}}
"""Fewer channels see as far and take no time."""
REACHING = [card for card in MODELS.values() if card.reach]


@pytest.fixture(params=REACHING, ids=lambda card: card.name)
def card(request: pytest.FixtureRequest) -> ModelCard:
    found: ModelCard = request.param
    return found


def narrow(card: ModelCard, scale: int, channels: int = 2) -> nn.Module:
    """The network of a card with few channels and positive weights, so that every input has an effect."""
    arguments = NARROW.get(card.name, {"channels": channels})
    network = build(dataclasses.replace(card, arguments=arguments), scale).double()
    generator = torch.Generator().manual_seed(0)
    for parameter in network.parameters():
        parameter.uniform_(0.5, 1.0, generator=generator).div_(
            parameter[0].numel() if parameter.ndim > 1 else 1
        )
    return network


@pytest.mark.parametrize("scale", [3, 4])
def test_no_output_sees_further_than_the_card_says(card: ModelCard, scale: int) -> None:
    assert card.reach
    halo = card.reach.halo(scale)
    network = narrow(card, scale)
    side = 2 * halo + 5
    image = torch.full((1, card.input.channels, 9, side), 0.5, dtype=torch.float64, requires_grad=True)
    middle = side // 2
    columns = slice(scale * middle, scale * (middle + 1))
    network(image)[..., columns].sum().backward()
    seen = image.grad.abs().sum(dim=(0, 1, 2)).nonzero().flatten()  # type: ignore[union-attr]
    assert middle - halo <= seen.min() and seen.max() <= middle + halo
    # ... and the declaration is no guess: the network does see nearly as far.
    assert seen.max() >= middle + halo - 3


@pytest.mark.parametrize("size", [(70, 90), (31, 120)])
def test_blocks_give_what_the_whole_image_gives(card: ModelCard, size: tuple[int, int]) -> None:
    assert card.reach
    network = narrow(card, 4).float()
    image = torch.rand((1, card.input.channels, *size), generator=torch.Generator().manual_seed(1))
    whole, parts = network(image), in_blocks(network, image, 4, 20, card.reach.halo(4))
    assert whole.std() > 1e-3 * whole.abs().max()
    torch.testing.assert_close(parts / whole.abs().max(), whole / whole.abs().max(), rtol=0, atol=1e-5)


def test_a_halo_that_is_too_small_is_seen() -> None:
    network = nn.Conv2d(1, 1, 9, padding=4)
    image = torch.rand((1, 1, 400, 400), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        torch.testing.assert_close(in_blocks(network, image, 1, 96, 4), network(image))
        assert not torch.allclose(in_blocks(network, image, 1, 96, 3), network(image))


def test_small_images_and_other_networks_are_shown_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[tuple[int, ...]] = []

    def double(image: Tensor) -> Tensor:
        sizes.append(tuple(image.shape[-2:]))
        return image.repeat_interleave(2, -1).repeat_interleave(2, -2)

    monkeypatch.setattr(tiling, "LARGE", 4 * 100 * 100)
    small, large = torch.rand(1, 1, 100, 100), torch.rand(1, 1, 100, 101)
    never, bounded = Bounded(double, 2, None), Bounded(double, 2, Reach(3, 3, block=100))
    for image in (small, large):
        assert torch.equal(never(image), double(image))
        assert torch.equal(bounded(image), double(image))
    assert never.cut.images == 0
    assert bounded.cut == Cut(side=50, halo=6, images=1)
    assert {*sizes} == {
        (100, 100),
        (100, 101),
        (62, 46),
    }  # six blocks of one size, each shown with six around


def test_a_network_that_does_not_scale_is_refused() -> None:
    with pytest.raises(SuiteError, match="the network gave"):
        in_blocks(lambda image: image, torch.rand(1, 1, 8, 8), 2, 4, 1)


@pytest.fixture
def large(tmp_path: Path) -> Iterator[Path]:
    noise = np.random.default_rng(0).integers(0, 256, (11, 13, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((128, 96), Image.Resampling.BICUBIC).save(tmp_path / "a.png")
    yield tmp_path


def test_the_record_says_what_was_done_in_blocks(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = MODELS["srcnn"]
    task = Task(
        "quality",
        Subject(card, 4, Weights(NO_WEIGHTS)),
        open_dataset(f"large={large}", 4, large),
        "large",
        "sr-y",
    )
    (whole,) = run([task], lambda words: None)
    assert "blocks" not in whole.details
    reaching = dataclasses.replace(task.subject, card=dataclasses.replace(card, reach=Reach(2, 8, block=40)))
    monkeypatch.setattr(tiling, "LARGE", 96 * 128 - 1)
    (parts,) = run([dataclasses.replace(task, subject=reaching)], lambda words: None)
    assert parts.details["blocks"] == {"images": 1, "side": 10, "halo": 5}
    for one, other in zip(whole.values, parts.values, strict=True):
        assert one.value == pytest.approx(other.value, abs=1e-6)
