"""Typed access to what a TOML file holds; every refusal is one sentence that names file and entry."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from suite.errors import UsageError, unknown_name


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a ledger."""

    file: str
    entry: str = ""

    def at(self, entry: str) -> Place:
        """A place inside this one."""
        return Place(self.file, f"{self.entry}, {entry}" if self.entry else entry)

    def error(self, problem: str) -> UsageError:
        """The error for a problem here."""
        where = f"{self.file}, {self.entry}" if self.entry else self.file
        end = "" if problem.endswith(("?", ".")) else "."
        return UsageError(f"{where}: {problem}{end}")


def shown(value: Any) -> str:
    """A value as its reader wrote it, or nearly so."""
    return str(value) if isinstance(value, Decimal) else repr(value)


def known_name(kind: str, name: str, known: Iterable[str], place: Place) -> None:
    """Raise `UsageError` with the nearest known name for one that is not."""
    known = list(known)
    if name not in known:
        raise place.error(str(unknown_name(kind, name, known)))


def only(data: Mapping[str, Any], known: Iterable[str], place: Place) -> None:
    """Raise `UsageError` for a key that nothing would read."""
    known = list(known)
    for key in data:
        known_name("key", key, known, place)


def text(data: Mapping[str, Any], key: str, place: Place, default: str | None = None) -> str:
    """The text of a key; without ``default`` it must be there and say something."""
    value = data.get(key, default)
    if value is None:
        raise place.error(f"{key} is missing")
    if not isinstance(value, str) or not (value.strip() or value == default):
        raise place.error(f"{key} is {shown(value)}: it must be a text")
    return value


def texts(data: Mapping[str, Any], key: str, place: Place) -> tuple[str, ...]:
    """The list of texts of a key, which must be there and not be empty."""
    value = data.get(key)
    if value is None:
        raise place.error(f"{key} is missing")
    if not isinstance(value, list) or not value or not all(isinstance(item, str) for item in value):
        raise place.error(f"{key} is {shown(value)}: it must be a list of texts")
    return tuple(value)


def mapping(data: Mapping[str, Any], key: str, place: Place) -> Mapping[str, Any]:
    """The TOML table of a key; empty if it is not there."""
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise place.error(f"{key} is {shown(value)}: it must be a table of keys and values")
    return value


def mappings(data: Mapping[str, Any], key: str, place: Place) -> list[Mapping[str, Any]]:
    """The list of TOML tables of a key; empty if it is not there."""
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise place.error(f"{key} must be a list of tables of keys and values")
    return value


def number(value: Any, what: str, place: Place) -> Decimal:
    """A finite number with the digits with which it is written."""
    if isinstance(value, bool) or not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
        raise place.error(f"{what} is {shown(value)}: it must be a number")
    return Decimal(value)
