"""The protocol lens and the paired differences: as data, on the page and in the terminal."""

from __future__ import annotations

import io
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from reports.definitions import HEADLINE, PROTOCOLS, protocol_short
from reports.differences import build_differences
from reports.html import render
from reports.leaderboard import build
from reports.lens import build_lenses
from reports.quality import signed
from reports.quality_text import print_quality
from suite.records import Record, Value

Factory = Callable[..., list[Record]]
SHIFT = {"sr-y": 0.0, "matlab-y": -0.02, "ntire-rgb": -1.9, "full-y": -1.322, "y-uncropped": 0.004}


def with_images(record: Record, psnr: Sequence[float]) -> Record:
    """A record of quality whose images have the figures, with their mean; SSIM is a fiftieth of PSNR."""
    mean = math.fsum(psnr) / len(psnr)
    values = [Value("psnr", mean, "dB"), Value("ssim", mean / 50)]
    for number, figure in enumerate(psnr):
        values += [
            Value("psnr", figure, "dB", image=str(number)),
            Value("ssim", figure / 50, image=str(number)),
        ]
    return replace(record, values=tuple(values))


@pytest.fixture(scope="module")
def lens_records(make: Factory, models: SimpleNamespace) -> list[Record]:
    """Three networks on Set5 and Set14, each under five protocols, with 7 images."""
    made = make([models.bsrn, models.imdn, models.bicubic], ["quality"], protocols=list(SHIFT))
    base = {"bsrn": 32.3, "imdn": 32.2, "bicubic": 28.4}
    return [
        with_images(
            one,
            [
                base[one.model] + SHIFT[one.protocol] + k + (0.02 * k if one.model == "imdn" else 0)
                for k in range(7)
            ],
        )
        for one in made
    ]


def printed(records: list[Record], width: int = 100, terminal: bool = False) -> str:
    stream = io.StringIO()
    print_quality(records, Console(file=stream, width=width, force_terminal=terminal, color_system=None))
    return stream.getvalue()


# Leaderboard


def test_protocols_that_explain_have_no_columns(lens_records: list[Record]) -> None:
    table = build(lens_records).tables[0]
    assert {column.protocol for column in table.columns} == set(HEADLINE)
    assert not any("older left out" in note.text for note in table.notes)


def test_a_protocol_that_explains_has_columns_where_there_is_no_other(lens_records: list[Record]) -> None:
    only = [one for one in lens_records if one.protocol == "y-uncropped" or one.dataset == "Set14"]
    found = {(column.dataset, column.protocol) for column in build(only).tables[0].columns}
    assert found == {("Set5", "y-uncropped"), *(("Set14", protocol) for protocol in HEADLINE)}


def test_a_protocol_from_elsewhere_keeps_its_columns(lens_records: list[Record]) -> None:
    strange = [replace(r, protocol="mine", key=r.key + "m") for r in lens_records if r.protocol == "full-y"]
    protocols = {column.protocol for column in build([*lens_records, *strange]).tables[0].columns}
    assert protocols == {*HEADLINE, "mine"}


def test_every_protocol_says_in_a_few_words_what_is_special() -> None:
    words = [protocol_short(protocol) for protocol in PROTOCOLS]
    assert all(words) and len(set(words)) == len(words)
    assert protocol_short("mine") == ""


# Lens


def test_the_lens_holds_every_protocol_with_its_difference(lens_records: list[Record]) -> None:
    lens = build_lenses(lens_records)[4]
    assert [network.name for network in lens.networks] == [
        "BSRN, official",
        "IMDN, official",
        "Bicubic, no parameters",
    ]
    assert [block.dataset for block in lens.blocks] == ["Set5", "Set14"]
    rows = lens.blocks[0].rows
    assert [row.protocol for row in rows] == ["sr-y", "matlab-y", "ntire-rgb", "full-y", "y-uncropped"]
    found = {row.protocol: row.cells[0] for row in rows}
    assert (found["sr-y"].psnr, found["sr-y"].ssim) == ("35.30", "0.7060")
    assert found["sr-y"].psnr_difference == found["sr-y"].ssim_difference == ""
    assert (found["full-y"].psnr, found["full-y"].psnr_difference) == ("33.98", "\u22121.322")
    assert (found["full-y"].ssim, found["full-y"].ssim_difference) == ("0.6796", "\u22120.0264")
    assert found["y-uncropped"].psnr_difference == "+0.004"


def test_one_protocol_needs_no_lens(records: list[Record]) -> None:
    assert build_lenses(records) == {}
    assert build_lenses([]) == {}


def test_without_the_reference_there_are_figures_but_no_differences(lens_records: list[Record]) -> None:
    cells = build_lenses([r for r in lens_records if r.protocol != "sr-y"])[4].blocks[0].rows[0].cells
    assert [cell.psnr_difference for cell in cells] == [""] * 3 and all(cell.psnr for cell in cells)


def test_what_is_not_there_says_why(lens_records: list[Record]) -> None:
    first, *others = [r for r in lens_records if r.dataset == "Set5"]
    failed = replace(first, values=(), not_measured="a is too small.")
    dropped = next(r for r in others if r.model != first.model)
    lens = build_lenses([failed, *(r for r in others if r is not dropped)])[4]
    found = {cell.missing for row in lens.blocks[0].rows for cell in row.cells} - {""}
    assert found == {"not measured: a is too small.", "not asked for"}


