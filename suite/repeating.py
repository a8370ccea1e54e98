"""Whether a run can be repeated here: the machine, the code, the weights and the images of its records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.catalog import MODELS
from suite.datasets import Dataset, open_dataset
from suite.environment import code_version, describe
from suite.errors import SuiteError
from suite.records import Record
from suite.weights import OFFICIAL, SHIPPED, sha256_of, shipped_file

OF_THE_MACHINE = ("memory", "runtime", "profile")
"""Measures whose figures belong to one environment."""
_FACTS = ("cpu", "cores", "memory_gib", "governor", "accelerator", "system", "python")
_SOFTWARE = ("packages", "settings")


@dataclass(frozen=True, slots=True)
class Found:
    """What of one kind is here."""

    there: int
    total: int
    problems: tuple[str, ...]
    """What is not, or is another; each in a few words."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """What a repetition here would find."""

    machine: tuple[str, ...]
    """What differs between the environments of the records and this one; empty if nothing does."""
    code: tuple[str, ...]
    """Versions of the suite that made the records, where they are not the one here."""
    weights: Found
    images: Found

    @property
    def figures(self) -> bool:
        """Whether cost and quality of all records can be made again."""
        return not (self.weights.problems or self.images.problems)


def look(
    records: Sequence[Record], home: Path, datasets: Iterable[Dataset] = (), *, digests: bool = False
) -> Repeat:
    """What of the records' conditions is here.

    ``datasets``: sets that a command named by a folder. ``digests``: decode all images and compare them; else
    it is only looked whether they are there.
    """
    measured = [record for record in records if record.values]
    known = {(dataset.name, dataset.scale): dataset for dataset in datasets}
    versions = dict.fromkeys(str(record.environment.get("code", "")) for record in measured)
    return Repeat(
        machine=tuple(_machine(measured)),
        code=tuple(version for version in versions if version not in ("", code_version())),
        weights=_weights(measured, home),
        images=_images(measured, home, known, digests),
    )


def _machine(records: Sequence[Record]) -> Iterable[str]:
    """Differences of the first environment that is another than this one, and how many others there are."""
    devices = {record.environment.get("id", ""): record for record in records}
    others = [r for r in devices.values() if r.environment.get("id") != describe(r.device)["id"]]
    if others:
        there, here = others[0].environment, describe(others[0].device)
        yield from (f"{name}: {a} there, {b} here" for name, a, b in _differences(there, here))
    if len(devices) > 1:
        yield f"{len(devices)} environments in one run, of which {len(others)} are not this one"


def _differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> Iterable[tuple[str, object, object]]:
    pairs = [(name, there.get(name), here.get(name)) for name in _FACTS]
    for group in _SOFTWARE:
        first, second = there.get(group) or {}, here.get(group) or {}
        pairs += [(name, first.get(name), second.get(name)) for name in sorted({*first, *second})]
    return [(name, _shown(a), _shown(b)) for name, a, b in pairs if a != b]


def _shown(value: object) -> object:
    return "none" if value in (None, "") else value


def _weights(records: Sequence[Record], home: Path) -> Found:
    files: dict[tuple[str, str], Record] = {}
    for record in records:
        if sha256 := record.details.get("weights", {}).get("sha256"):
            files.setdefault((record.weights, sha256), record)
    problems = []
    for (origin, sha256), record in files.items():
        name = f"{origin} weights of {record.model} x{record.scale}"
        try:
            file = _weights_file(record, home)
            if file is None or not file.is_file():
                problems.append(f"{name} are not here")
            elif sha256_of(file) != sha256:
                problems.append(f"{name} are another file here")
        except SuiteError as error:
            problems.append(str(error))
    return Found(len(files) - len(problems), len(files), tuple(problems))


def _weights_file(record: Record, home: Path) -> Path | None:
    card = MODELS.get(record.model)
    if record.weights == OFFICIAL:
        official = card.official.get(record.scale) if card else None
        return home / "weights" / official.path if official else None
    if record.weights == SHIPPED:
        return shipped_file(card, record.scale) if card else None
    return Path(record.weights)


def _images(
    records: Sequence[Record], home: Path, known: Mapping[tuple[str, int], Dataset], digests: bool
) -> Found:
    wanted = {
        (record.dataset, record.scale): str(record.details.get("dataset", {}).get("digest", ""))
        for record in records
        if record.dataset
    }
    problems = []
    for (name, scale), digest in wanted.items():
        try:
            dataset = known.get((name, scale)) or open_dataset(name, scale, home)
            dataset.files  # noqa: B018  raises where images are missing
            if digests and dataset.digest != digest:
                problems.append(f"the images of {name} x{scale} are others here")
        except SuiteError:
            problems.append(f"the images of {name} x{scale} are not here")
    return Found(len(wanted) - len(problems), len(wanted), tuple(problems))
