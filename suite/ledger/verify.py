"""Comparing the records of a run with the published figures, one finding a figure."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import Enum

from suite.ledger.entries import COUNTS, MEMORY, OF_THE_MACHINE, Difference, Entry, Ledger, units
from suite.records import Record

NEAR_DB = Decimal("0.01")
"""A figure under another protocol that is this near to the published one is worth a hint."""

DECIDING_WEIGHTS = ("official", "no parameters")
"""Origins of weights whose images may be set beside published figures."""


class Verdict(Enum):
    """What came of one published figure, the most interesting first."""

    DIFFERS = "differs"
    """Nothing in the ledger accounts for it."""
    EXPLAINED = "differs, because"
    REPRODUCED = "reproduced"
    NOT_COMPARED = "not compared"
    """It stands for another machine, or nobody has verified it."""
    NOT_MEASURED = "not measured"


@dataclass(frozen=True, slots=True)
class Finding:
    """One published figure beside what was measured."""

    entry: Entry
    verdict: Verdict
    because: str = ""
    """Why it differs, was not measured or is not compared."""
    measured: Decimal | None = None
    """In the entry's unit, unrounded."""
    hint: str = ""
    """What else was measured that agrees with the published figure."""
    key: str = ""
    """Key of the record behind ``measured``."""

    @property
    def difference(self) -> Decimal | None:
        """Measured less published, in the entry's unit."""
        return None if self.measured is None else self.measured - self.entry.value


def verify(records: Iterable[Record], ledger: Ledger, catalog: Collection[str]) -> list[Finding]:
    """One finding for each figure of the ledger, in its order.

    ``catalog`` are the names of the networks that could have been measured. A record decides if it was made
    under the conditions of the figure: for quality the authors' weights, the figure's dataset in the copy
    that is known, its protocol, fp32 and the eager backend; for cost the figure's input or output size. Of
    several that fit the one that was finished last decides.
    """
    measured: dict[tuple[str, int, str], list[Record]] = defaultdict(list)
    for record in records:
        measured[record.model, record.scale, record.measure].append(record)
    return [_finding(entry, measured, ledger, catalog) for entry in ledger.entries()]


def totals(findings: Iterable[Finding]) -> dict[Verdict, int]:
    """Number of findings of each verdict, all of them, in the order of `Verdict`."""
    found = Counter(finding.verdict for finding in findings)
    return {verdict: found[verdict] for verdict in Verdict}


def is_refuted(findings: Iterable[Finding]) -> bool:
    """Whether any figure differs without a known reason."""
    return any(finding.verdict is Verdict.DIFFERS for finding in findings)


def amount(record: Record, metric: str, unit: str = "") -> Decimal | None:
    """A record's figure in a unit; None if it has none, or one that is no finite number.

    The number is taken as it is written in the record, so that it can lie exactly on a tolerance.
    """
    value = record.value(metric)
    if value is None or not math.isfinite(value):
        return None
    choices = units(metric)
    return Decimal(str(value)) / choices[unit or next(iter(choices))]


Measured = Mapping[tuple[str, int, str], Sequence[Record]]
"""Records by model, scale and measure."""


def _finding(entry: Entry, measured: Measured, ledger: Ledger, catalog: Collection[str]) -> Finding:
    if entry.measure in OF_THE_MACHINE:
        return Finding(entry, Verdict.NOT_COMPARED, "it belongs to another machine")
    records = measured.get((entry.model, entry.scale, entry.measure), ())
    near = [record for record in records if _is_of(record, entry)]
    reasons = {record.key: _unfit(record, entry) for record in near}
    fit = [record for record in near if not reasons[record.key]]
    if not fit:
        because = reasons[_last(near).key] if near else _absent(entry, measured, catalog)
        return Finding(entry, Verdict.NOT_MEASURED, because)
    record = _last(fit)
    value = amount(record, entry.metric, entry.unit)
    finding = Finding(entry, Verdict.REPRODUCED, measured=value, key=record.key)
    if not entry.decides:
        return replace(finding, verdict=Verdict.NOT_COMPARED, because=f"the published figure is {MEMORY}")
    if _agrees(entry, value):
        return finding
    hint = _hint(entry, record, records)
    difference = ledger.difference(entry)
    if difference is None:
        return replace(finding, verdict=Verdict.DIFFERS, hint=hint)
    if doubt := _doubt(difference, finding, record, measured):
        return replace(finding, verdict=Verdict.DIFFERS, because=doubt, hint=hint)
    return replace(finding, verdict=Verdict.EXPLAINED, because=difference.because, hint=hint)


