"""Comparing two runs, or two models: what is better, what is worse, what is missing.

Pure functions from records to lines. ``docs/definitions.md`` states when two figures differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from suite.errors import UsageError, unknown_name
from suite.pairs import image_figures, tolerance
from suite.records import Record
from suite.statistics import Interval, paired_difference, paired_ratio, ratio_of_medians
from suite.timing import floor_of, samples_of

MEMORY_TOLERANCE = 0.01
"""Share by which a peak of memory may rise: allocators round, and libraries change their scratch space."""
DEFAULT_FLOOR = 0.05
"""Share by which a runtime may rise where the records do not state their machine's noise."""

EXPLAINING = frozenset({"profile"})
"""Measures that say why a figure is what it is and are no figures to be compared."""
HIGHER_IS_BETTER = frozenset({"psnr", "ssim"})
NOT_COMPARED = frozenset({"latency_p95_ms", "cold_start_ms", "ntire_mean_ms"})
"""Figures of a timing that have no interval of their own: ``latency_ms`` speaks for the timing."""

Status = Literal["worse", "better", "undecided", "same", "changed", "missing", "new", "not compared"]
FAILURES: frozenset[Status] = frozenset({"worse", "missing"})
"""What makes a comparison of two runs fail."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a figure measures: figures of one identity are compared. What does not determine it is empty."""

    measure: str
    model: str
    scale: int
    dataset: str = ""
    protocol: str = ""
    input: str = ""
    backend: str = ""
    device: str = ""
    precision: str = ""
    threads: int = 0
    weights: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """The comparison of one figure, or of a whole task where there is nothing to compare."""

    status: Status
    identity: Identity
    metric: str = ""
    """Empty for a task that one side lacks."""
    unit: str = ""
    baseline: float | None = None
    candidate: float | None = None
    change: float | None = None
    """Quality and cost: candidate less baseline. Memory and runtime: candidate over baseline."""
    lower: float | None = None
    """Lower end of the 95 % interval of ``change``, where there is one."""
    upper: float | None = None
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """All lines, in the order of the baseline; what only the candidate has comes last."""

    lines: tuple[Line, ...]
    models: tuple[str, str] | None = None
    """The two models that were compared with one another; None if two runs were."""

    @property
    def failed(self) -> bool:
        """Whether there is a regression. Between two models there is none: one is simply the worse."""
        alarming = {"missing"} if self.models else FAILURES
        return any(line.status in alarming for line in self.lines)


def compare_runs(baseline: Sequence[Record], candidate: Sequence[Record]) -> Comparison:
    """Compare the figures of two runs, task by task."""
    return Comparison(tuple(_lines(_by_identity(baseline), _by_identity(candidate), models=False)))


def compare_models(
    baseline: Sequence[Record], candidate: Sequence[Record], first: str, second: str
) -> Comparison:
    """Compare model ``second`` of the candidate with model ``first`` of the baseline.

    Weights need not have one origin, unless a model stands there with several. Raises `UsageError` for a
    model that the run does not hold, and for a model and itself.
    """
    sides: list[list[Record]] = []
    for run, name in ((baseline, first), (candidate, second)):
        mine = [record for record in run if record.model == name]
        if not mine:
            raise unknown_name("model", name, {record.model for record in run})
        sides.append(mine)
    if first == second and list(baseline) == list(candidate):
        raise UsageError(f"--models {first} {second}: a model of a run cannot be compared with itself.")
    several = any(len({r.weights for r in side if r.measure != "cost"}) > 1 for side in sides)

    def common(identity: Identity) -> Identity:
        pixels = identity.input.partition("x")[2]  # one may take colour, the other luma alone
        return replace(identity, model=second, input=pixels, weights=identity.weights if several else "")

    first_side, second_side = (
        {common(identity): record for identity, record in _by_identity(side).items()} for side in sides
    )
    return Comparison(tuple(_lines(first_side, second_side, models=True)), (first, second))


def identify(record: Record) -> Identity:
    """What a record measures. Cost needs no weights and no configuration, so these are no part of it."""
    what = Identity(record.measure, record.model, record.scale, input=record.input)
    if record.measure == "cost":
        return what
    return replace(
        what,
        dataset=record.dataset,
        protocol=record.protocol,
        backend=record.backend,
        device=record.device,
        precision=record.precision,
        threads=record.threads,
        weights=record.weights,
    )


def _by_identity(records: Sequence[Record]) -> dict[Identity, Record]:
    """The records by what they measure: of several one with values, of these the one that finished last."""
    found: dict[Identity, Record] = {}
    for record in records:
        if record.measure in EXPLAINING:
            continue
        identity = identify(record)
        other = found.get(identity)
        if other is None or (bool(record.values), record.finished) >= (bool(other.values), other.finished):
            found[identity] = record
    return found


def _lines(
    baseline: Mapping[Identity, Record], candidate: Mapping[Identity, Record], *, models: bool
) -> Iterator[Line]:
    for identity, before in baseline.items():
        after = candidate.get(identity)
        if after is not None and (after.values or not before.values):
            yield from _task_lines(identity, before, after, models=models)
        elif before.values:
            reason = f"not measured: {after.not_measured}" if after else "not in the candidate"
            yield Line("missing", identity, remark=reason)
    for identity, after in candidate.items():
        if after.values and identity not in baseline:
            yield Line("new", identity, remark="not in the baseline")


