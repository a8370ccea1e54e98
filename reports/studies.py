"""Networks that this project trained under one recipe: what a variant gains, beside what the seed does.

A study is found in the records alone: networks built from one class, trained with one recipe on the same
images, differing in one argument (an ablation) and in the seed. What all of them were built with, a smaller
width for instance, is part of none of the differences.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from reports.definitions import dataset_order, hd_pixels
from reports.grid import Grid, GridCell, GridRow, Section
from reports.identity import model_title, sort_records
from suite.ledger import Ledger, Table, load_ledger
from suite.records import Record
from suite.statistics import Interval, pooled_differences


@dataclass(frozen=True, slots=True)
class Score:
    """One variant on one dataset."""

    psnr: tuple[float, ...]
    """Mean PSNR of the set in dB, by seed in ascending order."""
    ssim: float
    """Mean over the seeds."""
    difference: Interval | None
    """Mean over the seeds minus that of the reference, with its 95 % interval; None for the reference, and
    where no spread is known."""

    @property
    def mean(self) -> float:
        """Mean PSNR over the seeds."""
        return statistics.fmean(self.psnr)


@dataclass(frozen=True, slots=True)
class Variant:
    """One network of a study."""

    model: str
    title: str
    seeds: tuple[int, ...]
    params: int | None
    macs: int | None
    """For an output of 1280x720."""
    scores: tuple[Score | None, ...]
    """By dataset of the study; None where not every seed was measured."""


@dataclass(frozen=True, slots=True)
class Study:
    """Variants of one network under one recipe."""

    id: str
    scale: int
    schedule: str
    iterations: int
    protocol: str
    datasets: tuple[str, ...]
    variants: tuple[Variant, ...]
    """The network itself first, as the reference; then in the order of their parameters."""


def find_studies(records: Sequence[Record]) -> list[Study]:
    """The studies in records: a network, and those that were built with one argument more."""

    def identity(record: Record) -> tuple[str, int, str, str]:
        training = record.details["weights"]
        return (training["recipe"], record.scale, str(record.card.get("build", "")), record.protocol)

    trained = [
        r for r in sort_records(records) if r.measure == "quality" and r.values and _seed(r) is not None
    ]
    studies = []
    for _, members in groupby(sorted(trained, key=identity), key=identity):
        group = list(members)
        arguments = {r.model: _arguments(r) for r in group}
        for reference, own in arguments.items():
            variants = [m for m, others in arguments.items() if own < others and len(others - own) == 1]
            if variants:
                chosen = [r for r in group if r.model in (reference, *variants)]
                studies.append(_study(reference, variants, chosen, records))
    return studies


def _seed(record: Record) -> int | None:
    weights = record.details.get("weights", {})
    seed = weights.get("seed")
    return seed if isinstance(seed, int) and weights.get("recipe") else None


def _study(
    reference: str, variants: Sequence[str], quality: list[Record], records: Sequence[Record]
) -> Study:
    costs = {model: _costs(model, quality[0].scale, records) for model in (reference, *variants)}
    order = [reference, *sorted(variants, key=lambda m: (-(costs[m][0] or 0), m))]
    datasets = tuple(sorted({r.dataset for r in quality}, key=dataset_order))
    by_dataset = [_scores(dataset, order, quality) for dataset in datasets]
    weights: dict[str, Any] = quality[0].details["weights"]
    return Study(
        id=f"{quality[0].card.get('family', '')}-x{quality[0].scale}-{weights['recipe']}".lower(),
        scale=quality[0].scale,
        schedule=str(weights.get("schedule", "")),
        iterations=int(weights.get("iterations") or 0),
        protocol=quality[0].protocol,
        datasets=datasets,
        variants=tuple(
            Variant(
                model,
                next(model_title(r) for r in quality if r.model == model),
                tuple(sorted({_seed(r) or 0 for r in quality if r.model == model})),
                *costs[model],
                tuple(scores[number] for scores in by_dataset),
            )
            for number, model in enumerate(order)
        ),
    )


def _arguments(record: Record) -> frozenset[str]:
    """What a network was built with, one ``name=value`` an argument."""
    return frozenset(
        f"{name}={json.dumps(value, sort_keys=True)}"
        for name, value in record.card.get("arguments", {}).items()
    )


def _costs(model: str, scale: int, records: Sequence[Record]) -> tuple[int | None, int | None]:
    """Parameters and multiply-accumulates for an output of 1280x720, where they were counted."""
    for record in records:
        same = (record.measure, record.model, record.scale) == ("cost", model, scale)
        if same and record.input.partition("x")[2] == hd_pixels(scale) and record.values:
            params, macs = record.value("params"), record.value("macs")
            return (None if params is None else int(params)), (None if macs is None else int(macs))
    return None, None


def _scores(dataset: str, order: Sequence[str], quality: Sequence[Record]) -> list[Score | None]:
    found: list[list[Record]] = []
    for model in order:
        by_seed = {_seed(r): r for r in quality if r.model == model and r.dataset == dataset}
        seeds = {_seed(r) for r in quality if r.model == model}
        found.append(
            [by_seed[s] for s in sorted(by_seed, key=lambda s: s or 0)] if seeds == set(by_seed) else []
        )
    psnr = [tuple(r.value("psnr") or 0.0 for r in group) for group in found]
    whole = [group for group in psnr if group]
    differences = pooled_differences(whole) if whole and psnr[0] else [None] * len(whole)
    left = iter(differences)
    return [
        Score(values, statistics.fmean(r.value("ssim") or 0.0 for r in group), next(left)) if values else None
        for values, group in zip(psnr, found, strict=True)
    ]


def build_studies(records: Sequence[Record]) -> list[Section]:
    """A section for the studies of records; none if there are none."""
    studies = find_studies(records)
    if not studies:
        return []
    lead = (
        "Networks that this project trained itself, each with the same recipe on the same images; only the "
        "part named in the row differs. Small numbers: difference to the first row and its 95 % interval, "
        "from the spread of the seeds pooled over the rows, Bonferroni's correction for the number of rows. "
        "Where the interval holds zero, the difference cannot be told from that between two seeds.",
    )
    return [Section("studies", "Variants under one budget", lead, tuple(grid_of(study) for study in studies))]


def grid_of(study: Study, ledger: Ledger | None = None) -> Grid:
    """A study as a table; with the paper's column where it is Table 1 of the paper.

    ``ledger`` holds the published figures; None for those that come with the suite.
    """
    paper = _paper(study, ledger or load_ledger(None))
    short = ", short schedule" if study.schedule == "short" else ""
    columns = (
        ("Parameters", ""),
        ("MACs (G)", f"{1280 // study.scale * study.scale}\u00d7720 output"),
        *((f"{dataset} (dB)", f"PSNR / SSIM, {study.protocol}") for dataset in study.datasets),
        *([("Paper (dB)", paper.title)] if paper else []),
    )
    return Grid(
        caption=f"{study.variants[0].title} and variants, \u00d7{study.scale}: "
        f"{study.iterations:,} iterations{short}",
        stub="Network",
        columns=columns,
        rows=tuple(
            GridRow(
                variant.title,
                (*_cells(variant), *([_published(variant.model, paper)] if paper else [])),
                sub=f"{_seed_words(variant.seeds)}{short}",
            )
            for variant in study.variants
        ),
        first=3,
        notes=(_spread_note(study), *([f"Paper: {paper.empty}"] if paper and paper.empty else [])),
    )


def _paper(study: Study, ledger: Ledger) -> Table | None:
    """The ledger's Table 1, if the study holds its networks."""
    family = any(variant.model.startswith("rfdn-") for variant in study.variants)
    return next((table for table in ledger.tables if table.id == "table1"), None) if family else None