def test_infinite_figures_have_no_difference(lens_records: list[Record]) -> None:
    perfect = [with_images(r, [math.inf] * 7) if r.protocol == "full-y" else r for r in lens_records]
    cell = build_lenses(perfect)[4].blocks[0].rows[3].cells[0]
    assert (cell.psnr, cell.psnr_difference) == ("\u221e", "")


def test_two_configurations_of_one_network_are_two_columns(
    lens_records: list[Record], machines: SimpleNamespace
) -> None:
    half = [replace(r, precision="fp16", key=r.key + "h") for r in lens_records if r.model == "bsrn"]
    names = [network.name for network in build_lenses([*lens_records, *half])[4].networks]
    assert len(names) == 4 and len(set(names)) == 4
    assert "BSRN, official, eager, cpu, fp16, 2 threads" in names
    elsewhere = [replace(r, environment=machines.second, key=r.key + "e") for r in lens_records]
    assert len({n.name for n in build_lenses([*lens_records, *elsewhere])[4].networks}) == 6


def test_two_copies_of_a_set_are_two_sets(lens_records: list[Record]) -> None:
    copy = [
        replace(
            r, key=r.key + "c", details=r.details | {"dataset": r.details["dataset"] | {"digest": "f" * 64}}
        )
        for r in lens_records
        if r.dataset == "Set5"
    ]
    names = [block.dataset for block in build_lenses([*lens_records, *copy])[4].blocks]
    assert len(names) == 3 and "Set5 (ffffffff)" in names


@pytest.mark.parametrize(
    ("value", "text"), [(0.0301, "+0.030"), (-0.0301, "\u22120.030"), (0.0, "0.000"), (-0.0001, "0.000")]
)
def test_differences_have_signs(value: float, text: str) -> None:
    assert signed(value, 3) == text


# Differences


def test_networks_are_compared_with_the_one_of_the_best_psnr(lens_records: list[Record]) -> None:
    blocks = build_differences(lens_records)[4]
    assert [(block.dataset, block.protocol) for block in blocks] == [
        (dataset, protocol) for dataset in ("Set5", "Set14") for protocol in HEADLINE
    ]
    first = blocks[0]
    assert (first.reference.title, first.images, first.few) == ("BSRN", 7, False)
    imdn, bicubic = first.rows
    # -0.1 + 0.02 k for k = 0 to 6: -0.1 to 0.02, mean -0.04
    assert (imdn.network.title, imdn.cells[0].text, imdn.cells[0].verdict) == ("IMDN", "\u22120.040", "worse")
    assert (bicubic.cells[0].text, bicubic.cells[0].interval) == ("\u22123.900", "\u22123.900 to \u22123.900")


def test_networks_that_win_and_lose_are_not_told_apart(lens_records: list[Record]) -> None:
    def change(r: Record) -> Record:
        gains = [0.3, -0.31, 0.2, -0.2, 0.25, -0.27, 0.01]
        return with_images(r, [32.3 + k + g for k, g in enumerate(gains)]) if r.model == "imdn" else r

    rows = build_differences([change(r) for r in lens_records if r.protocol == "sr-y"])[4][0].rows
    assert rows[0].cells[0].verdict == "not told apart"


def test_few_images_have_no_verdict(records: list[Record]) -> None:
    block = build_differences(records)[4][0]  # these have one image each
    assert block.few and {cell.verdict for row in block.rows for cell in row.cells} == {"too few images"}


def test_one_network_has_nothing_to_be_compared_with(lens_records: list[Record]) -> None:
    assert build_differences([r for r in lens_records if r.model == "bsrn"]) == {}


def test_a_network_on_other_images_says_so(lens_records: list[Record]) -> None:
    odd = [
        replace(r, values=tuple(v for v in r.values if v.image != "3")) if r.model == "imdn" else r
        for r in lens_records
    ]
    row = build_differences(odd)[4][0].rows[0]
    assert row.missing.startswith("not compared: imdn and bsrn were not measured on the same images")


# On the page and in the terminal


def test_the_page_shows_both(lens_records: list[Record]) -> None:
    page = render(lens_records, [])
    assert page.count('id="lens-x4"') == page.count('id="differences-x4"') == 1
    assert "\u22121.322" in page and "worse" in page and "With fewer than" not in page
    shuffled = list(lens_records)
    random.Random(0).shuffle(shuffled)
    assert render(shuffled, []) == page


def test_pages_without_them(records: list[Record], make: Factory, models: SimpleNamespace) -> None:
    assert 'id="lens-x4"' not in render(records, [])
    assert "With fewer than 6 images there is no verdict" in render(records, [])
    single = render(make([models.bsrn]), [])
    assert 'id="differences-x4"' not in single


def test_the_terminal_gets_both(lens_records: list[Record]) -> None:
    text = printed(lens_records)
    assert text.isascii()
    assert "Set5, sr-y, against BSRN, official (7 images):\n  IMDN, official: -0.040 [-0.0" in text
    assert "full-y       33.98 0.6796 -1.322" in text
    assert "\u22121.322" in printed(lens_records, terminal=True)
    assert printed([]) == ""


@pytest.mark.parametrize("width", [40, 60, 80, 160])
def test_narrow_terminals_get_the_lens_in_parts(lens_records: list[Record], width: int) -> None:
    lines = printed(lens_records, width).splitlines()
    assert max(map(len, lines)) <= width
    assert sum("33.98 0.6796" in line for line in lines) == 2  # BSRN on two sets, whole


def test_a_reason_stands_below_the_lens(lens_records: list[Record]) -> None:
    first, *others = lens_records
    text = printed([replace(first, values=(), not_measured="a is too small."), *others])
    assert text.count("-: not measured: a is too small.") == 1
