"""The challenge table: which figure stands for which column, ranks, sums, scores, floors, and the page."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reports.challenge import ChallengeTable, Row, build_challenge
from reports.html import render
from suite.files import write_text
from suite.ranking import CHALLENGES, Entry, Track, standings
from suite.records import Record, Value

Factory = Callable[..., list[Record]]


def counted(records: Sequence[Record], fvcore: float = 1.01) -> list[Record]:
    """Records with the counts of others, which those of the factory lack."""

    def complete(one: Record) -> Record:
        if one.measure != "cost":
            return one
        macs, activations = one.value("macs") or 0, one.value("activations") or 0
        more = (
            Value("macs_ntire", macs),
            Value("macs_fvcore", macs * fvcore),
            Value("activations_ntire", activations),
        )
        return replace(one, values=one.values + more)

    return [complete(one) for one in records]


@pytest.fixture
def three(make: Factory, models: SimpleNamespace) -> list[Record]:
    """BSRN, RFDN and IMDN, and bicubic interpolation, which does not compete."""
    chosen = [models.bicubic, models.bsrn, models.rfdn, models.imdn]
    return counted(make(chosen, protocols=["sr-y", "ntire-rgb"]))


@pytest.fixture
def timed(three: list[Record], make: Factory, models: SimpleNamespace) -> list[Record]:
    """The three beside the baselines of 2024 and 2025, one of them not timed."""
    rlfn = replace(models.rfdn, name="rlfn-ntire", title="RLFN", params=317_344, latency_ms=500.0)
    efdn = replace(models.rfdn, name="efdn", title="EFDN", params=276_199, latency_ms=450.0)
    untimed = make([models.strange], measures=["cost", "quality"])
    return [*three, *counted(make([rlfn, efdn])), *counted(untimed)]


def only(records: Sequence[Record]) -> ChallengeTable:
    (table,) = build_challenge(records)
    return table


def cells(table: ChallengeTable, title: str) -> dict[str, tuple[str, int | None]]:
    """Figures and ranks of a row by the column's label and what stands below it."""
    row = next(row for row in table.rows if row.title == title)
    names = [f"{column.label} {column.sub}".strip() for column in table.columns]
    return {name: (cell.text, cell.rank) for name, cell in zip(names, row.cells, strict=True)}


def tip(table: ChallengeTable, row: Row, label: str) -> str:
    return next(
        cell.tip for column, cell in zip(table.columns, row.cells, strict=True) if label in column.label
    )


def test_figures_ranks_and_sums_worked_out_by_hand(three: list[Record]) -> None:
    table = only(three)
    assert [row.title for row in table.rows] == ["RFDN (AIM 2020)", "IMDN", "BSRN"]
    # Of BSRN, RFDN and IMDN: parameters 352, 433, 715 K; FLOPs 22, 27, 47 G; activations 219, 112, 120 M;
    # memory 132, 91, 88 MiB; times about 1311, 643, 662 ms.
    bsrn, rfdn, imdn = (cells(table, title) for title in ("BSRN", "RFDN (AIM 2020)", "IMDN"))
    assert (bsrn["Params"], rfdn["Params"], imdn["Params"]) == (("0.352", 1), ("0.433", 2), ("0.715", 3))
    assert bsrn["FLOPs until 2023"] == ("22.08", 1)
    assert rfdn["Acts"] == ("112.03", 1)
    assert imdn["Memory peak"] == ("88.00", 1)
    assert [row["Runtime median"][1] for row in (bsrn, rfdn, imdn)] == [3, 1, 2]
    assert bsrn["PSNR Set5, ntire-rgb"] == ("32.35", None)
    assert [row["Sub-track 1 complexity"] for row in (bsrn, rfdn, imdn)] == [("2", 1), ("4", 2), ("6", 3)]
    assert [row["Sub-track 2 overall"] for row in (bsrn, rfdn, imdn)] == [("11", 2), ("8", 1), ("11", 2)]


def test_columns_name_the_years_and_the_figure_behind_them(three: list[Record]) -> None:
    table = only(three)
    assert list(dict.fromkeys(column.group for column in table.columns)) == [
        "Figures",
        "NTIRE 2022 and 2023",
    ]
    overall = table.columns[-1].definition
    assert overall.endswith(
        "rank(runtime) + rank(parameters) + rank(FLOPs) + rank(activations) + rank(memory)"
    )


def test_runtimes_that_cannot_be_told_apart_share_a_rank(three: list[Record]) -> None:
    noisy = [replace(one, details=dict(one.details) | {"noise": {"floor": 0.2}}) for one in three]
    table = only(noisy)
    runtimes = [cells(table, t)["Runtime median"][1] for t in ("RFDN (AIM 2020)", "IMDN", "BSRN")]
    assert runtimes == [1, 1, 3]
    assert any("runtimes within the noise of the session share a rank" in note for note in table.notes)


