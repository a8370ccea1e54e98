"""How the machines and configurations behind records are named, so that unlike ones can be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from suite.records import Record

UNKNOWN = "unknown machine"
FREED_MEMORY = {"keep": "kept by the process", "system": "as the C library does"}
"""What `suite.allocator` does with memory that a network has freed, in words."""


def environment_id(record: Record) -> str:
    """Id of the environment of a record; empty if it has none."""
    return str(record.environment.get("id", ""))


def environments(records: Sequence[Record]) -> dict[str, Mapping[str, Any]]:
    """The environments of records by id, in the order of the ids."""
    found = {environment_id(record): record.environment for record in records}
    return dict(sorted(found.items()))


def facts(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """All that is recorded of a machine, as pairs of a label and a text, in a fixed order."""
    memory = environment.get("memory_gib")
    packages = environment.get("packages", {})
    pairs = [
        ("Processor", environment.get("cpu", "")),
        ("Accelerator", environment.get("accelerator", "")),
        ("Cores available", environment.get("cores", "")),
        ("Memory", f"{memory} GiB" if memory else ""),
        ("Frequency governor", environment.get("governor", "")),
        ("System", environment.get("system", "")),
        ("Python", environment.get("python", "")),
        ("Packages", ", ".join(f"{name} {version}" for name, version in sorted(packages.items()))),
        ("Freed memory", FREED_MEMORY.get(str(environment.get("allocator", "")), "")),
        ("Environment id", environment.get("id", "")),
    ]
    return [(label, str(text)) for label, text in pairs if text not in ("", None)]


def machine_names(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """A short name for every environment, by id.

    Processor or accelerator with the number of cores; where two would have the same name, what differs
    between them is added.
    """
    short = {key: _short_name(environment) for key, environment in found.items()}
    names = {}
    for key, environment in found.items():
        alike = [found[other] for other, name in short.items() if name == short[key]]
        extra = _differences(environment, alike) if len(alike) > 1 else []
        names[key] = ", ".join([short[key], *extra])
    return names


def _short_name(environment: Mapping[str, Any]) -> str:
    cores = environment.get("cores")
    processor = str(environment.get("cpu", "")) or UNKNOWN
    if cores:
        processor = f"{processor}, {cores} core{'' if cores == 1 else 's'}"
    accelerator = str(environment.get("accelerator", ""))
    return f"{accelerator} ({processor})" if accelerator else processor


def _differences(environment: Mapping[str, Any], alike: Sequence[Mapping[str, Any]]) -> list[str]:
    all_facts = [_comparable(one) for one in alike]
    mine = _comparable(environment)
    differing = [label for label in mine if len({other.get(label, "") for other in all_facts}) > 1]
    return [f"{label} {mine[label]}" for label in differing] or [f"id {environment.get('id', '')}"]


def _comparable(environment: Mapping[str, Any]) -> dict[str, str]:
    whole = {"Environment id", "Packages"}
    pairs = {label.lower(): text for label, text in facts(environment) if label not in whole}
    packages = environment.get("packages", {})
    return pairs | {str(name): str(version) for name, version in sorted(packages.items())}


def configuration(record: Record) -> str:
    """Backend, device, precision and threads of a record, as printed."""
    threads = f"{record.threads} thread{'' if record.threads == 1 else 's'}"
    return ", ".join((record.backend, record.device, record.precision, threads))
