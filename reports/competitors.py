"""The networks that compete in a challenge table, and what the records say of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reports.identity import model_title
from suite.ranking import ACTIVATIONS, FLOPS, MEMORY, PARAMS, RUNTIME, Challenge
from suite.records import Record, Value

PIXELS = "256x256"
"""The input at which the challenges count and here networks are timed."""
PROTOCOL = "ntire-rgb"
COUNTS = {"model_summary": "macs_ntire", "fvcore": "macs_fvcore"}
"""Metric by the tool that a challenge counts FLOPs with."""
FLOOR_SETS = {
    "div2k": ("DIV2K_valid", 100),
    "div2kval": ("DIV2K_valid", 100),
    "div2kvalid": ("DIV2K_valid", 100),
    "div2klsdirvalid": ("DIV2K_LSDIR_valid", 200),
    "lsdirdiv2kvalid": ("DIV2K_LSDIR_valid", 200),
    "div2klsdirtest": ("DIV2K_LSDIR_test", 200),
    "lsdirdiv2ktest": ("DIV2K_LSDIR_test", 200),
}
"""The dataset of a floor and its number of images, by the letters and digits of a measured dataset's name."""


def letters(name: str) -> str:
    """A dataset's name without what people write differently: lower case, letters and digits alone."""
    return "".join(filter(str.isalnum, name.lower()))


@dataclass(frozen=True, slots=True)
class Competitor:
    """What the records say of one network."""

    records: tuple[Record, ...]

    @property
    def title(self) -> str:
        return model_title(self.records[0])

    def record(self, measure: str) -> Record | None:
        """The record of a measure at the challenge's input that has values; the last one."""
        found = [
            r for r in self.records if r.measure == measure and r.values and r.input.endswith(f"x{PIXELS}")
        ]
        return max(found, key=lambda r: (r.finished, r.key), default=None)

    def value(self, measure: str, metric: str) -> Value | None:
        """A figure at the challenge's input, if it is a number."""
        record = self.record(measure)
        found = (v for v in record.values if v.metric == metric and not v.image) if record else iter(())
        return next((v for v in found if math.isfinite(v.value)), None)

    def number(self, measure: str, metric: str) -> float | None:
        value = self.value(measure, metric)
        return None if value is None else value.value

    def figures(self, challenge: Challenge) -> dict[str, float]:
        """The figures of a challenge's terms: ms, numbers and bytes."""
        found = {
            RUNTIME: self.number("runtime", "latency_ms"),
            PARAMS: self.number("cost", "params"),
            FLOPS: self.number("cost", COUNTS[challenge.counts]),
            ACTIVATIONS: self.number("cost", "activations_ntire"),
            MEMORY: self.number("memory", "peak_bytes"),
        }
        return {term: figure for term, figure in found.items() if figure is not None}

    def psnr(self) -> dict[str, float]:
        """PSNR by the name of a floor's dataset, where it was measured by the challenge's protocol."""
        found = {}
        for record in self.records:
            name, images = FLOOR_SETS.get(letters(record.dataset), ("", 0))
            value = record.value("psnr")
            count = record.details.get("dataset", {}).get("images")
            if name and record.protocol == PROTOCOL and value is not None and count == images:
                found[name] = value
        return found

    @property
    def session(self) -> str:
        record = self.record("runtime")
        return str(record.details.get("session", "")) if record else ""


def find_baseline(challenge: Challenge, competitors: Sequence[Competitor]) -> Mapping[str, float] | None:
    """Figures of the challenge's baseline as measured here; None unless it is among the competitors.

    A network is taken for it by its name and its number of parameters.
    """
    published = challenge.baseline.figures[PARAMS]
    for competitor in competitors:
        if competitor.records[0].model != challenge.baseline.model:
            continue
        figures = competitor.figures(challenge)
        if round(figures.get(PARAMS, 0) / 1e6, 3) == published and {RUNTIME, FLOPS} <= figures.keys():
            return figures
    return None
