"""From what was asked for to the list of tasks."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from suite.backends import AUTO, STEPWISE, backend_by_name, versions
from suite.catalog import DATASETS, model_card
from suite.catalog.cards import ModelCard
from suite.catalog.protocols import protocol_ids
from suite.datasets import Dataset, dataset_name, open_dataset
from suite.errors import SuiteError, UsageError
from suite.foreign import foreign_digest
from suite.home import holds
from suite.isolation import PATIENCE_S
from suite.measures import MEASURES, USUAL, measure_by_name
from suite.records import make_key
from suite.regions import Region, image_sizes, parse_crops, place_crops, usual_regions
from suite.task import Size, Subject, Task, size_text
from suite.weights import NO_WEIGHTS, WITHOUT_PARAMETERS, Weights, find_weights, source_digest

NTIRE_SIZE = (256, 256)
"""Height and width of the low-resolution input in the NTIRE challenges."""
OUTPUT_SIZE = (720, 1280)
"""Height and width of the output for which papers give their multiply-accumulates."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a user asked for; names as they were typed."""

    models: tuple[str, ...]
    home: Path
    datasets: tuple[str, ...] = ()
    """Empty: Set5 if it is there, else the photographs inside scikit-image."""
    scales: tuple[int, ...] = (4,)
    measures: tuple[str, ...] = USUAL
    protocols: tuple[str, ...] = ("sr-y",)
    weights: str | None = None
    """``official``, ``shipped``, a path, or None for the best that is there."""
    backends: tuple[str, ...] = ("eager",)
    device: str = "cpu"
    precision: str = "fp32"
    threads: int = 1
    effort: str = "standard"
    patience: float = PATIENCE_S
    """How long a process may be silent, in seconds, before it counts as hanging."""
    crops: tuple[str, ...] | None = None
    """Crops that pictures are kept of, as ``IMAGE:X,Y,WxH``; empty for the usual parts of the first dataset,
    None for no pictures."""


def ntire_input(channels: int) -> Size:
    """The input of the NTIRE challenges."""
    return (channels, *NTIRE_SIZE)