def test_it_says_that_these_are_no_places_in_a_challenge(three: list[Record]) -> None:
    notes = " ".join(only(three).notes)
    assert "the 3 networks of this table with one another on this machine" in notes
    assert "They are not places in a challenge" in notes
    assert "the challenge's mean time over its images" in notes and "beyond weights and input" in notes
    assert "26.90 dB on DIV2K_LSDIR_valid (2024 to 2026)" in notes
    assert "None of these sets was measured here" in notes


def test_no_score_without_the_baseline_beside(three: list[Record]) -> None:
    notes = " ".join(only(three).notes)
    assert (
        "No score by the rules of NTIRE 2024 (RLFN, model rlfn-ntire), NTIRE 2025 (EFDN, model efdn)" in notes
    )
    assert not any(column.label == "Score" for column in only(three).columns)


def test_scores_are_taken_over_the_baseline_of_the_same_session(
    make: Factory, models: SimpleNamespace
) -> None:
    rlfn = replace(
        models.rfdn, name="rlfn-ntire", title="RLFN", params=317_344, macs=19_670_000_000, latency_ms=500.0
    )
    table = only(counted(make([models.bsrn, rlfn], measures=["cost", "memory", "runtime"]), fvcore=1.0))
    assert cells(table, "RLFN")["Score"] == ("7.39", 2 if cells(table, "BSRN")["Score"][1] == 1 else 1)
    rows = make([models.bsrn, rlfn], measures=["runtime"])
    times = {one.model: one.value("latency_ms") or 0 for one in rows}
    expected = (
        0.7 * math.exp(2 * times["bsrn"] / times["rlfn-ntire"])
        + 0.15 * math.exp(2 * 22_080_970_752 / 19_670_000_000)
        + 0.15 * math.exp(2 * 352_400 / 317_344)
    )
    assert cells(table, "BSRN")["Score"] == (f"{expected:.2f}", 2)
    assert "FLOPs since 2024" in cells(table, "BSRN")
    assert "score = 0.7 exp(2 runtime / RLFN's)" in " ".join(table.notes)
    assert "parameters 9.2" in tip(table, next(r for r in table.rows if r.title == "BSRN"), "Score")


def test_a_network_that_only_has_the_baselines_name_is_not_taken_for_it(
    make: Factory, models: SimpleNamespace
) -> None:
    other = replace(models.rfdn, name="efdn", title="Not EFDN", params=300_000)
    assert not any(c.label == "Score" for c in only(counted(make([models.bsrn, other]))).columns)


@pytest.mark.parametrize(
    ("psnr", "images", "protocol", "ranked"),
    [
        (28.90, 100, "ntire-rgb", False),
        (28.96, 100, "ntire-rgb", True),
        (28.90, 100, "sr-y", True),  # the floor is on RGB
        (28.90, 10, "ntire-rgb", True),  # and on all hundred images
    ],
)
def test_floor_of_2022_on_div2k(
    three: list[Record], psnr: float, images: int, protocol: str, ranked: bool
) -> None:
    def on_div2k(one: Record) -> Record:
        figure = psnr if one.model == "bsrn" else 29.1
        details = one.details | {"dataset": {"digest": "d", "images": images}}
        values = (Value("psnr", figure, "dB"), Value("psnr", figure, "dB", image="0801"))
        return replace(
            one, key=f"{one.key}d", dataset="DIV2K_val", protocol=protocol, values=values, details=details
        )

    extra = [on_div2k(one) for one in three if one.dataset == "Set5" and one.protocol == "sr-y"]
    table = only([*three, *extra])
    row = [cell.text for cell in next(r for r in table.rows if r.title == "BSRN").cells]
    assert ("not ranked" in row) is not ranked
    note = table.notes[-1]
    assert ("Not ranked: BSRN in NTIRE 2022 (28.90 dB on DIV2K_valid, below 28.95 dB)" in note) is not ranked
    # The floor is of 2022 alone, so the years no longer share their columns.
    groups = {column.group for column in table.columns}
    assert ({"NTIRE 2022", "NTIRE 2023"} <= groups) is not ranked


def test_missing_measures_cost_the_tracks_that_need_them(three: list[Record]) -> None:
    table = only([one for one in three if one.measure == "cost"])
    row = cells(table, "BSRN")
    assert row["Sub-track 1 complexity"] == ("2", 1) and row["Sub-track 2 overall"] == ("", None)
    missing = next(r for r in table.rows if r.title == "BSRN").cells[-1].tip
    assert missing == "not measured: runtime, memory"


def test_sessions_machines_and_threads_do_not_compete(
    three: list[Record], make: Factory, models: SimpleNamespace, machines: SimpleNamespace
) -> None:
    other = counted(make([models.bsrn, models.rfdn], environment=machines.second))
    assert [len(table.rows) for table in build_challenge([*three, *other])] == [3, 2]
    alone = counted(make([models.bsrn], threads=1))
    assert len(build_challenge([*three, *alone])) == 1
    later = counted(make([models.untrained, models.strange], session="later"))
    assert sorted(len(table.rows) for table in build_challenge([*three, *later])) == [2, 3]


