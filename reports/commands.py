"""The command that measures one record again, made from the commands of its run."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from suite.records import Record

_DROPPED = ("--out", "--report", "--no-report")
_AGAIN = ["--out", "runs/again", "--no-report"]
"""A folder of its own: in that of the run there would be nothing left to measure."""


@dataclass(frozen=True, slots=True)
class _Command:
    """A ``run`` in its parts."""

    start: tuple[str, ...]
    """Up to and with ``run``."""
    options: tuple[tuple[str, tuple[str, ...]], ...]
    """Options with their values, in order."""

    def values(self, option: str) -> tuple[str, ...]:
        return tuple(value for name, values in self.options if name == option for value in values)


def remake(record: Record, commands: Sequence[str]) -> str:
    """The latest of the commands that could have made a record, with all left out that it does not need.

    A runtime keeps all networks of its command, since it is measured in turn with them. Empty if none of the
    commands could have made the record.
    """
    for text in reversed(commands):
        command = _parse(text)
        if command is not None and _could_make(command, record):
            return shlex.join([*command.start, *_narrowed(command, record), *_AGAIN])
    return ""


@functools.lru_cache(maxsize=1024)
def _parse(text: str) -> _Command | None:
    try:
        words = shlex.split(text)
        start = words.index("run") + 1
    except ValueError:
        return None
    options: list[tuple[str, tuple[str, ...]]] = []
    for word in words[start:]:
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            options.append((name, (value,) if equals else ()))
        elif options:
            options[-1] = (options[-1][0], (*options[-1][1], word))
    return _Command(tuple(words[:start]), tuple(options))


def _could_make(command: _Command, record: Record) -> bool:
    if not _chosen(command.values("--models"), record.model):
        return False
    wanted = [("--scales", str(record.scale)), ("--measures", record.measure)]
    if record.measure == "quality":
        if not _chosen(command.values("--datasets") or (record.dataset,), record.dataset):
            return False
        wanted.append(("--protocols", record.protocol))
    for option, value in wanted:
        values = command.values(option)
        if values and value not in values and values != ("all",):
            return False
    exact = [("--backend", record.backend), ("--device", record.device), ("--precision", record.precision)]
    return all(value in (command.values(option) or (value,)) for option, value in exact)


def _chosen(words: Sequence[str], name: str) -> tuple[str, ...]:
    """Those of an option's values that mean a name: itself, or ``NAME=DIR``.

    Else all that are no plain names, since what those are called is not seen in them.
    """
    named = tuple(word for word in words if word.partition("=")[0] == name)
    return named or tuple(word for word in words if any(mark in word for mark in "./:\\"))


def _narrowed(command: _Command, record: Record) -> list[str]:
    models = command.values("--models")
    if record.measure != "runtime":
        models = _chosen(models, record.model)
    words = ["--models", *models, "--scales", str(record.scale), "--measures", record.measure]
    if record.measure == "quality":
        words += ["--datasets", *(_chosen(command.values("--datasets"), record.dataset) or (record.dataset,))]
        words += ["--protocols", record.protocol]
    replaced = (*_DROPPED, "--models", "--scales", "--measures", "--datasets", "--protocols")
    for name, values in command.options:
        if name not in replaced:
            words += [name, *values]
    return words
