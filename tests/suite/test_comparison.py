"""When two figures differ, when one is a regression, and what cannot be compared."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from suite.comparison import Comparison, Line, compare_models, compare_runs
from suite.errors import UsageError
from suite.records import Record, Store, Value, make_key
from suite.statistics import bootstrap_median
from tests.command import suite as in_a_process

ROOT = Path(__file__).resolve().parents[2]
PSNR = {"baby": 33.0, "bird": 35.0, "woman": 30.0}


def record(
    measure: str, values: Sequence[Value], details: dict[str, Any] | None = None, **own: Any
) -> Record:
    """A record of one network in one configuration; ``own`` replaces fields."""
    fields: dict[str, Any] = {
        "model": "bsrn",
        "scale": 4,
        "weights": "official",
        "backend": "eager",
        "device": "cpu",
        "precision": "fp32",
        "threads": 2,
        "environment": {"id": "aaaa"},
        "finished": "2026-05-04T09:00:00Z",
    }
    fields |= {"input": "" if measure == "quality" else "3x256x256"} | own
    details = {"weights": {"sha256": "w"}} | (details or {})
    key = make_key(
        {"measure": measure, "values": [repr(v) for v in values], "own": repr(sorted(own.items()))}
    )
    return Record(key, measure, values=tuple(values), details=details, **fields)


def quality(psnr: dict[str, float] = PSNR, digest: str = "d", **own: Any) -> Record:
    images = [Value("psnr", value, "dB", image=name) for name, value in psnr.items()]
    mean = Value("psnr", math.fsum(psnr.values()) / len(psnr), "dB")
    where = {"dataset": "Set5", "protocol": "sr-y"} | own
    return record("quality", [mean, *images], {"dataset": {"digest": digest}}, **where)


def cost(macs: float = 1000, params: float = 100, **own: Any) -> Record:
    return record("cost", [Value("params", params), Value("macs", macs)], **own)


def memory(peak: float = 1000, **own: Any) -> Record:
    return record("memory", [Value("peak_bytes", peak, "bytes")], **own)


def runtime(times: Sequence[float], session: str = "one", noise: float | None = None, **own: Any) -> Record:
    median, lower, upper = bootstrap_median(times)
    details: dict[str, Any] = {"samples_ms": list(times), "session": session}
    details |= {} if noise is None else {"noise": {"floor": noise}}
    values = [
        Value("latency_ms", median, "ms", lower, upper),
        Value("latency_p95_ms", max(times), "ms"),
        Value("cold_start_ms", times[0], "ms"),
    ]
    return record("runtime", values, details, **own)


def timed(centre: float, count: int = 30, spread: float = 0.01, seed: int = 1) -> list[float]:
    return [float(t) for t in np.random.default_rng(seed).normal(centre, centre * spread, count)]


def only(comparison: Comparison, metric: str) -> Line:
    (line,) = [line for line in comparison.lines if line.metric == metric]
    return line


def judge(before: Record, after: Record, metric: str) -> Line:
    return only(compare_runs([before], [after]), metric)


# Two runs


def test_a_run_is_the_same_as_itself() -> None:
    run = [quality(), cost(), memory(), runtime(timed(100))]
    comparison = compare_runs(run, run)
    assert {line.status for line in comparison.lines} == {"same"} and not comparison.failed
    assert only(comparison, "latency_ms").change == 1


@pytest.mark.parametrize(
    ("gain", "status"), [(0.0, "same"), (5e-10, "same"), (2e-9, "better"), (-2e-9, "worse"), (-0.3, "worse")]
)
def test_a_mean_of_quality_differs_beyond_a_billionth(gain: float, status: str) -> None:
    after = quality({name: value + gain for name, value in PSNR.items()})
    assert judge(quality(), after, "psnr").status == status


def test_a_difference_of_quality_has_an_interval_over_the_images() -> None:
    line = judge(quality(), quality({"baby": 33.1, "bird": 35.2, "woman": 30.3}), "psnr")
    # The draws of three differences run from three times 0.1 to three times 0.3.
    assert line.change == pytest.approx(0.2)
    assert (line.lower, line.upper) == pytest.approx((0.1, 0.3))
    assert line.remark == "3 images"


def test_one_infinite_image_on_both_sides_is_no_difference() -> None:
    both = quality(PSNR | {"black": math.inf})
    assert judge(both, both, "psnr").status == "same"


def test_a_metric_of_unknown_direction_is_changed_and_no_regression() -> None:
    before, after = quality(), quality()
    more = [Value("lpips", 0.1), Value("lpips", 0.1, image="baby")]
    less = [Value("lpips", 0.2), Value("lpips", 0.2, image="baby")]
    before = replace(before, values=(*before.values, *more))
    comparison = compare_runs([before], [replace(after, values=(*after.values, *less))])
    assert only(comparison, "lpips").status == "changed" and not comparison.failed


@pytest.mark.parametrize(("macs", "status"), [(1000, "same"), (1001, "worse"), (999, "better")])
def test_cost_is_compared_to_the_last_operation(macs: float, status: str) -> None:
    line = judge(cost(), cost(macs), "macs")
    assert (line.status, line.change) == (status, macs - 1000)


def test_cost_does_not_depend_on_weights_or_configuration() -> None:
    after = cost(weights="shipped", threads=8, precision="fp16", device="cuda", environment={"id": "b"})
    assert judge(cost(), after, "macs").status == "same"


@pytest.mark.parametrize(
    ("peak", "status"), [(1010, "same"), (1011, "worse"), (990, "same"), (980, "better")]
)
def test_memory_may_move_by_one_per_cent(peak: float, status: str) -> None:
    assert judge(memory(), memory(peak), "peak_bytes").status == status


def test_a_session_whose_noise_could_not_be_measured_has_the_assumed_floor() -> None:
    unknown = [
        replace(r, details={**r.details, "noise": None})
        for r in (runtime(timed(100)), runtime(timed(100), "two"))
    ]
    (line,) = compare_runs(unknown[:1], unknown[1:]).lines
    assert line.remark == "two sessions; noise floor 5.0% (assumed)"


@pytest.mark.parametrize(
    ("factor", "noise", "status"),
    [
        (1.2, None, "worse"),
        (1 / 1.2, None, "better"),
        (1.03, None, "same"),  # the interval excludes 1, but 3 % lie within the assumed 5 %
        (1.03, 0.01, "worse"),  # and beyond a stated 1 %
        (1.2, 0.3, "same"),
    ],
)
def test_runtime_is_worse_beyond_interval_and_noise_floor(
    factor: float, noise: float | None, status: str
) -> None:
    before, after = runtime(timed(100), noise=noise), runtime(timed(100 * factor, seed=2), "two", noise)
    line = judge(before, after, "latency_ms")
    assert line.status == status
    assert line.lower is not None and line.change is not None and line.lower < line.change
    assert line.remark == f"two sessions; noise floor {noise or 0.05:.1%}{'' if noise else ' (assumed)'}"


def test_a_slower_median_of_scattered_times_is_no_regression() -> None:
    before = runtime([60.0, 80.0, 100.0, 120.0, 140.0])
    line = judge(before, runtime([70.0, 90.0, 115.0, 130.0, 160.0], "two"), "latency_ms")
    assert line.change == pytest.approx(1.15) and line.lower is not None and line.lower < 1
    assert line.status == "same"


def test_only_the_median_speaks_for_a_timing() -> None:
    metrics = {line.metric for line in compare_runs([runtime([9.0] * 5)], [runtime([9.0] * 5)]).lines}
    assert metrics == {"latency_ms"}


def test_runtimes_of_unlike_environments_are_not_compared() -> None:
    slow = runtime(timed(900), "two", environment={"id": "bbbb"})
    comparison = compare_runs([runtime(timed(100))], [slow])
    (line,) = comparison.lines
    assert line.status == "not compared" and "unlike environments aaaa and bbbb" in line.remark
    assert not comparison.failed


def test_runtimes_without_raw_times_are_not_compared() -> None:
    for samples in ({}, {"samples_ms": []}, {"samples_ms": [9.0, 0.0]}, {"samples_ms": ["nan"]}):
        bare = replace(runtime(timed(100)), details=samples)
        assert compare_runs([bare], [bare]).lines[0].remark == "the raw times are not in the records"


def test_quality_on_other_pixels_is_not_compared() -> None:
    (line,) = compare_runs([quality()], [quality(digest="e")]).lines
    assert (line.status, line.remark) == ("not compared", "unlike images under the name Set5")


def test_what_is_missing_fails_and_what_is_new_does_not() -> None:
    lost = compare_runs([quality(), cost()], [cost()])
    assert [line.status for line in lost.lines if line.status != "same"] == ["missing"] and lost.failed
    gained = compare_runs([cost()], [quality(), cost()])
    assert [line.status for line in gained.lines if line.status != "same"] == ["new"] and not gained.failed


def test_a_figure_that_could_not_be_measured_again_is_missing_with_its_reason() -> None:
    broken = replace(quality(), values=(), not_measured="Set5 has 4 images.")
    (line,) = compare_runs([quality()], [broken]).lines
    assert (line.status, line.remark) == ("missing", "not measured: Set5 has 4 images.")
    assert compare_runs([broken], [broken]).lines == ()
    assert [line.status for line in compare_runs([broken], [quality()]).lines] == ["new"]


def test_one_count_of_several_may_be_missing() -> None:
    after = record("cost", [Value("params", 100)], {"not_counted": {"macs": "cannot count conv9d"}})
    line = judge(cost(), after, "macs")
    assert (line.status, line.remark) == ("missing", "cannot count conv9d")


@pytest.mark.parametrize(
    "change",
    [
        {"protocol": "ntire-rgb"},
        {"threads": 1},
        {"backend": "compiled"},
        {"weights": "shipped"},
        {"scale": 2},
    ],
)
def test_what_measures_something_else_is_not_matched(change: dict[str, Any]) -> None:
    found = sorted(line.status for line in compare_runs([quality()], [quality(**change)]).lines)
    assert found == ["missing", "new"]


def test_other_weights_of_one_origin_are_compared_and_named() -> None:
    after = quality({name: value + 0.1 for name, value in PSNR.items()})
    after = replace(after, details=after.details | {"weights": {"sha256": "v"}})
    assert judge(quality(), after, "psnr").remark == "other weights; 3 images"


def test_of_several_records_the_one_that_finished_last_counts() -> None:
    later = cost(900, finished="2026-06-01T00:00:00Z")
    for run in ([cost(), later], [later, cost()]):
        assert judge_run(run, "macs") == 900


def judge_run(run: list[Record], metric: str) -> float | None:
    return only(compare_runs(run, run), metric).baseline


# Two models


def test_a_small_gain_that_images_contradict_is_undecided() -> None:
    mixed = quality({"baby": 33.3, "bird": 34.9, "woman": 29.9}, model="rfdn")
    steady = quality({name: value + 0.03 for name, value in PSNR.items()}, model="rfdn")
    for other, status in ((mixed, "undecided"), (steady, "better")):
        run = [quality(), other]
        line = only(compare_models(run, run, "bsrn", "rfdn"), "psnr")
        assert line.change == pytest.approx(0.1 / 3 if other is mixed else 0.03)
        assert line.status == status


def test_rounds_of_one_session_are_compared_in_pairs() -> None:
    drift = np.linspace(1, 3, 20)  # the machine slows down threefold under both
    run = [runtime(list(100 * drift)), runtime(list(110 * drift), model="rfdn")]
    line = only(compare_models(run, run, "bsrn", "rfdn"), "latency_ms")
    assert (line.change, line.lower, line.upper) == pytest.approx((1.1, 1.1, 1.1))
    assert line.status == "worse" and line.remark.startswith("rounds in pairs")
    apart = [run[0], runtime(list(110 * drift), "two", model="rfdn")]
    assert only(compare_models(apart, apart, "bsrn", "rfdn"), "latency_ms").status == "same"


def test_two_models_are_better_and_worse_but_none_is_a_regression() -> None:
    run = [cost(), cost(2000, model="rfdn", input="3x256x256")]
    comparison = compare_models(run, run, "bsrn", "rfdn")
    assert only(comparison, "macs").status == "worse" and not comparison.failed
    part = [cost(), memory(), cost(model="rfdn")]
    assert compare_models(part, part, "bsrn", "rfdn").failed  # rfdn's memory was not measured


def test_two_models_may_differ_in_origin_of_weights_and_in_channels() -> None:
    run = [quality(), memory(), quality(model="vdsr", weights="shipped")]
    run += [memory(model="vdsr", weights="shipped", input="1x256x256")]
    comparison = compare_models(run, run, "bsrn", "vdsr")
    assert [line.status for line in comparison.lines] == ["same", "same"]


def test_a_model_with_several_weights_is_matched_by_origin() -> None:
    short = quality({name: value - 2 for name, value in PSNR.items()}, weights="shipped")
    run = [quality(), short, quality(model="rfdn")]
    found = {line.identity.weights: line.status for line in compare_models(run, run, "bsrn", "rfdn").lines}
    assert found == {"official": "same", "shipped": "missing"}


def test_names_that_the_runs_do_not_hold() -> None:
    with pytest.raises(UsageError, match="did you mean 'bsrn'"):
        compare_models([cost()], [cost()], "bsnr", "bsrn")
    with pytest.raises(UsageError, match="cannot be compared with itself"):
        compare_models([cost()], [cost()], "bsrn", "bsrn")


# The command line


def suite(place: Path, *arguments: str, status: int) -> str:
    """What the command prints, both streams."""
    done = in_a_process(place, "compare", *arguments, status=status, variables={"COLUMNS": "100"})
    return done.stdout + done.stderr


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A folder with the runs ``before`` and ``after``: one count rose, another network is new."""
    for name, records in {
        "before": [quality(), cost(), memory()],
        "after": [quality(), cost(1200), memory(), cost(500, model="rfdn")],
    }.items():
        store = Store(tmp_path / name)
        for one in records:
            store.append(one)
    return tmp_path


