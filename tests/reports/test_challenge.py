"""The challenge table: which figure stands for which column, ranks, sums, scores, floors, and the page."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import SimpleNamespace

import pytest

from reports.challenge import ChallengeTable, Row, build_challenge
from reports.html import render
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