def paper_input(channels: int, scale: int) -> Size:
    """The input for an output of 1280x720 (1278x720 at x3, the nearest below, as the field does)."""
    return (channels, OUTPUT_SIZE[0] // scale, OUTPUT_SIZE[1] // scale)


def default_datasets(home: Path) -> tuple[str, ...]:
    """Set5 where the home has it, else the photographs inside scikit-image."""
    return ("Set5",) if holds(home, DATASETS["Set5"]) else ("photos",)


def make_plan(request: Request) -> list[Task]:
    """The tasks of a request, cheap measures first.

    Raises `UsageError` for unknown names. What can't be measured for another reason (a missing folder or
    file, a scale that a model lacks) becomes a task with its ``problem``.
    """
    cards = [model_card(name) for name in dict.fromkeys(request.models)]
    measures = [measure_by_name(name).name for name in request.measures]
    request = dataclasses.replace(request, protocols=protocol_ids(request.protocols))
    for name in request.backends:
        if name != AUTO:
            backend_by_name(name)
    names = _dataset_names(request)
    tasks: list[Task] = []
    for scale in dict.fromkeys(request.scales):
        datasets = [_open(name, scale, request.home) for name in names] if "quality" in measures else []
        usual = default_datasets(request.home)[0]
        timed = next((entry for entry in datasets if entry[0] == usual), None)
        if timed is None and "runtime" in measures:
            timed = _open(usual, scale, request.home)
        regions = _regions(datasets, request)
        for card in cards:
            for number, backend in enumerate(dict.fromkeys(request.backends)):
                subject, problem = _subject(card, scale, backend, request)
                # What a network costs does not depend on how it is executed: once is enough.
                wanted = [name for name in measures if name != "cost" or number == 0]
                tasks += _tasks_of(subject, problem, datasets, timed, regions, wanted, request)
    order = {
        name: position for position, name in enumerate(("cost", "memory", "runtime", "profile", "quality"))
    }
    patient = (dataclasses.replace(task, patience=request.patience) for task in tasks)
    return sorted(patient, key=lambda task: order[task.measure])


def _dataset_names(request: Request) -> list[str]:
    names = list(dict.fromkeys(request.datasets or default_datasets(request.home)))
    labels = [dataset_name(name) for name in names]
    for name, label in zip(names, labels, strict=True):
        if "=" not in name and not name.endswith(".toml"):
            continue  # a catalogued set, which may be named twice
        if any(label.lower() == known.lower() for known in DATASETS):
            raise UsageError(f"--datasets {name}: {label} is a catalogued set; give the folder another name.")
        if labels.count(label) > 1:
            raise UsageError(f"--datasets names two folders {label}: give them different names.")
    return names


Opened = tuple[str, Dataset | None, str]
"""Name of a dataset, the dataset if it could be opened, else why not."""


def _open(name: str, scale: int, home: Path) -> Opened:
    try:
        dataset = open_dataset(name, scale, home)
        return dataset.name, dataset, ""
    except SuiteError as error:
        return dataset_name(name), None, str(error)


def _regions(datasets: Sequence[Opened], request: Request) -> dict[str, tuple[Region, ...]]:
    """What pictures are kept of, by dataset. Raises `UsageError` for a crop that is not in any of them."""
    sizes: dict[str, dict[str, tuple[int, int]]] = {}
    if request.crops is not None:
        for name, dataset, _ in datasets:
            sizes[name] = {}
            with contextlib.suppress(SuiteError):  # a damaged set is the reason of its tasks
                sizes[name] = image_sizes(dataset) if dataset else {}
    if not request.crops:
        return {name: usual_regions(sizes[name]) for name in list(sizes)[:1]}
    return place_crops(parse_crops(request.crops), sizes)


def _subject(card: ModelCard, scale: int, backend: str, request: Request) -> tuple[Subject, str]:
    """A model at a scale in the configuration asked for, and why it can't be had, if so."""
    problem = ""
    weights = Weights(request.weights or NO_WEIGHTS)
    if scale not in card.scales:
        known = ", ".join(f"x{known}" for known in card.scales)
        problem = f"{card.name} has no x{scale} network (only {known})."
    else:
        try:
            weights = find_weights(card, scale, request.home, request.weights)
        except SuiteError as error:
            problem = str(error)
    configuration = (backend, request.device, request.precision, request.threads)
    return Subject(card, scale, weights, *configuration), problem


def _tasks_of(
    subject: Subject,
    problem: str,
    datasets: Sequence[Opened],
    timed: Opened | None,
    regions: Mapping[str, tuple[Region, ...]],
    measures: Sequence[str],
    request: Request,
) -> Iterator[Task]:
    channels = subject.card.input.channels
    ntire, paper = ntire_input(channels), paper_input(channels, subject.scale)
    buildable = subject.scale in subject.card.scales
    if "cost" in measures:  # needs the network, not its weights
        for size in (ntire, paper):
            yield Task("cost", subject, input=size, problem="" if buildable else problem)
    if "memory" in measures:
        yield Task("memory", subject, input=ntire, problem=problem)
    if "runtime" in measures:
        yield Task("runtime", subject, input=ntire, effort=request.effort, problem=problem)
    if "profile" in measures:
        inside = subject.backend in (*STEPWISE, AUTO)
        unfit = (
            "" if inside else f"a profile is of PyTorch's operators: use --backend {' or '.join(STEPWISE)}."
        )
        yield Task("profile", subject, input=ntire, effort=request.effort, problem=problem or unfit)
    if "runtime" in measures and timed:  # the usual set whatever is asked for: a large one costs hours
        name, dataset, trouble = timed
        yield Task("runtime", subject, dataset, name, problem=problem or trouble)
    if not problem and not subject.weights.judged:
        problem = _without_weights(subject)
    for name, dataset, trouble in datasets:
        for protocol in request.protocols:
            task = Task("quality", subject, dataset, name, protocol, problem=problem or trouble)
            if protocol == request.protocols[0]:  # the pictures of one pass are kept once
                task = dataclasses.replace(task, regions=regions.get(name, ()))
            yield task


def _without_weights(subject: Subject) -> str:
    official = subject.card.official.get(subject.scale)
    where = ""
    if official:
        where = f"call 'fetch models {subject.card.name}' ({official.source}), or "
    return f"there are no weights for {subject.title}: {where}give --weights PATH."


def determining(task: Task, environment_id: str) -> dict[str, Any]:
    """All that determines the values of a task, as plain JSON.

    Reads the whole dataset of a quality task. Raises `SuiteError` if an image of it cannot be read.
    """
    subject, card = task.subject, task.subject.card
    return {
        "measure": task.measure,
        "version": MEASURES[task.measure].version,
        "model": card.name,
        "build": card.build,
        "code": foreign_digest(card.build, card.root) if card.foreign else source_digest(card.build),
        "arguments": dict(card.arguments),
        "convention": dataclasses.asdict(card.input),
        "scale": subject.scale,
        "weights": [subject.weights.origin, subject.weights.sha256],
        "backend": subject.backend,
        **_backend_versions(subject.backend),
        "device": subject.device,
        "precision": subject.precision,
        "threads": subject.threads,
        "dataset": [task.dataset_name, task.dataset.digest if task.dataset and not task.problem else ""],
        "protocol": task.protocol,
        "input": size_text(task.input) if task.input else "",
        "effort": task.effort,
        "environment": environment_id,
    }


def _backend_versions(name: str) -> dict[str, Any]:
    """The versions of the packages that a backend needs and others do not; nothing where it needs none."""
    packages = () if name == AUTO else backend_by_name(name).packages
    return {"backend_versions": versions(packages)} if packages else {}


class Identity(NamedTuple):
    """What a record of a task is found by."""

    key: str
    problem: str
    """Why the task can't be measured, if that is known by now (a damaged image, say)."""
    determining: dict[str, Any]
    """What the key is the digest of."""


def task_key(task: Task, environment_id: str) -> Identity:
    """The key of a task. Reads the whole dataset of a quality task."""
    try:
        facts = determining(task, environment_id)
    except SuiteError as error:
        task = dataclasses.replace(task, problem=str(error))
        facts = determining(task, environment_id)
    return Identity(make_key(facts), task.problem, facts)


def describe_sources(tasks: Sequence[Task]) -> str:
    """One line on which weights and datasets a plan uses."""
    origins: dict[str, list[str]] = {}
    tasks = [task for task in tasks if not task.problem]
    for task in tasks:
        names = origins.setdefault(_origin_text(task.subject.weights.origin), [])
        if task.subject.card.name not in names:
            names.append(task.subject.card.name)
    weights = "; ".join(f"{origin} for {', '.join(names)}" for origin, names in origins.items())
    datasets = ", ".join(dict.fromkeys(task.dataset_name for task in tasks if task.dataset_name))
    return f"Weights: {weights or 'none'}. Datasets: {datasets or 'none'}."


def _origin_text(origin: str) -> str:
    return {NO_WEIGHTS: "random numbers", WITHOUT_PARAMETERS: "nothing to load"}.get(origin, origin)