def test_command_shows_what_differs_and_fails_on_a_regression(runs: Path) -> None:
    printed = suite(runs, "before", "after", status=1)
    assert "worse" in printed and "macs 3x256x256" in printed and "+20.0%" in printed
    assert "Regression: 1 worse, 1 new, 3 same." in printed
    assert "psnr" not in printed and printed.isascii()


def test_command_shows_all_if_asked_and_passes_without_regression(runs: Path) -> None:
    printed = suite(runs, "before", "before", "--all", status=0)
    assert "psnr Set5 sr-y" in printed and "32.6667 dB" in printed and "No regression: 4 same." in printed
    assert suite(runs, "before", "before", status=0) == "No regression: 4 same.\n"


def test_command_gives_json(runs: Path) -> None:
    found = json.loads(suite(runs, "before", "after", "--format", "json", status=1))
    worse = next(line for line in found["lines"] if line["status"] == "worse")
    assert found["failed"] is True and len(found["lines"]) == 5
    assert (worse["metric"], worse["baseline"], worse["candidate"], worse["change"]) == (
        "macs",
        1000,
        1200,
        200,
    )


def test_command_compares_two_models_of_one_run(runs: Path) -> None:
    printed = suite(runs, "after", "after", "--models", "bsrn", "rfdn", status=1)
    assert "not in the candidate" in printed  # its quality and memory were not measured
    assert "rfdn against bsrn:" in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["before"], "required: RUN"),
        (["before", "nowhere"], "nowhere is not a folder"),
        (["before", "."], "holds no records"),
        (["before", "after", "--models", "bsrn", "imdn"], "unknown model 'imdn'"),
        (["before", "after", "--format", "yaml"], "invalid choice"),
    ],
)
def test_command_used_wrongly(runs: Path, arguments: list[str], message: str) -> None:
    assert message in suite(runs, *arguments, status=2)


def test_a_profile_explains_and_is_not_compared() -> None:
    before, after = (record("profile", [Value("forward_ms", ms, "ms")]) for ms in (100.0, 900.0))
    assert compare_runs([before, cost()], [after, cost()]) == compare_runs([cost()], [cost()])
