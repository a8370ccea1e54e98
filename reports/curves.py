"""Learning curves: of one training run as a figure, and of the weights that come with the suite."""

from __future__ import annotations

import functools
import hashlib
import importlib.resources
import itertools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reports.grid import Section
from reports.identity import model_title, sort_records, weights_digest
from reports.plot import Chart, Panel, Point
from suite.errors import SuiteError
from suite.records import Record

PACKAGES = ("bsrn", "baselines")
"""Those whose ``weights`` folders hold the logs of the trainings."""


@dataclass(frozen=True, slots=True)
class Curve:
    """How the weights that come with the suite were learned."""

    model: str
    title: str
    scale: int
    dataset: str
    """The set that was validated on."""
    scores: tuple[tuple[int, float], ...]
    """Iteration and validation PSNR in dB."""
    losses: tuple[tuple[int, float], ...]
    """Iteration and mean L1 loss since the last entry."""


def find_curves(records: Sequence[Record]) -> list[Curve]:
    """The curves of the shipped weights in records, whose very file the log lies beside (by its digest)."""
    found: dict[tuple[str, int], Curve] = {}
    for record in sort_records(records):
        key = (record.model, record.scale)
        if record.weights != "shipped" or key in found:
            continue
        log = _shipped_log(record.model, record.scale, weights_digest(record))
        scores = tuple((int(line["iteration"]), float(line["psnr"])) for line in log if "psnr" in line)
        if len(scores) > 1:
            losses = tuple((int(line["iteration"]), float(line["loss"])) for line in log if "loss" in line)
            dataset = next((str(line["set"]) for line in log if "set" in line), "")
            found[key] = Curve(*(record.model, model_title(record), record.scale), dataset, scores, losses)
    return list(found.values())


def build_curves(records: Sequence[Record]) -> list[Section]:
    """A section for the weights that come with the suite; none where records hold none of them."""
    curves = find_curves(records)
    if not curves:
        return []
    points = [
        Point(
            label=f"{curve.title} \u00d7{curve.scale}" if iteration == curve.scores[-1][0] else "",
            x=iteration,
            y=psnr,
            x_interval=None,
            y_interval=None,
            style=style,
            tip=f"{curve.title} \u00d7{curve.scale}: {psnr:.2f} dB after {iteration:,} iterations",
        )
        for style, curve in enumerate(curves)
        for iteration, psnr in curve.scores
    ]
    ends = list(itertools.accumulate(len(curve.scores) for curve in curves))
    links = tuple((n - 1, n) for n in range(1, len(points)) if n not in ends)
    datasets = " or ".join(dict.fromkeys(curve.dataset for curve in curves))
    panel = Panel(
        *("PSNR", "Iteration", f"PSNR (dB), {datasets}", tuple(points)),
        reference=None,
        front=False,
        caption=(),
        x_log=False,
        links=links,
    )
    lead = (
        "Validation while the weights that come with the suite were trained, on a schedule far shorter than "
        "the authors'; from the logs beside the weights, which are known by their digest.",
    )
    chart = Chart("curves", "PSNR by iteration", "", (panel,))
    return [Section("curves", "Learning curves", lead, long=True, charts=(chart,))]


@functools.cache
def _shipped_log(model: str, scale: int, sha256: str) -> tuple[dict[str, Any], ...]:
    """The training log beside the weights with a digest; empty if they are not of the suite's packages."""
    name = f"{model}_x{scale}"
    if not name.replace("-", "").replace("_", "").isalnum():
        return ()
    for package in PACKAGES:
        folder = importlib.resources.files(package) / "weights"
        weights, log = folder / f"{name}.safetensors", folder / f"{name}.log.jsonl"
        if weights.is_file() and log.is_file() and hashlib.sha256(weights.read_bytes()).hexdigest() == sha256:
            return tuple(json.loads(line) for line in log.read_text(encoding="utf-8").splitlines() if line)
    return ()


def write_curve(log: Sequence[Mapping[str, Any]], file: Path, title: str) -> None:
    """Draw loss and validation PSNR of a log against the iteration, as an SVG; same log, same bytes.

    Raises `SuiteError` if the file cannot be written.
    """
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    losses = [(line["iteration"], line["loss"]) for line in log if "loss" in line]
    scores = [(line["iteration"], line["psnr"]) for line in log if "psnr" in line]
    dataset = next((str(line["set"]) for line in log if "set" in line), "")
    with plt.rc_context({"svg.hashsalt": "learning curve", "font.size": 9}):
        figure, (upper, lower) = plt.subplots(2, 1, sharex=True, figsize=(5, 4), layout="constrained")
        try:
            upper.set_title(title)
            if scores:
                upper.plot(*zip(*scores, strict=True), marker="o", markersize=3, color="#0072b2")
            upper.set_ylabel(f"PSNR on {dataset} (dB)" if dataset else "PSNR (dB)")
            if losses:
                lower.plot(*zip(*losses, strict=True), color="#d55e00")
                lower.set_yscale("log")
            lower.set_ylabel("L1 loss")
            lower.set_xlabel("iteration")
            for axes in (upper, lower):
                axes.grid(alpha=0.3)
            figure.savefig(file, metadata={"Date": None})
        except OSError as error:
            raise SuiteError(f"cannot write {file}: {error.strerror}.") from None
        finally:
            plt.close(figure)
