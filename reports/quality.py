"""The records of quality by dataset, network and protocol: what the lens and the differences show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from reports.columns import dataset_digest
from reports.definitions import REFERENCE, dataset_order
from reports.identity import (
    group_key,
    kept,
    model_title,
    sort_records,
    weights_digest,
    weights_label,
)
from reports.machines import configuration, environments, machine_names
from suite.records import Record


@dataclass(frozen=True, slots=True)
class Network:
    """One network with its weights in one configuration, as it is named."""

    title: str
    origin: str
    """Origin of the weights, and the configuration and machine where there are several."""

    @property
    def name(self) -> str:
        """Both, as in ``BSRN, official``."""
        return f"{self.title}, {self.origin}"


@dataclass(frozen=True, slots=True)
class Sheet:
    """All records of quality on one dataset at one scale."""

    dataset: str
    """Name, with the start of the digest where several sets bear it."""
    records: dict[Network, dict[str, Record]]
    """By network, best mean PSNR first, and by protocol."""

    @property
    def protocols(self) -> set[str]:
        """The protocols of any record."""
        return {protocol for records in self.records.values() for protocol in records}


@kept
def sheets(records: Sequence[Record]) -> dict[int, tuple[Sheet, ...]]:
    """The records of quality as sheets by scale, ascending; datasets in the order of the field.

    Of several records of one network, dataset and protocol one with values counts before one without, then
    the latest.
    """
    quality = [record for record in sort_records(records) if record.measure == "quality"]
    names = _network_names(quality)
    copies: dict[str, set[str]] = {}
    for record in quality:
        copies.setdefault(record.dataset, set()).update({dataset_digest(record)} - {""})
    found: dict[int, tuple[Sheet, ...]] = {}
    for scale, same_scale in groupby(quality, key=lambda r: r.scale):
        by_set: dict[tuple[str, str], list[Record]] = {}
        for record in same_scale:
            digest = dataset_digest(record) if len(copies[record.dataset]) > 1 else ""
            by_set.setdefault((record.dataset, digest[:8]), []).append(record)
        order = sorted(by_set, key=lambda key: (dataset_order(key[0]), key[1]))
        found[scale] = tuple(
            Sheet(f"{name} ({digest})" if digest else name, _by_network(by_set[name, digest], names))
            for name, digest in order
        )
    return found


def _by_network(
    records: Sequence[Record], names: dict[tuple[object, ...], Network]
) -> dict[Network, dict[str, Record]]:
    found: dict[Network, dict[str, Record]] = {}
    for record in sorted(records, key=lambda r: (bool(r.values), r.finished, r.key)):
        found.setdefault(names[_identity(record)], {})[record.protocol] = record

    def place(network: Network) -> tuple[float, str, str]:
        record = found[network].get(REFERENCE)
        psnr = record.value("psnr") if record else None
        return (math.inf if psnr is None else -psnr, network.title.lower(), network.origin)

    return {network: found[network] for network in sorted(found, key=place)}


def _identity(record: Record) -> tuple[object, ...]:
    return (group_key(record), record.model, record.weights, weights_digest(record))


def _network_names(records: Sequence[Record]) -> dict[tuple[object, ...], Network]:
    machines = machine_names(environments(records))
    settings = {configuration(record) for record in records}
    places = {group_key(record)[0] for record in records}
    names = {}
    for record in records:
        words = [weights_label(record)]
        words += [configuration(record)] if len(settings) > 1 else []
        words += [machines[group_key(record)[0]]] if len(places) > 1 else []
        names[_identity(record)] = Network(model_title(record), ", ".join(words))
    return names


def networks(records: Sequence[Record]) -> dict[str, Network]:
    """The networks of records, as they are named, by the records' keys."""
    names = _network_names(records)
    return {record.key: names[_identity(record)] for record in records}


def signed(value: float, decimals: int) -> str:
    """A difference with its sign; zero has none."""
    text = f"{value:+.{decimals}f}"
    return (text if text.strip("+-0.") else text[1:]).replace("-", "\u2212")