def test_only_x4_and_only_two_or_more(three: list[Record], make: Factory, models: SimpleNamespace) -> None:
    assert build_challenge(counted(make([models.bsrn, models.rfdn], scale=2))) == ()
    assert build_challenge(counted(make([models.bsrn, models.bicubic]))) == ()
    assert build_challenge([]) == ()


def test_order_of_records_does_not_matter(three: list[Record]) -> None:
    shuffled = list(three)
    random.Random(0).shuffle(shuffled)
    assert build_challenge(shuffled) == build_challenge(three)


def test_the_page_has_the_section_and_leads_to_it(
    three: list[Record], make: Factory, models: SimpleNamespace
) -> None:
    page = render(three, [])
    assert '<a href="#challenge">' in page and '<section id="challenge"' in page
    assert "Sub-track 2" in page and "They are not places in a challenge" in page
    assert 'id="challenge"' not in render(make([models.bsrn]), [])


def test_names_never_become_markup(make: Factory, models: SimpleNamespace) -> None:
    page = render(counted(make([models.strange, models.bsrn])), [])
    assert "<script>alert(1)" not in page


def test_presets_of_the_weightings_are_the_official_weights(timed: list[Record]) -> None:
    table = only(timed)
    assert [w["id"] for w in table.weightings] == ["ntire2022", "ntire2023", "ntire2024", "ntire2025"]
    for plain in table.weightings:
        challenge = CHALLENGES[plain["id"]]
        terms = [term["id"] for term in plain["terms"]]
        for track, preset in zip(challenge.tracks, plain["presets"], strict=True):
            assert dict(zip(terms, preset["weights"], strict=True)) == {
                term: track.weights.get(term, 0) for term in terms
            }
    assert sorted(title for _, title, _ in table.names) == sorted(row.title for row in table.rows)


SLIDE = """
([rule, weights]) => {
  const root = document.querySelector(".weighting");
  const select = root.querySelector("select");
  select.value = rule;
  select.dispatchEvent(new Event("change"));
  root.querySelectorAll("input").forEach((input, place) => {
    input.value = weights[place];
    input.dispatchEvent(new Event("input"));
  });
  return [...root.querySelectorAll("tbody tr")].map((row) => [
    row.cells[0].firstChild.textContent, row.cells[1].textContent, row.cells[2].dataset.points ?? null]);
}
"""


@pytest.mark.browser
def test_the_pages_formulas_agree_with_the_ranking(
    open_page: Callable[..., Any], timed: list[Record], tmp_path: Path
) -> None:
    table = only(timed)
    file = tmp_path / "page.html"
    write_text(file, render(timed, []))
    draw = random.Random(11)
    with open_page(file.as_uri()) as page:
        for plain in table.weightings:
            challenge = CHALLENGES[plain["id"]]
            terms = [term["id"] for term in plain["terms"]]
            entries = [
                Entry(title, {t: v for t, v in zip(terms, one["values"], strict=True) if v is not None})
                for (_, title, _), one in zip(table.names, plain["entries"], strict=True)
            ]
            if challenge.rule == "rank sum":
                entries = [Entry(e.name, {}, order=e.figures) for e in entries]
            for _ in range(60):
                weights = [
                    draw.choice([0.0, round(draw.random(), 2), round(draw.random(), 2)]) for _ in terms
                ]
                given = {term: weight for term, weight in zip(terms, weights, strict=True) if weight}
                other = replace(challenge, tracks=(Track("own", "Own", given),), floors=())
                baseline = dict(zip(terms, plain["baseline"], strict=True))
                expected = {s.name: s.places["own"] for s in standings(other, entries, baseline)}
                found = page.evaluate(SLIDE, [f"{challenge.id}.main", weights])
                assert len(found) == len(expected)
                for title, rank, points in found:
                    place = expected[title]
                    if not given or place.points is None:
                        assert (rank, points) == ("\u2013", None)
                        continue
                    assert float(points) == pytest.approx(place.points, rel=1e-9, abs=1e-9)
                    assert int(rank) == place.rank


@pytest.mark.browser
def test_weights_are_official_at_first_and_again_and_stay_in_the_address(
    open_page: Callable[..., Any], timed: list[Record], tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    write_text(file, render(timed, []))
    official = cells(only(timed), "BSRN")["Score"]
    with open_page(file.as_uri()) as page:
        box, sliders = page.locator(".weighting"), page.locator(".weighting input")
        assert [sliders.nth(n).input_value() for n in range(3)] == ["0.7", "0.15", "0.15"]
        row = box.locator("tbody tr", has_text="BSRN")
        assert row.locator("td").nth(1).text_content().startswith(official[0][:-1])
        assert row.locator("td").first.text_content() == str(official[1])
        assert box.get_by_role("button").is_hidden()
        sliders.first.focus()
        page.keyboard.press("Home")
        assert "score=ntire2025.main,0," in page.url
        where = page.url
        page.goto("about:blank")
        page.goto(where)
        assert sliders.first.input_value() == "0"
        box.get_by_role("button", name="Official weights").click()
        assert sliders.first.input_value() == "0.7" and "score" not in page.url
