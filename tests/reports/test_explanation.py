"""Profiles, rooflines, explanations and correlations as the report shows them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.correlations import build_correlations, sentence
from reports.explanation import build_explanation
from reports.grid import Grid
from reports.html import render
from reports.profiles import find_groups
from reports.roofline import roof_corners, roofline
from reports.time_bars import REST, shares, time_bars
from suite.profiles import Ceilings
from suite.records import Record, Value

Factory = Callable[..., list[Record]]
COLUMNS = [
    *("path", "layer", "operator", "kind", "calls"),
    *("params", "macs", "activations", "convolutions", "bytes_moved", "time_ms"),
]
KINDS = {
    # calls, MACs (M), bytes (MB) and milliseconds of each
    "bsrn": {
        "depthwise convolutions": (66, 900, 1000, 300),
        "GELU": (73, 0, 1400, 100),
        "additions": (57, 0, 1700, 80),
    },
    "rfdn": {
        "dense convolutions": (31, 23000, 500, 200),
        "LeakyReLU": (29, 0, 550, 20),
        "additions": (17, 0, 550, 25),
    },
}
FORWARD = {"bsrn": 500.0, "rfdn": 250.0}


def profiled(record: Record, **changes: Any) -> Record:
    """The profile of the network of a runtime record."""
    rows, kinds = [], []
    for kind, (calls, macs, moved, time_ms) in KINDS[record.model].items():
        figures = [calls, 0, macs * 10**6, 0, 0, moved * 10**6, time_ms]
        rows.append(["body", "Layer", "operator", kind, *figures])
        kinds.append({"kind": kind, **dict(zip(COLUMNS[4:], figures, strict=True))})
        kinds[-1] |= {"lower": time_ms * 0.98, "upper": time_ms * 1.03}
    forward = FORWARD[record.model]
    ceilings = {
        "threads": record.threads,
        "product": {"fp32": 2e11},
        "convolution": {"fp32": 1e11},
        "bandwidth": {"copy": 1e10, "triad": 8e9},
    }
    details = {
        "session": "a1",
        "timed_with": ["bsrn x4", "rfdn x4"],
        "samples_ms": [forward - 1, forward, forward + 1],
        "usage": {"minor_faults": 1234.0, "system_ms": 5.0},
        "kinds": kinds,
        "layers": {"columns": COLUMNS, "rows": rows},
        "ceilings": [ceilings],
    }
    return replace(
        record,
        key=f"profile-{record.key}",
        measure="profile",
        values=(Value("forward_ms", forward, "ms", forward - 1, forward + 1),),
        details=record.details | details | changes,
    )


@pytest.fixture
def profiles(records: list[Record]) -> list[Record]:
    timed = [record for record in records if record.measure == "runtime" and record.model in KINDS]
    return [profiled(record) for record in timed]


def column(grid: Grid, heading: str) -> dict[str, str]:
    number = [label for label, _ in grid.columns].index(heading)
    return {row.title: row.cells[number].text for row in grid.rows}


def number(text: str) -> float:
    return float(text.replace("\u2212", "-").replace(",", ""))


def test_without_profiles_there_is_no_section_for_them(records: list[Record]) -> None:
    assert [section.id for section in build_explanation(records)] == ["explanation"]  # correlations alone
    assert build_explanation([record for record in records if record.measure == "cost"]) == []


def test_one_profile_is_shown_and_explains_nothing(profiles: list[Record]) -> None:
    (section,) = build_explanation(profiles[:1])
    assert (section.id, len(section.grids), len(section.pictures)) == ("profile", 1, 2)


def test_the_explanation_adds_up_in_print(profiles: list[Record]) -> None:
    _, section = build_explanation(profiles)
    (grid,) = section.grids
    found = {title: number(text) for title, text in column(grid, "Difference (ms)").items()}
    assert found == {
        "depthwise convolutions": 300,
        "GELU": 100,
        "additions": 55,
        "LeakyReLU": -20,
        "dense convolutions": -200,
        "Rest, in no operator": 15,
        "Forward pass as it is": 250,
    }
    whole = found.pop("Forward pass as it is")
    assert sum(found.values()) == whole
    assert "BSRN loses most by depthwise convolutions (+300.0 ms)" in " ".join(grid.notes)


def test_the_profile_adds_up_in_print(profiles: list[Record]) -> None:
    section, _ = build_explanation(profiles)
    networks, by_kind, _ = section.grids
    assert column(networks, "Forward (ms)") == {"BSRN": "500.0", "RFDN (AIM 2020)": "250.0"}
    assert column(networks, "In no operator") == {"BSRN": "4.0%", "RFDN (AIM 2020)": "2.0%"}
    assert column(networks, "Page faults") == {"BSRN": "1,234", "RFDN (AIM 2020)": "1,234"}
    found = {title: number(text) for title, text in column(by_kind, "Time (ms)").items()}
    assert (
        found["depthwise convolutions"] + found["GELU"] + found["additions"] == found["All operators"] == 480
    )
    assert found["All operators"] + found["Rest, in no operator"] == found["Forward pass as it is"] == 500
    attained = column(by_kind, "Of the ceiling")
    # 1800 M operations at 200 a millisecond: 9 ms; 1000 MB at 10 a millisecond: 100 of 300 ms
    assert attained["depthwise convolutions"] == "33%"
    assert attained["GELU"] == "140%"
    assert "1,234 page faults" in " ".join(by_kind.notes)


def test_a_distorted_profile_says_so(profiles: list[Record]) -> None:
    longer = replace(profiles[0], values=(Value("forward_ms", 600.0, "ms"),))
    section = build_explanation([longer])[0]
    assert "+20% apart, more than 10%" in " ".join(section.grids[0].notes)
    assert not any("apart" in note for note in build_explanation(profiles)[0].grids[1].notes)


def test_other_sessions_are_said(profiles: list[Record]) -> None:
    other = replace(profiles[1], details=profiles[1].details | {"session": "b2"})
    grid = build_explanation([profiles[0], other])[1].grids[0]
    assert any("different sessions" in note for note in grid.notes)


def test_other_machines_are_not_compared(profiles: list[Record], machines: Any) -> None:
    elsewhere = replace(profiles[1], environment=machines.second)
    sections = build_explanation([profiles[0], elsewhere])
    assert [section.id for section in sections] == ["profile"]
    assert len(find_groups([profiles[0], elsewhere])) == 2


def test_the_bars_hold_the_forward(profiles: list[Record]) -> None:
    (group,) = find_groups(profiles)
    assert [profile.record.model for profile in group.profiles] == ["bsrn", "rfdn"]
    parts = dict(shares(group.profiles[0]))
    assert parts[REST] == 20
    assert sum(parts.values()) == 500
    picture = time_bars(group, "bars")
    assert picture is not None
    assert "BSRN: 500.0 ms, of which" in picture.description
    for canvas in picture.canvases.values():
        assert all(0 <= words.x <= canvas.width and 0 <= words.y <= canvas.height for words in canvas.words)


def test_the_roof_is_the_lower_of_both_limits() -> None:
    ceilings = Ceilings(1, product=100e9, convolution=80e9, copy=10e9, triad=5e9)
    assert roof_corners(1, 100, ceilings, 0) == [(1, 10), (10, 100), (100, 100)]
    assert roof_corners(20, 100, ceilings, 0) == [(20, 100), (100, 100)]
    assert roof_corners(1, 5, ceilings, 0) == [(1, 10), (5, 50)]
    assert roof_corners(1, 100, ceilings, 20) == [(2, 20), (10, 100), (100, 100)]


def test_without_ceilings_there_is_no_roofline(profiles: list[Record]) -> None:
    bare = [replace(p, details=p.details | {"ceilings": []}) for p in profiles]
    (group,) = find_groups(bare)
    assert roofline(group, "roof") is None
    (group,) = find_groups(profiles)
    picture = roofline(group, "roof")
    assert picture is not None
    for canvas in picture.canvases.values():
        points = [shape for shape in canvas.shapes if shape.tip and shape.css.startswith("dot")]
        assert len(points) == 4  # two networks and the one kind of each that multiplies


# Correlations


def test_correlations_over_the_networks_of_a_group(records: list[Record]) -> None:
    (grid,) = build_correlations(records)
    # The factory has five networks; the bicubic, which has no parameters, is none.
    assert set(column(grid, "Networks").values()) == {"5"}
    assert set(column(grid, "Says").values()) <= {
        "not shown to foretell runtime",
        "says something about runtime",
        "foretells runtime well",
    }
    assert "parameters" in column(grid, "Spearman")
    assert build_correlations(records) == build_correlations(records[::-1])


def test_too_few_networks_have_no_correlation(make: Factory, models: Any) -> None:
    assert build_correlations(make([models.bsrn, models.rfdn, models.imdn, models.untrained])) == []


@pytest.mark.parametrize(
    ("interval", "words"),
    [
        ((0.9, 0.8, 0.95), "foretells runtime well"),
        ((0.6, 0.1, 0.8), "says something about runtime"),
        ((0.2, -0.3, 0.6), "not shown to foretell runtime"),
        ((-0.6, -0.8, -0.1), "more of it is faster"),
    ],
)
def test_what_a_correlation_says(interval: tuple[float, float, float], words: str) -> None:
    assert sentence(interval) == words


# The page


def test_the_page_is_the_same_for_the_same_records(records: list[Record], profiles: list[Record]) -> None:
    page = render([*records, *profiles], ["command"])
    assert page == render([*profiles[::-1], *records[::-1]], ["command"])
    assert len(set(re.findall(r' id="([^"]+)"', page))) == len(re.findall(r' id="([^"]+)"', page))


@pytest.mark.parametrize("width", [1400, 390])
def test_the_pictures_in_a_browser(
    width: int, records: list[Record], profiles: list[Record], open_page: Any, tmp_path: Path
) -> None:
    file = tmp_path / "page.html"
    file.write_text(render([*records, *profiles], ["command"]), encoding="utf-8")
    with open_page(file.as_uri(), width=width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        shown = page.locator("#profile svg:visible")
        assert shown.count() == 2
        size = "wide" if width > 700 else "narrow"
        assert all(size in (shown.nth(n).get_attribute("class") or "") for n in range(2))
        fills = page.eval_on_selector_all("#profile svg .fill", "e => e.map(x => getComputedStyle(x).fill)")
        assert len(set(fills)) > 4
