"""What a profile's record says, on records whose answers can be worked out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from suite.profiles import Ceilings, Profile, Work, explain, read_profile
from suite.records import Record, Value, from_json, to_json

COLUMNS = [
    *("path", "layer", "operator", "kind", "calls"),
    *("params", "macs", "activations", "convolutions", "bytes_moved", "time_ms"),
]


def row(path: str, kind: str, time_ms: float, *, macs: int = 0, moved: int = 0, calls: int = 1) -> list[Any]:
    return [path, "Layer", "operator", kind, calls, 0, macs, 0, 0, moved, time_ms]


def make(
    model: str, forward: float, rows: list[list[Any]], *, session: str = "s", samples: tuple[float, ...] = ()
) -> Record:
    """A profile's record; ceilings are 100 operations and 10 bytes a millisecond."""
    kinds: dict[str, dict[str, Any]] = {}
    for entry in rows:
        named = dict(zip(COLUMNS, entry, strict=True))
        kind = kinds.setdefault(named["kind"], {"kind": named["kind"], **dict.fromkeys(COLUMNS[4:], 0)})
        for column in COLUMNS[4:]:
            kind[column] += named[column]
    details = {
        "session": session,
        "samples_ms": list(samples or [forward] * 5),
        "usage": {"minor_faults": 12.0},
        "kinds": [
            {**kind, "lower": kind["time_ms"] - 1, "upper": kind["time_ms"] + 2} for kind in kinds.values()
        ],
        "layers": {"columns": COLUMNS, "rows": rows},
        "ceilings": [
            {
                "threads": 1,
                "product": {"fp32": 100_000.0},
                "convolution": {"fp32": 90_000.0},
                "bandwidth": {"copy": 8_000.0, "triad": 10_000.0},
            }
        ],
    }
    return Record(
        key=model,
        measure="profile",
        model=model,
        scale=4,
        weights="none",
        backend="eager",
        device="cpu",
        precision="fp32",
        threads=1,
        values=(Value("forward_ms", forward, "ms", forward - 2, forward + 2),),
        details=details,
    )


def profile(*arguments: Any, **options: Any) -> Profile:
    found = read_profile(make(*arguments, **options))
    assert found is not None
    return found


ROWS = [
    row("a", "dense convolutions", 40, macs=1000, moved=100),
    row("b", "GELU", 30, moved=200, calls=3),
    row("c", "dense convolutions", 20, macs=100, moved=50),
]


def test_a_records_profile_survives_writing_and_reading() -> None:
    record = make("net", 100, ROWS)
    assert read_profile(from_json(to_json(record))) == replace(
        profile("net", 100, ROWS), record=from_json(to_json(record))
    )


def test_sums_and_the_rest() -> None:
    found = profile("net", 100, ROWS)
    assert found.all == Work(calls=5, macs=1100, bytes_moved=350, time_ms=90)
    assert found.rest_ms == 10
    assert not found.distorted
    assert profile("net", 101, ROWS).distorted
    assert profile("net", 80, ROWS).distorted  # timing the operators slowed them down
    assert [kind.name for kind in found.kinds] == ["dense convolutions", "GELU"]


def test_intensity_and_rates() -> None:
    work = Work(macs=1000, bytes_moved=100, time_ms=40)
    assert (work.intensity, work.rate, work.throughput) == (20, 50_000, 2500)
    assert (Work().intensity, Work().rate, Work().throughput) == (0, 0, 0)


def test_under_the_ceilings() -> None:
    found = profile("net", 100, ROWS)
    ceilings = found.ceilings
    assert ceilings == Ceilings(1, 100_000, 90_000, 8_000, 10_000)
    assert ceilings.ridge == 10
    # 2000 operations at 100 a millisecond; 100 bytes at 10
    assert (ceilings.least_ms(found.layers[0].work), ceilings.bound(found.layers[0].work)) == (20, "compute")
    assert (ceilings.least_ms(found.layers[1].work), ceilings.bound(found.layers[1].work)) == (20, "memory")
    assert found.attained(found.layers[:1]) == 20 / 40
    assert found.attained(found.layers) == pytest.approx((20 + 20 + 5) / 90)
    assert found.attained([]) is None


@pytest.mark.parametrize("changes", [{"threads": 2}, {"precision": "bf16"}])
def test_ceilings_of_another_configuration_do_not_count(changes: dict[str, Any]) -> None:
    found = read_profile(replace(make("net", 100, ROWS), **changes))
    assert found is not None
    assert found.ceilings is None
    assert found.attained(found.layers) is None


def test_the_parts_of_a_difference_add_up_to_it() -> None:
    first = profile("first", 100, ROWS)
    second = profile("second", 70, [row("a", "GELU", 12, moved=80), row("b", "ReLU", 50, moved=10)])
    found = explain(first, second)
    assert [(part.kind, part.difference[0]) for part in found.parts] == [
        ("dense convolutions", 60),
        ("GELU", 18),
        ("ReLU", -50),
    ]
    assert found.rest_ms == 10 - 8
    assert sum(part.difference[0] for part in found.parts) + found.rest_ms == found.difference[0] == 30
    # 30 - 12, each with 1 below and 2 above
    assert found.parts[1].difference == pytest.approx((18, 18 - 5**0.5, 18 + 5**0.5))


def test_passes_of_one_session_are_paired() -> None:
    drift = (0.0, 50.0, 10.0, 80.0, 30.0)
    first, second = (
        profile(name, base + 30, ROWS, samples=tuple(base + d for d in drift))
        for name, base in (("first", 100.0), ("second", 60.0))
    )
    assert explain(first, second).difference == pytest.approx((40, 40, 40))  # what both share cancels
    apart = explain(first, replace(second, session="another"))
    assert not apart.paired
    assert apart.difference[1] < 40 < apart.difference[2]


@pytest.mark.parametrize(
    "broken",
    [
        {"layers": {}},
        {"layers": {"columns": COLUMNS, "rows": [["a"]]}},
        {"kinds": [{"kind": "GELU"}]},
        {"samples_ms": None},
        {"usage": []},
        {"ceilings": [{"threads": 1}]},
        {"ceilings": 7},
    ],
)
def test_a_damaged_record_is_no_profile(broken: dict[str, Any]) -> None:
    record = make("net", 100, ROWS)
    assert read_profile(replace(record, details={**record.details, **broken})) is None


def test_other_records_are_no_profiles() -> None:
    assert read_profile(replace(make("net", 100, ROWS), measure="runtime")) is None
    assert read_profile(replace(make("net", 100, ROWS), values=(), not_measured="it failed")) is None