def _published(model: str, paper: Table) -> GridCell:
    """The paper's PSNR of a network on every set, from its table in the ledger."""
    found = [e for e in paper.entries if e.model == model and e.metric == "psnr"]
    return GridCell(", ".join(f"{e.dataset} {e.value}" for e in found))


def _seed_words(seeds: Sequence[int]) -> str:
    return f"seed {seeds[0]}" if len(seeds) == 1 else f"mean of {len(seeds)} seeds"


def _cells(variant: Variant) -> Iterator[GridCell]:
    yield GridCell("" if variant.params is None else f"{variant.params:,}")
    yield GridCell("" if variant.macs is None else f"{variant.macs / 1e9:.2f}")
    for score in variant.scores:
        if score is None:
            yield GridCell("", "not measured for every seed", "muted")
            continue
        sub, tone = "", ""
        if score.difference:
            difference, lower, upper = score.difference
            sub = f"{difference:+.3f} ({lower:+.3f} to {upper:+.3f})"
            tone = "good" if lower > 0 else "bad" if upper < 0 else "muted"
        yield GridCell(f"{score.mean:.3f} / {score.ssim:.4f}", sub, tone)  # type: ignore[arg-type]


def _spread_note(study: Study) -> str:
    """How far apart two seeds of one network lie, on each dataset."""
    words = []
    for number, dataset in enumerate(study.datasets):
        scores = [v.scores[number] for v in study.variants]
        ranges = [max(s.psnr) - min(s.psnr) for s in scores if s and len(s.psnr) > 1]
        if ranges:
            words.append(f"{dataset} {statistics.fmean(ranges):.3f} dB (at most {max(ranges):.3f})")
    if not words:
        return "One seed each: no spread is known, so no difference can be judged."
    return f"Range of one network's seeds, mean over the rows: {', '.join(words)}."