def _task_lines(identity: Identity, before: Record, after: Record, *, models: bool) -> Iterator[Line]:
    """The lines of a task that both sides have a record of."""
    if not before.values:
        if after.values:
            yield Line("new", identity, remark="not measured in the baseline")
        return
    if reason := _unlike(before, after):
        yield Line("not compared", identity, remark=reason)
        return
    remark = "" if models else _weights_remark(before, after)
    new = {value.metric: value for value in after.values if not value.image}
    for old in (value for value in before.values if not value.image and value.metric not in NOT_COMPARED):
        line = Line("same", identity, old.metric, old.unit, old.value, remark=remark)
        if (value := new.get(old.metric)) is None:
            why = str(after.details.get("not_counted", {}).get(old.metric, "not in the candidate"))
            yield replace(line, status="missing", remark=why)
        else:
            yield _judge(replace(line, candidate=value.value), before, after, models=models)


def _unlike(before: Record, after: Record) -> str:
    """Why two records of one task must not be compared; empty if they may."""
    if before.measure == "quality":
        digests = [str(r.details.get("dataset", {}).get("digest", "")) for r in (before, after)]
        if digests[0] != digests[1]:
            return f"unlike images under the name {before.dataset}"
        if [v.image for v in before.values] != [v.image for v in after.values]:
            return f"other images of {before.dataset}"
    if before.measure == "runtime":
        ids = [str(r.environment.get("id", "")) for r in (before, after)]
        if ids[0] != ids[1]:
            return f"unlike environments {ids[0]} and {ids[1]}: their times say nothing about the code"
        installed = [r.details.get("backend", {}).get("versions", {}) for r in (before, after)]
        if installed[0] != installed[1]:
            return f"unlike versions of the backend {before.backend}"
        times = [samples_of(r) or (0.0,) for r in (before, after)]
        if any(not 0 < time < math.inf for time in (*times[0], *times[1])):
            return "the raw times are not in the records"
    return ""


def _weights_remark(before: Record, after: Record) -> str:
    digests = [str(r.details.get("weights", {}).get("sha256", "")) for r in (before, after)]
    return "other weights" if before.measure != "cost" and digests[0] != digests[1] else ""


def _judge(line: Line, before: Record, after: Record, *, models: bool) -> Line:
    if line.identity.measure == "quality":
        return _judge_quality(line, before, after, models=models)
    if line.identity.measure == "runtime":
        return _judge_runtime(line, before, after)
    assert line.baseline is not None and line.candidate is not None
    if line.identity.measure == "memory":
        near = abs(line.candidate - line.baseline) <= MEMORY_TOLERANCE * line.baseline
        status = "same" if near else _direction(line, lower_is_better=True)
        ratio = line.candidate / line.baseline if line.baseline else math.inf if line.candidate else 1.0
        return replace(line, status=status, change=ratio)
    return replace(line, status=_direction(line, lower_is_better=True), change=line.candidate - line.baseline)


def _is_same(first: float, second: float) -> bool:
    return first == second or (math.isnan(first) and math.isnan(second))


def _direction(line: Line, *, lower_is_better: bool) -> Status:
    assert line.baseline is not None and line.candidate is not None
    if _is_same(line.baseline, line.candidate):
        return "same"
    return "worse" if (line.candidate > line.baseline) is lower_is_better else "better"


def _judge_quality(line: Line, before: Record, after: Record, *, models: bool) -> Line:
    assert line.baseline is not None and line.candidate is not None
    least = tolerance(before, after, line.metric)
    if _is_same(line.baseline, line.candidate) or abs(line.candidate - line.baseline) <= least:
        return replace(line, change=0.0)
    pairs = [list(image_figures(record, line.metric).values()) for record in (after, before)]
    interval: Interval | None = paired_difference(*pairs) if pairs[0] else None
    status: Status = "changed"
    if line.metric in HIGHER_IS_BETTER:
        status = _direction(line, lower_is_better=False)
    if models and interval and interval[1] <= 0 <= interval[2]:
        status = "undecided"  # runs are repeatable, so any difference is one; networks differ by the image
    change = line.candidate - line.baseline
    line = replace(line, status=status, change=change)
    if interval is None:
        return line
    count = f"{len(pairs[0])} images"
    remark = f"{line.remark}; {count}" if line.remark else count
    return replace(line, lower=interval[1], upper=interval[2], remark=remark)


def _judge_runtime(line: Line, before: Record, after: Record) -> Line:
    times = [samples_of(record) for record in (after, before)]
    sessions = {record.details.get("session", record.key) for record in (before, after)}
    paired = len(sessions) == 1 and len(times[0]) == len(times[1])
    ratio, lower, upper = (paired_ratio if paired else ratio_of_medians)(times[0], times[1])
    floor, stated = _noise_floor(before, after)
    status: Status = "same"
    if lower > 1 and ratio > 1 + floor:
        status = "worse"
    elif upper < 1 and ratio < 1 / (1 + floor):
        status = "better"
    parts = [
        line.remark,
        "rounds in pairs" if paired else "two sessions",
        f"noise floor {floor:.1%}{'' if stated else ' (assumed)'}",
    ]
    remark = "; ".join(filter(None, parts))
    return replace(line, status=status, change=ratio, lower=lower, upper=upper, remark=remark)


def _noise_floor(before: Record, after: Record) -> tuple[float, bool]:
    """The larger noise floor that the records state, and whether any does."""
    stated = [floor for floor in map(floor_of, (before, after)) if floor is not None]
    return (max(stated), True) if stated else (DEFAULT_FLOOR, False)
