"""How the numbers of a report came about: machines, weights, datasets, samples, records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from reports.definitions import FIGURES, PSNR, SSIM, protocol_meaning, protocol_order, size_label
from reports.identity import group_key, model_title, sort_records, weights_label
from reports.machines import configuration, environments, facts, machine_names
from reports.notes import join, unique
from reports.view import View
from suite.records import Record
from suite.timing import samples_of

_KNOWN = {True: "yes", False: "no: figures may differ from published ones", None: "no copy is known"}


@dataclass(frozen=True, slots=True)
class Machine:
    """One environment."""

    name: str
    facts: tuple[tuple[str, str], ...]
    """Label and text of all that is recorded of it, with the configurations measured in it."""


@dataclass(frozen=True, slots=True)
class ModelSource:
    """Where the weights of a model at one scale come from."""

    title: str
    model: str
    scale: int
    origin: str
    file: str
    """Name of the file without its folder; empty if there is none."""
    sha256: str


@dataclass(frozen=True, slots=True)
class DatasetSource:
    """What a dataset at one scale consists of."""

    name: str
    scale: int
    images: str
    lr: str
    """How the LR images came about."""
    known: str
    """Whether it is the copy that published figures are made with."""
    digest: str


@dataclass(frozen=True, slots=True)
class Samples:
    """The timings of one row at one input size."""

    title: str
    where: str
    """Scale, input, machine and configuration."""
    samples_ms: tuple[float, ...]
    """In the order in which they were taken."""
    median_ms: float
    lower_ms: float
    upper_ms: float

    @property
    def listed(self) -> str:
        """All of them as text, to a microsecond."""
        return ", ".join(f"{value:.3f}" for value in self.samples_ms)


class RecordLine(NamedTuple):
    """What the list of all records has of one, of which there may be tens of thousands."""

    key: str
    measure: str
    title: str
    scale: int
    of: str
    """Dataset, protocol and input."""
    finished: str
    not_measured: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """Everything that a reader needs to judge the numbers and make them again."""

    machines: tuple[Machine, ...]
    versions: tuple[str, ...]
    """Versions of the suite's code."""
    models: tuple[ModelSource, ...]
    datasets: tuple[DatasetSource, ...]
    protocols: tuple[tuple[str, str], ...]
    """Id and meaning."""
    definitions: tuple[tuple[str, str], ...]
    """Heading of a column and what its number is."""
    samples: tuple[Samples, ...]
    records: tuple[RecordLine, ...]


def build_provenance(records: Sequence[Record], view: View) -> Provenance:
    """The provenance of a view made from the same records."""
    ordered = sort_records(records)
    return Provenance(
        machines=_machines(ordered),
        versions=tuple(unique(sorted(str(r.environment.get("code", "")) for r in ordered))),
        models=tuple(dict.fromkeys(map(_model, ordered))),
        datasets=_datasets(ordered),
        protocols=tuple(
            (p, protocol_meaning(p))
            for p in unique(sorted((r.protocol for r in ordered), key=protocol_order))
        ),
        definitions=_definitions(view),
        samples=_samples(ordered),
        records=tuple(map(_record, ordered)),
    )


def _record(record: Record) -> RecordLine:
    of = ", ".join(filter(None, (record.dataset, record.protocol, record.input)))
    return RecordLine(
        *(record.key, record.measure, model_title(record), record.scale),
        *(of, record.finished, record.not_measured),
    )


def _machines(records: Sequence[Record]) -> tuple[Machine, ...]:
    found = environments(records)
    names = machine_names(found)
    machines = []
    for key, environment in found.items():
        used = unique(configuration(r) for r in records if group_key(r)[0] == key)
        machines.append(Machine(names[key], (*facts(environment), ("Measured with", "; ".join(used)))))
    return tuple(machines)


def _model(record: Record) -> ModelSource:
    weights = record.details.get("weights", {})
    return ModelSource(
        title=model_title(record),
        model=record.model,
        scale=record.scale,
        origin=weights_label(record),
        file=str(weights.get("file", "")),
        sha256=str(weights.get("sha256", "")),
    )


def _datasets(records: Sequence[Record]) -> tuple[DatasetSource, ...]:
    """Each set once: a timing over its images does not say where the LR images come from, a quality does."""
    found = dict.fromkeys(_dataset(r) for r in records if r.details.get("dataset"))
    told = {(one.name, one.scale, one.digest) for one in found if one.lr}
    return tuple(one for one in found if one.lr or (one.name, one.scale, one.digest) not in told)


def _dataset(record: Record) -> DatasetSource:
    dataset = record.details["dataset"]
    made = "made from the HR images by MATLAB's bicubic"
    return DatasetSource(
        name=record.dataset,
        scale=record.scale,
        images=str(dataset.get("images", "")),
        lr={"made": made, "stored": "stored files"}.get(dataset.get("lr"), ""),
        known=_KNOWN.get(dataset.get("known"), ""),
        digest=str(dataset.get("digest", "")),
    )


def _definitions(view: View) -> tuple[tuple[str, str], ...]:
    """Each figure of the tables once, with the inputs it is given for."""
    columns = [column for table in view.tables for column in table.columns]
    found = []
    for figure in (*FIGURES, PSNR, SSIM):
        same = [column for column in columns if column.metric == figure.metric]
        if not same:
            continue
        sizes = unique(column.at for column in same)
        counts = unique(column.samples for column in same)
        sentences = [
            figure.definition,
            f"Given for {join(sizes)}" if sizes else "",
            f"Median of {join(counts)} samples with its 95 % bootstrap interval" if counts else "",
        ]
        units = unique(column.unit for column in same)
        heading = f"{figure.label} ({join(units)})" if units else figure.label
        found.append((heading, ". ".join(filter(None, sentences)) + "."))
    return tuple(found)


def _samples(records: Sequence[Record]) -> tuple[Samples, ...]:
    machines = machine_names(environments(records))
    found = []
    for record in records:
        times = samples_of(record)
        figure = next((v for v in record.values if v.metric == "latency_ms"), None) if times else None
        if figure is None:
            continue
        place = f"{machines[group_key(record)[0]]}; {configuration(record)}"
        found.append(
            Samples(
                title=f"{model_title(record)}, {weights_label(record)}",
                where=f"\u00d7{record.scale}, input {size_label(record.input)}; {place}",
                samples_ms=times,
                median_ms=figure.value,
                lower_ms=figure.value if figure.lower is None else figure.lower,
                upper_ms=figure.value if figure.upper is None else figure.upper,
            )
        )
    return tuple(sorted(found, key=lambda sample: (sample.where, sample.median_ms, sample.title)))
