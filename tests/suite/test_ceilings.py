"""The machine's ceilings: the best of several repetitions, arrays beyond the caches."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from suite.measures import ceilings


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "SECONDS", 0.01)
    monkeypatch.setattr(ceilings, "MATRICES", {"cpu": (64, 96)})
    monkeypatch.setattr(ceilings, "CHANNELS", {"cpu": (4,)})
    monkeypatch.setattr(ceilings, "LEAST_BYTES", 1 << 20)
    monkeypatch.setattr(ceilings, "MOST_BYTES", 1 << 20)


class Clock:
    """Time that passes where a test lets it."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ceilings, "time", clock)
    return clock


def best_of(clock: Clock, durations: list[float], seconds: float) -> tuple[float, int]:
    """The best time of repetitions that take so long, and how many there were."""
    left = list(durations)

    def work() -> None:
        clock.now += left.pop(0)

    return ceilings.best_seconds(work, "cpu", seconds), len(durations) - len(left)


def test_the_best_time_of_three_or_more_counts(clock: Clock) -> None:
    assert best_of(clock, [0.25, 0.125, 0.375, 0.0], 0.0) == (0.125, 3)
    assert best_of(clock, [0.25] * 9, 1.5) == (0.25, 6)


def test_what_takes_long_is_done_once(clock: Clock) -> None:
    assert best_of(clock, [ceilings.LONG + 0.5] * 9, 10.0) == (ceilings.LONG + 0.5, 1)


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [(["32K", "1024K", "36M"], 36 << 20), (["48K", "2M"], 2 << 20), (["odd"], 32 << 20), ([], 32 << 20)],
)
def test_the_last_level_cache_is_the_largest(sizes: list[str], expected: int, tmp_path: Path) -> None:
    for number, size in enumerate(sizes):
        (tmp_path / f"index{number}").mkdir()
        (tmp_path / f"index{number}" / "size").write_text(size + "\n")
    assert ceilings.last_level_cache(tmp_path) == expected


def test_an_array_is_larger_than_the_cache_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ceilings, "LEAST_BYTES", 100)
    monkeypatch.setattr(ceilings, "MOST_BYTES", 1000)
    assert [ceilings.array_bytes(cache) for cache in (10, 100, 400)] == [100, 400, 1000]


def test_all_is_measured_for_each_number_of_threads_which_are_then_as_before() -> None:
    before = torch.get_num_threads()
    one, two = ceilings.measure({}, "cpu", [1, 2])
    assert torch.get_num_threads() == before
    assert (one["threads"], two["threads"]) == (1, 2)
    for found in (one, two):
        assert found["product"]["fp32"] > 0
        assert found["convolution"]["fp32"] > 0
        assert 1e6 < found["bandwidth"]["copy"] < 1e13
        assert found["bandwidth"]["array_bytes"] == 1 << 20


def test_a_precision_without_a_kernel_has_no_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(device: str, precision: str) -> float:
        if precision == "fp16":
            raise RuntimeError('"addmm_impl_cpu_" not implemented for Half')
        return 1.0

    monkeypatch.setattr(ceilings, "product_rate", refuse)
    monkeypatch.setattr(ceilings, "convolution_rate", refuse)
    (found,) = ceilings.measure({}, "cpu", [1])
    assert found["product"] == found["convolution"] == {"fp32": 1.0, "bf16": 1.0}
