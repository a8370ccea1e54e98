"""The challenges' rules against their published results and small cases worked out by hand."""

from __future__ import annotations

import csv
import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import pytest

from suite.ranking import CHALLENGES, TERMS, Entry, Standing, score, standings

RESULTS = Path(__file__).parent / "data" / "ntire2022_results.csv"
COLUMNS = dict(zip(TERMS, ("runtime_ms", "params_m", "flops_g", "activations_m", "memory_mb"), strict=True))
HALF_DIGIT = {"runtime": 0.005, "params": 0.0005, "flops": 0.005, "activations": 0.005, "memory": 0.005}
"""What rounding may have taken from or added to a printed figure."""
VALID, TEST = "DIV2K_LSDIR_valid", "DIV2K_LSDIR_test"


@dataclass(frozen=True)
class Row:
    """A row of the published table."""

    team: str
    figures: dict[str, float]
    ranks: dict[str, int]
    psnr: float
    cells: dict[str, str]


def table() -> list[Row]:
    lines = [line for line in RESULTS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = []
    for cells in csv.DictReader(lines):
        figures = {term: float(cells[column]) for term, column in COLUMNS.items()}
        ranks = {term: int(cells[f"{term}_rank"]) for term in TERMS if cells[f"{term}_rank"]}
        rows.append(Row(cells["team"], figures, ranks, float(cells["val_psnr"]), cells))
    return rows


@pytest.fixture(scope="module")
def published() -> list[Row]:
    """The 35 rows that the challenge of 2022 ranked."""
    return [row for row in table() if row.ranks]


@pytest.fixture(scope="module")
def reproduced(published: list[Row]) -> list[Standing]:
    """The rows ranked here. Figures are printed rounded; the published rank of a figure, as a shift far
    below the last digit, settles the order of those that are equal in print and of no others."""
    shift = {term: half / 1000 for term, half in HALF_DIGIT.items()}
    entries = [
        Entry(
            row.team,
            row.figures,
            {"DIV2K_valid": row.psnr},
            {term: row.figures[term] + shift[term] * row.ranks[term] for term in TERMS},
        )
        for row in published
    ]
    return standings(CHALLENGES["ntire2022"], entries)


def test_the_fixture_is_the_whole_table(published: list[Row]) -> None:
    assert len(table()) == 45 and len(published) == 35
    assert all(sorted(row.ranks[term] for row in published) == list(range(1, 36)) for term in TERMS)


@pytest.mark.parametrize("term", TERMS)
def test_printed_figures_alone_give_every_rank_that_is_not_a_tie_in_print(
    published: list[Row], term: str
) -> None:
    plain = standings(CHALLENGES["ntire2022"], [Entry(row.team, row.figures) for row in published])
    tied = 0
    for row, standing in zip(published, plain, strict=True):
        alike = [other.ranks[term] for other in published if other.figures[term] == row.figures[term]]
        assert standing.ranks[term] == min(alike)
        tied += len(alike) > 1
    assert tied == {"params": 8, "flops": 2}.get(term, 0)


@pytest.mark.parametrize("term", TERMS)
def test_2022_rank_of_every_figure(published: list[Row], reproduced: list[Standing], term: str) -> None:
    assert [s.ranks[term] for s in reproduced] == [row.ranks[term] for row in published]


@pytest.mark.parametrize(("track", "number"), [("complexity", 1), ("overall", 2)])
def test_2022_every_rank_sum_and_rank(
    published: list[Row], reproduced: list[Standing], track: str, number: int
) -> None:
    sums = [(row.team, int(row.cells[f"sum{number}"])) for row in published]
    assert [(s.name, s.places[track].points) for s in reproduced] == sums
    differing = {
        row.team: (standing.places[track].rank, int(row.cells[f"rank{number}"]))
        for row, standing in zip(published, reproduced, strict=True)
        if standing.places[track].rank != int(row.cells[f"rank{number}"])
    }
    # Equal sums share a rank throughout the published table but for these two, who both have 18.
    assert differing == ({"Alpan Team": (9, 10)} if track == "complexity" else {})


def test_2022_main_track_is_the_order_of_runtimes(reproduced: list[Standing]) -> None:
    assert [s.places["main"].rank for s in reproduced] == list(range(1, 36))


def test_2022_floor_keeps_every_ranked_row_and_none_that_failed_on_psnr() -> None:
    rows = table()
    found = standings(
        CHALLENGES["ntire2022"], [Entry(r.team, r.figures, {"DIV2K_valid": r.psnr}) for r in rows]
    )
    below = {s.name: s.places["main"].reason for s in found if s.places["main"].reason}
    assert below["Set5baby Team"] == "28.92 dB on DIV2K_valid, below 28.95 dB"
    assert len(below) == 6 and not below.keys() & {row.team for row in rows if row.ranks}


def test_an_entry_below_the_floor_takes_no_rank_from_others() -> None:
    fast, slow = {"runtime": 1.0, "params": 1.0, "flops": 1.0}, {"runtime": 2.0, "params": 2.0, "flops": 2.0}
    first, second = standings(
        CHALLENGES["ntire2024"],
        [Entry("blurred", fast, {VALID: 26.894, TEST: 27.2}), Entry("sharp", slow, {VALID: 26.896})],
    )
    assert first.ranks == {} and first.places["main"].points is None
    assert first.places["main"].reason == "26.89 dB on DIV2K_LSDIR_valid, below 26.90 dB"
    assert second.ranks["runtime"] == second.places["main"].rank == 1  # 26.896 is published as 26.90


@pytest.mark.parametrize(
    ("psnr", "ranked"),
    [
        ({VALID: 26.90, TEST: 26.99}, True),
        ({VALID: 26.90, TEST: 26.98}, False),
        ({VALID: math.nan}, False),
        ({"Set5": 20.0}, True),  # no floor is on Set5
    ],
)
def test_floors_are_applied_where_their_dataset_was_measured(psnr: dict[str, float], ranked: bool) -> None:
    entry = Entry("x", {"runtime": 1, "params": 1, "flops": 1}, psnr)
    (standing,) = standings(CHALLENGES["ntire2026"], [entry])
    assert (standing.places["main"].rank == 1) is ranked


def test_equal_sums_share_a_rank_and_the_next_counts_all_before_it() -> None:
    figures = [(1, 2), (2, 1), (3, 3)]
    entries = [Entry(str(p), {"params": p, "flops": f}) for p, f in figures]
    places = [s.places["complexity"] for s in standings(CHALLENGES["ntire2023"], entries)]
    assert [(p.points, p.rank) for p in places] == [(3, 1), (3, 1), (6, 3)]


def test_entries_that_cannot_be_told_apart_share_the_rank_that_order_gives_them() -> None:
    entries = [
        Entry("a", {"runtime": 10}, order={"runtime": 1}),
        Entry("b", {"runtime": 9}, order={"runtime": 1}),
    ]
    assert [s.places["main"].rank for s in standings(CHALLENGES["ntire2022"], entries)] == [1, 1]


def test_a_missing_figure_costs_the_tracks_that_need_it_alone() -> None:
    whole = Entry("whole", dict.fromkeys(TERMS, 2.0))
    part = Entry("part", {"params": 1.0, "flops": 1.0, "runtime": 1.0, "activations": 1.0})
    found = standings(CHALLENGES["ntire2022"], [whole, part])[1].places
    assert found["complexity"].rank == found["main"].rank == 1
    assert found["overall"].points is None and found["overall"].reason == "not measured: memory"


@pytest.mark.parametrize("year", [2024, 2025, 2026])
def test_the_baseline_scores_e_squared_in_every_track(year: int) -> None:
    challenge = CHALLENGES[f"ntire{year}"]
    (standing,) = standings(challenge, [Entry("baseline", challenge.baseline.figures)])
    assert [p.points for p in standing.places.values()] == pytest.approx([7.3891] * 4, abs=5e-5)


def test_2024_score_of_the_winner_as_published() -> None:
    """XiaomiMM, report's table 1: 5.59 ms, 0.151 M, 9.83 G, score 2.61."""
    winner = Entry("XiaomiMM", {"runtime": 5.59, "params": 0.151, "flops": 9.83})
    (standing,) = standings(CHALLENGES["ntire2024"], [winner])
    assert round(standing.places["main"].points or 0, 2) == 2.61
    # ... which the runtime of the baseline in the challenge's README does not give.
    readme = {"runtime": 13.54, "params": 0.317, "flops": 19.67}
    (other,) = standings(CHALLENGES["ntire2024"], [winner], readme)
    assert round(other.places["main"].points or 0, 2) != 2.61


@pytest.mark.parametrize(
    ("year", "expected"), [(2024, 0.7 * math.e + 0.3), (2025, 0.7 * math.e + 0.3), (2026, 0.8 * math.e + 0.2)]
)
def test_weights_of_the_scores(year: int, expected: float) -> None:
    """Half the baseline's runtime and no operations or parameters at all."""
    entry = Entry("x", {"runtime": 5.0, "params": 0.0, "flops": 0.0})
    baseline = {"runtime": 10.0, "params": 1.0, "flops": 1.0}
    (standing,) = standings(CHALLENGES[f"ntire{year}"], [entry], baseline)
    assert standing.places["main"].points == pytest.approx(expected)


def test_scores_beyond_all_numbers_are_infinite_and_rank_last() -> None:
    assert score(1000) == math.inf
    entries = [Entry(str(t), {"runtime": t, "params": 1.0, "flops": 1.0}) for t in (9e5, 1.0)]
    places = [s.places["main"] for s in standings(CHALLENGES["ntire2025"], entries)]
    assert [(p.points == math.inf, p.rank) for p in places] == [(True, 2), (False, 1)]


@pytest.mark.parametrize("figure", [math.nan, math.inf, -1.0])
def test_figures_that_are_none_are_refused(figure: float) -> None:
    with pytest.raises(ValueError, match="finite"):
        standings(CHALLENGES["ntire2022"], [Entry("x", {"runtime": figure})])


def test_a_baseline_without_runtime_gives_no_score_and_one_of_zero_is_refused() -> None:
    entry = Entry("x", {"runtime": 1.0, "params": 1.0, "flops": 1.0})
    (standing,) = standings(CHALLENGES["ntire2024"], [entry], {"params": 1.0, "flops": 1.0})
    assert standing.places["main"].reason == "not measured: the baseline's runtime"
    assert standing.places["params"].points == pytest.approx(math.exp(2))
    with pytest.raises(ValueError, match="positive"):
        standings(CHALLENGES["ntire2024"], [entry], {"runtime": 0.0, "params": 1.0, "flops": 1.0})


def test_order_of_entries_does_not_matter(published: list[Row]) -> None:
    entries = [Entry(row.team, row.figures) for row in published[:6]]
    expected = {s.name: s.places for s in standings(CHALLENGES["ntire2022"], entries)}
    for turned in itertools.islice(itertools.permutations(entries), 50):
        assert {s.name: s.places for s in standings(CHALLENGES["ntire2022"], turned)} == expected


def test_every_year_is_there_with_its_source() -> None:
    assert [c.year for c in CHALLENGES.values()] == [2022, 2023, 2024, 2025, 2026]
    for challenge in CHALLENGES.values():
        assert challenge.source and challenge.counts in ("model_summary", "fvcore")
        weights = challenge.tracks[0].weights
        assert sum(weights.values()) == pytest.approx(1)
