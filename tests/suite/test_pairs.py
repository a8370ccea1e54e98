"""The difference of two networks on the same images, and when it is one."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from suite.errors import SuiteError
from suite.pairs import difference, image_figures
from suite.records import Record, Value

EASY_AND_HARD = [24.0, 26.0, 28.0, 30.0, 33.0, 36.0, 41.0]


def record(psnr: Sequence[float], model: str = "net", **fields: object) -> Record:
    """A record of quality with one image a figure, ``image0`` and so on; SSIM is a fiftieth of PSNR."""
    values = [
        Value("psnr", math.fsum(psnr) / len(psnr), "dB"),
        Value("ssim", math.fsum(psnr) / 50 / len(psnr)),
    ]
    for number, figure in enumerate(psnr):
        values += [Value("psnr", figure, "dB", image=f"image{number}")]
        values += [Value("ssim", figure / 50, image=f"image{number}")]
    plain = Record(
        *("key", "quality", model, 4, "official", "eager", "cpu", "fp32", 2),
        dataset="Set14",
        protocol="sr-y",
        values=tuple(values),
        details={"dataset": {"digest": "a1"}},
    )
    return replace(plain, **fields)  # type: ignore[arg-type]


def better_by(gains: Sequence[float]) -> Record:
    return record([figure + gain for figure, gain in zip(EASY_AND_HARD, gains, strict=True)])


def test_a_small_gain_on_every_image_is_told_from_images_that_differ_much() -> None:
    found = difference(better_by([0.03] * 7), record(EASY_AND_HARD), "psnr")
    assert (found.mean, found.lower, found.upper) == pytest.approx((0.03, 0.03, 0.03))
    assert (found.images, found.verdict) == (7, "better")


def test_the_same_gain_with_losses_in_between_is_not_told_apart() -> None:
    found = difference(better_by([0.5, -0.4, 0.3, -0.3, 0.2, -0.29, 0.2]), record(EASY_AND_HARD), "psnr")
    assert found.mean == pytest.approx(0.03)
    assert found.lower < 0 < found.upper
    assert found.verdict == "not told apart"


def test_the_order_of_the_two_turns_the_sign() -> None:
    mine, reference = better_by([0.1, 0.2, 0.1, 0.3, 0.1, 0.2, 0.1]), record(EASY_AND_HARD)
    forth, back = difference(mine, reference, "psnr"), difference(reference, mine, "psnr")
    assert back.mean == pytest.approx(-forth.mean)
    assert (forth.verdict, back.verdict) == ("better", "worse")


def test_a_network_and_itself_are_not_told_apart() -> None:
    found = difference(record(EASY_AND_HARD), record(EASY_AND_HARD), "psnr")
    assert (found.mean, found.lower, found.upper, found.verdict) == (0, 0, 0, "not told apart")


@pytest.mark.parametrize(("images", "verdict"), [(1, "too few images"), (5, "too few images"), (6, "better")])
def test_fewer_than_six_images_have_no_verdict(images: int, verdict: str) -> None:
    figures = EASY_AND_HARD[:images]
    found = difference(record([figure + 1 for figure in figures]), record(figures), "psnr")
    assert found.mean == pytest.approx(1)
    assert found.verdict == verdict


def test_each_metric_has_its_own_difference() -> None:
    found = difference(better_by([0.5] * 7), record(EASY_AND_HARD), "ssim")
    assert (found.metric, found.mean) == ("ssim", pytest.approx(0.01))


def test_images_are_paired_by_name_not_by_order() -> None:
    mine = better_by([0.03] * 7)
    shuffled = replace(mine, values=tuple(reversed(mine.values)))
    assert difference(shuffled, record(EASY_AND_HARD), "psnr").upper == pytest.approx(0.03)


def test_the_figure_of_the_set_is_not_one_of_an_image() -> None:
    assert image_figures(record([30.0, 32.0]), "psnr") == {"image0": 30.0, "image1": 32.0}


@pytest.mark.parametrize(
    "changes",
    [
        {"protocol": "ntire-rgb"},
        {"scale": 2},
        {"measure": "other"},
        {"details": {"dataset": {"digest": "b2"}}},
        {"details": {}},
        {"values": (), "not_measured": "bad luck"},
    ],
)
def test_unlike_records_are_refused(changes: Mapping[str, object]) -> None:
    other = record(EASY_AND_HARD, model="other", **changes)
    with pytest.raises(SuiteError, match="net and other were not measured on the same images"):
        difference(record(EASY_AND_HARD), other, "psnr")


def test_without_digests_the_name_of_the_set_counts() -> None:
    mine, other = (record(EASY_AND_HARD, details={}) for _ in range(2))
    assert difference(mine, other, "psnr").mean == 0
    with pytest.raises(SuiteError, match="7 images of Set14 x4 under sr-y, 7 images of B100 x4 under sr-y"):
        difference(mine, replace(other, dataset="B100"), "psnr")


def test_more_images_in_one_record_are_refused() -> None:
    with pytest.raises(SuiteError, match="7 images of Set14 x4 under sr-y, 6 images of Set14"):
        difference(record(EASY_AND_HARD), record(EASY_AND_HARD[:6]), "psnr")


def test_an_image_that_one_of_them_gives_back_whole_has_no_finite_difference() -> None:
    perfect = [math.inf, *EASY_AND_HARD[1:]]
    with pytest.raises(SuiteError, match="image0 of Set14 is without error for net or other alone"):
        difference(record(perfect), record(EASY_AND_HARD, model="other"), "psnr")
    assert difference(record(perfect), record(perfect), "psnr").mean == 0  # both: no difference
