"""What every catalogued model and dataset must fulfil: a new card is tested by being there."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest
import torch

from suite.catalog import DATASETS, MODELS, DatasetCard, ModelCard, dataset_card, model_card
from suite.errors import UsageError
from suite.weights import build

MODEL_CARDS = [pytest.param(card, id=card.name) for card in MODELS.values()]
DATASET_CARDS = [pytest.param(card, id=card.name) for card in DATASETS.values()]
NETWORKS = [
    pytest.param(card, scale, id=f"{card.name}-x{scale}") for card in MODELS.values() for scale in card.scales
]


def image(card: ModelCard, *size: int) -> torch.Tensor:
    """A smooth image with noise in the card's value range, of a quarter of the size where the card allows.

    Networks on the HR grid would take seconds otherwise.
    """
    height, width = size[-2:]
    if card.input.min_size == 1:
        height, width = -(-height // 4), -(-width // 4)
    ramp = torch.linspace(0.2, 0.7, height)[:, None] + torch.linspace(0, 0.1, width)
    noise = torch.rand((*size[:-2], card.input.channels, height, width), generator=torch.manual_seed(0))
    return (ramp + 0.2 * noise) * card.input.range


# Networks


@pytest.mark.parametrize(("card", "scale"), NETWORKS)
@pytest.mark.parametrize(("height", "width"), [(17, 23), (24, 15)])
def test_a_network_upscales_images_of_odd_sizes(card: ModelCard, scale: int, height: int, width: int) -> None:
    with torch.inference_mode():
        given = image(card, 1, height, width)
        output = build(card, scale)(given)
    height, width = given.shape[-2:]
    assert output.shape == (1, card.input.channels, scale * height, scale * width)
    assert output.dtype == torch.float32
    assert torch.isfinite(output).all()


@pytest.mark.parametrize(("card", "scale"), NETWORKS)
def test_a_network_takes_its_smallest_size(card: ModelCard, scale: int) -> None:
    size = card.input.min_size
    with torch.inference_mode():
        build(card, scale)(image(card, 1, size, size))


@pytest.mark.parametrize(
    ("card", "scale"), [network for network in NETWORKS if network.values[0].input.min_size > 1]
)
def test_a_network_fails_below_its_smallest_size(card: ModelCard, scale: int) -> None:
    size = card.input.min_size
    with pytest.raises(RuntimeError), torch.inference_mode():
        build(card, scale)(image(card, 1, size - 1, size + 9))


@pytest.mark.parametrize(("card", "scale"), NETWORKS)
def test_images_of_a_batch_do_not_see_one_another(card: ModelCard, scale: int) -> None:
    network, batch = build(card, scale), image(card, 3, 16, 19)
    with torch.inference_mode():
        together = network(batch)
        alone = torch.cat([network(one[None]) for one in batch])
    tolerance = 1e-5 * card.input.range
    torch.testing.assert_close(together, alone, rtol=1e-5, atol=tolerance)
    assert not torch.allclose(together[0], together[1], atol=tolerance)


@pytest.mark.parametrize(("card", "scale"), NETWORKS)
def test_a_network_keeps_nothing_between_calls(card: ModelCard, scale: int) -> None:
    network, first, other = build(card, scale), image(card, 1, 16, 19), 0.5 * image(card, 1, 21, 17)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with torch.inference_mode():
        once = network(first)
        network(other)
        again = network(first)
    assert torch.equal(once, again)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(("card", "scale"), NETWORKS)
def test_a_network_leaves_its_input_alone(card: ModelCard, scale: int) -> None:
    given = image(card, 1, 16, 19)
    kept = given.clone()
    with torch.inference_mode():
        build(card, scale)(given)
    assert torch.equal(given, kept)


# Model cards


@pytest.mark.parametrize("card", MODEL_CARDS)
def test_a_model_card_is_complete(card: ModelCard) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9-]*", card.name)
    assert card.title
    assert card.citation
    assert 1980 < card.year < 2100
    assert card.scales == tuple(sorted(set(card.scales)))
    assert card.needs_weights == bool(build(card, card.scales[0]).state_dict())


@pytest.mark.parametrize(
    ("card", "scale"),
    [
        pytest.param(card, scale, id=f"{card.name}-x{scale}")
        for card in MODELS.values()
        for scale in card.official
    ],
)
def test_an_official_checkpoint_is_described(card: ModelCard, scale: int) -> None:
    checkpoint = card.official[scale]
    assert scale in card.scales
    assert re.fullmatch(r"[0-9a-f]{64}", checkpoint.sha256)
    path = PurePosixPath(checkpoint.path)
    assert not path.is_absolute()
    assert ".." not in path.parts
    assert checkpoint.source.startswith("https://")
    assert checkpoint.licence


def test_official_files_are_not_shared_by_accident() -> None:
    digests = [checkpoint.sha256 for card in MODELS.values() for checkpoint in card.official.values()]
    paths = [checkpoint.path for card in MODELS.values() for checkpoint in card.official.values()]
    assert len(set(digests)) == len(set(paths))


@pytest.mark.parametrize("cards", [MODELS, DATASETS], ids=["models", "datasets"])
def test_names_are_unique_whatever_their_case(cards: dict[str, ModelCard | DatasetCard]) -> None:
    assert all(card.name == name for name, card in cards.items())
    assert len({name.lower() for name in cards}) == len(cards)
    assert len({card.title for card in cards.values()}) == len(cards)


@pytest.mark.parametrize(("name", "meant"), [("bsrm", "bsrn"), ("BSRN", "bsrn"), ("bicubc", "bicubic")])
def test_an_unknown_model_is_answered_with_the_nearest(name: str, meant: str) -> None:
    with pytest.raises(UsageError, match=f"unknown model '{name}': did you mean '{meant}'"):
        model_card(name)


def test_a_name_like_no_other_is_answered_with_all() -> None:
    with pytest.raises(UsageError, match=r"unknown model '#': known: .*bsrn"):
        model_card("#")


# Dataset cards


@pytest.mark.parametrize("card", DATASET_CARDS)
def test_a_dataset_card_is_complete(card: DatasetCard) -> None:
    assert card.citation
    assert (card.folder is None) == bool(card.package_images)
    assert card.images > 0
    assert not card.package_images or len(card.package_images) == card.images
    assert card.digests.keys() == set(card.scales)
    assert all(re.fullmatch(r"[0-9a-f]{64}", digest) for digest in card.digests.values())


@pytest.mark.parametrize("card", DATASET_CARDS)
def test_a_dataset_is_found_in_any_case(card: DatasetCard) -> None:
    assert dataset_card(card.name.upper()) is dataset_card(card.name.lower()) is card