def _last(records: Sequence[Record]) -> Record:
    return max(records, key=lambda record: record.finished)


def _agrees(entry: Entry, value: Decimal | None) -> bool:
    return value is not None and entry.tolerance is not None and abs(value - entry.value) <= entry.tolerance


def _is_of(record: Record, entry: Entry) -> bool:
    """Whether a record of the entry's network and measure is one of the same thing."""
    if entry.measure == "quality":
        return (record.dataset, record.protocol) == (entry.dataset, entry.protocol)
    return entry.takes_input(record.input)


def _unfit(record: Record, entry: Entry) -> str:
    """Why a record of the same thing does not decide; empty if it does."""
    if record.not_measured:
        return record.not_measured.rstrip(".")
    if entry.measure == "quality" and (reason := _unlike(record)):
        return reason
    if amount(record, entry.metric, entry.unit) is None:
        return f"the record has no {entry.metric} that is a finite number"
    return ""


def _unlike(record: Record) -> str:
    """What about a record of quality is unlike the conditions of published figures; empty if nothing is."""
    if record.weights not in DECIDING_WEIGHTS:
        schedule = _detail(record, "weights", "schedule")
        trained = f" (trained on the schedule {schedule!r})" if schedule else ""
        return f"measured with weights {record.weights}{trained} instead of the authors'"
    if record.precision != "fp32":
        return f"measured in {record.precision} instead of fp32"
    if record.backend != "eager":
        return f"measured with the backend {record.backend} instead of eager"
    if _detail(record, "dataset", "known") is False:
        return f"measured on a {record.dataset} that is not the known copy"
    return ""


def _detail(record: Record, part: str, name: str) -> object:
    details = record.details.get(part)
    return details.get(name) if isinstance(details, Mapping) else None


def _absent(entry: Entry, measured: Measured, catalog: Collection[str]) -> str:
    """Why a run has no record of what a figure is about."""
    if entry.model not in catalog:
        return "the network is not in the catalog"
    if not any((entry.model, entry.scale) == (model, scale) for model, scale, _ in measured):
        return "the network is not in the run at this scale"
    where = entry.figure.removeprefix(entry.metric).strip()
    return f"the run has no record of {entry.measure}{f' for {where}' if where else ''}"


def _doubt(difference: Difference, finding: Finding, record: Record, measured: Measured) -> str:
    """Why a known reason does not account for a difference; empty if it does."""
    entry, off = finding.entry, finding.difference
    assert off is not None
    if not difference.low <= off <= difference.high:
        return (
            f"the known reason accounts for a difference of {difference.low} to {difference.high} only: "
            f"{difference.because}"
        )
    if not difference.agrees_with:
        return ""
    witness: Record | None = record
    if difference.agrees_model:
        others = measured.get((difference.agrees_model, entry.scale, "cost"), ())
        same = [other for other in others if entry.takes_input(other.input) and not other.not_measured]
        witness = _last(same) if same else None
    parts = [amount(witness, metric, entry.unit) for metric in difference.agrees_with] if witness else []
    if not parts:
        return ""  # the other network is not in this run: the bounds alone decide
    total = sum((part for part in parts if part is not None), Decimal(0))
    if None not in parts and _agrees(entry, total):
        return ""
    named = " + ".join(difference.agrees_with)
    owner = f" of {difference.agrees_model}" if difference.agrees_model else ""
    return f"the known reason does not hold, {named}{owner} is {total:f} {entry.unit}: {difference.because}"


def _hint(entry: Entry, record: Record, records: Sequence[Record]) -> str:
    """What else in the run agrees with the published figure."""
    if entry.metric == "psnr":
        near = [
            other
            for other in records
            if other.dataset == entry.dataset
            and other.protocol != entry.protocol
            and not _unfit(other, entry)
        ]
        found = [
            f"protocol {other.protocol} ({value:.3f})"
            for other in near
            if (value := amount(other, "psnr")) is not None and abs(value - entry.value) <= NEAR_DB
        ]
    else:
        family = entry.metric.partition("_")[0]
        found = [
            metric
            for metric in COUNTS
            if metric != entry.metric
            and metric.partition("_")[0] == family
            and _agrees(entry, amount(record, metric, entry.unit))
        ]
    return f"agrees with {' and '.join(dict.fromkeys(found))}" if found else ""
