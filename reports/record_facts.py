"""What the page's dialog tells of the record behind a figure, as plain data without repetitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.commands import remake
from reports.definitions import protocol_meaning, size_label
from reports.leaderboard import group_key, weights_digest, weights_label
from reports.machines import configuration, environments, facts, machine_names
from suite.records import Record
from suite.timing import samples_of


def record_facts(records: Sequence[Record], commands: Sequence[str]) -> dict[str, Any]:
    """The facts of records by key; what many share stands once in ``shared`` and is named by its place.

    A fact is a pair of a label and a text. ``samples`` are timings in ms, ``images`` the figures of single
    images by metric.
    """
    shared: dict[tuple[tuple[str, str], ...], int] = {}
    names = machine_names(environments(records))
    found = {}
    for record in sorted(records, key=lambda r: r.key):
        environment = group_key(record)[0]
        blocks = [
            _subject(record),
            _dataset(record),
            (("Configuration", configuration(record)), ("Executed by", _executed_by(record))),
            (("Machine", names[environment]), *_environment(record)),
            (("Command that remakes it", remake(record, commands)),),
        ]
        facts_of = {
            "own": [["Record", record.key], ["Finished", record.finished]],
            "shared": [shared.setdefault(block, len(shared)) for block in map(_filled, blocks) if block],
        }
        if times := [round(value, 3) for value in samples_of(record)]:
            facts_of["samples"] = times
        if images := _images(record):
            facts_of["images"] = images
        found[record.key] = facts_of
    return {"shared": [[list(pair) for pair in block] for block in shared], "records": found}


def _filled(block: Sequence[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((label, text) for label, text in block if text)


def _subject(record: Record) -> list[tuple[str, str]]:
    weights = record.details.get("weights", {})
    file = weights.get("file", "") if isinstance(weights, Mapping) else ""
    return [
        ("Model", record.model),
        ("Scale", f"\u00d7{record.scale}"),
        ("Weights", weights_label(record)),
        ("Weights file", str(file)),
        ("SHA-256 of the weights", weights_digest(record)),
    ]


def _executed_by(record: Record) -> str:
    """What stood in for the backend of the record, with its proof; empty where nothing did."""
    found = record.details.get("stand_in") or {}
    if not found:
        return ""
    return f"{found['backend']}, which differs from eager by {found['difference']:.1e} of the value range"


def _dataset(record: Record) -> list[tuple[str, str]]:
    dataset = record.details.get("dataset", {})
    images, digest = (dataset.get("images", ""), dataset.get("digest", "")) if dataset else ("", "")
    meaning = f"{record.protocol}: {protocol_meaning(record.protocol)}" if record.protocol else ""
    return [
        ("Input", size_label(record.input)),
        ("Dataset", f"{record.dataset}, {images} images" if images else record.dataset),
        ("SHA-256 of its pixels", str(digest)),
        ("Protocol", meaning),
    ]


def _environment(record: Record) -> list[tuple[str, str]]:
    return [*facts(record.environment), ("Version of the suite", str(record.environment.get("code", "")))]


def _images(record: Record) -> dict[str, list[float]]:
    """The figures of single images by metric, to the digits that a strip of dots can show."""
    found: dict[str, list[float]] = {}
    for value in record.values:
        if value.image and abs(value.value) < 1e6:
            found.setdefault(value.metric, []).append(round(value.value, 4))
    return found
