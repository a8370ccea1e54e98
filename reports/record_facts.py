"""What the page's dialog tells of the record behind a figure, as plain data without repetitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from reports.commands import remake
from reports.definitions import protocol_meaning, size_label
from reports.distributions import Distribution
from reports.identity import group_key, weights_digest, weights_label
from reports.machines import configuration, environments, facts, machine_names
from suite.pairs import image_figures
from suite.records import Record
from suite.timing import samples_of

IMAGE_UNIT = 1e-4
"""Of the figures of single images, in dB or parts of one: what a strip of dots can show."""


def record_facts(
    records: Sequence[Record], commands: Sequence[str], distributions: Sequence[Distribution] = ()
) -> dict[str, Any]:
    """The facts of records by key; what many share stands once in ``shared`` and is named by its place.

    A fact is a pair of a label and a text. ``samples`` are timings in ms. ``images`` are the figures of
    single images by metric, as a place in ``bases`` and the differences to it in `IMAGE_UNIT`; or, where the
    page has them already, as the number of a distribution, counted from 1, and the network's place in it.
    """
    shared: dict[tuple[tuple[str, str], ...], int] = {}
    machines = environments(records)
    names = machine_names(machines)
    machine_facts = {id: (("Machine", names[id]), *facts(machine)) for id, machine in machines.items()}
    found = {}
    for record in sorted(records, key=lambda r: r.key):
        blocks = [
            _subject(record),
            _dataset(record),
            (("Configuration", configuration(record)), ("Executed by", _executed_by(record))),
            (*machine_facts[group_key(record)[0]], ("Version of the suite", _version(record))),
            (("Command that remakes it", remake(record, commands)),),
        ]
        facts_of = {
            "finished": record.finished,
            "shared": [shared.setdefault(block, len(shared)) for block in map(_filled, blocks) if block],
        }
        if times := [round(value, 3) for value in samples_of(record)]:
            facts_of["samples"] = times
        found[record.key] = facts_of
    bases = _add_images(found, records, distributions)
    shared_facts = [[list(pair) for pair in block] for block in shared]
    return {"shared": shared_facts, "records": found, "bases": bases}


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


def _version(record: Record) -> str:
    return str(record.environment.get("code", ""))


def _add_images(
    found: dict[str, dict[str, Any]], records: Sequence[Record], distributions: Sequence[Distribution]
) -> list[list[int]]:
    """Add ``images`` to what was found of records; returns the bases, the means over records alike."""
    drawn = {
        spread.key: [number, place]
        for number, one in enumerate(distributions, start=1)
        for place, spread in enumerate(one.spreads)
    }
    alike: dict[tuple[Any, ...], list[tuple[str, list[float]]]] = {}
    for record in sorted(records, key=lambda r: r.key):
        for metric in dict.fromkeys(value.metric for value in record.values if value.image):
            if metric == "psnr" and record.key in drawn:
                found[record.key].setdefault("images", {})[metric] = drawn[record.key]
                continue
            figures = [figure for figure in image_figures(record, metric).values() if abs(figure) < 1e6]
            if figures:
                kind = (metric, record.scale, record.dataset, record.protocol, len(figures))
                alike.setdefault(kind, []).append((record.key, figures))
    bases: list[list[int]] = []
    for (metric, *_), members in alike.items():
        rounded = np.rint(np.array([figures for _, figures in members]) / IMAGE_UNIT).astype(np.int64)
        base = np.rint(rounded.mean(axis=0)).astype(np.int64)
        for (key, _), offsets in zip(members, (rounded - base).tolist(), strict=True):
            found[key].setdefault("images", {})[metric] = [len(bases), offsets]
        bases.append(base.tolist())
    return bases
