"""``suite fetch``: bring published checkpoints and test sets into the data home."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from suite.catalog import DATASETS, MODELS, dataset_card, model_card
from suite.catalog.cards import DatasetCard
from suite.catalog.origins import Origin, of_dataset, of_models
from suite.cli import common
from suite.cli.screen import open_console

if TYPE_CHECKING:
    from suite.fetch import Fetched

HELP = "fetch published checkpoints or test sets into the data home; what is there is not fetched again"
TERMS = "The files belong to their authors: use them on the terms of the repositories named."


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be in the home afterwards."""

    files: list[Origin]
    sets: list[DatasetCard]
    """Test sets that are checked as a whole."""
    notes: list[str]
    problems: list[str]
    """What was asked for by name and cannot be fetched."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``fetch``."""
    parser.add_argument("what", choices=("models", "datasets"), help="what to fetch")
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all; see: list models, datasets")
    common.add_home(parser)
    parser.add_argument(
        "--offline", action="store_true", help="open no connection; say what is missing and where it is"
    )


def execute(options: argparse.Namespace) -> int:
    """Fetch what is missing. Returns 1 if something asked for is not there afterwards, else 0."""
    request = (_models if options.what == "models" else _datasets)(options.names)

    from suite.fetch import find_host
    from suite.home import find_home

    home, host = find_home(options.home), find_host()
    for line in (f"Home: {home}", *request.notes, *terms(request.files)):
        print(line)
    sys.stdout.flush()  # the terms stand above the progress, whatever takes the two streams
    act = _say_what_is_missing if options.offline else _fetch_and_check
    problems = [*request.problems, *act(request, home, host)]
    for problem in dict.fromkeys(problems):
        print(f"suite fetch: {problem}", file=sys.stderr)
    return 1 if problems else 0


def _models(names: Sequence[str]) -> Request:
    cards = [model_card(name) for name in dict.fromkeys(names)] or list(MODELS.values())
    bare = [card for card in cards if names and not of_models([card])]
    return Request(
        files=of_models(cards),
        sets=[],
        notes=[f"{card.name} has no parameters." for card in bare if not card.needs_weights],
        problems=[f"{card.name} has no official weights to fetch." for card in bare if card.needs_weights],
    )


def _datasets(names: Sequence[str]) -> Request:
    cards = list(dict.fromkeys(dataset_card(name) for name in names)) or list(DATASETS.values())
    return Request(
        files=[origin for card in cards for origin in of_dataset(card)],
        sets=[card for card in cards if card.folder is not None],
        notes=[f"{card.name} comes with scikit-image." for card in cards if card.folder is None],
        problems=[],
    )


def terms(wanted: Iterable[Origin]) -> list[str]:
    """A line for each group of files: how much, from where, under what licence."""
    groups: dict[tuple[str, str, str], list[Origin]] = {}
    for one in wanted:
        groups.setdefault((one.group, one.repository, one.licence), []).append(one)
    lines = []
    for (group, repository, licence), files in groups.items():
        most = "at most " if any(one.pixels for one in files) else ""
        size = f"{most}{sum(one.bytes for one in files) / 1e6:.1f} MB"
        lines.append(f"{group}: {_files(len(files))}, {size}, {repository}, licence: {licence}")
    return [*lines, TERMS] if lines else []


def summary(results: Iterable[Fetched]) -> list[str]:
    """A line for each group of files: how many were there, came, or are missing."""
    groups: dict[str, list[Fetched]] = {}
    for one in results:
        groups.setdefault(one.origin.group, []).append(one)
    lines = []
    for group, files in groups.items():
        states = [one.state for one in files]
        words = {"there": "there already", "fetched": "fetched", "missing": "missing"}
        parts = [f"{states.count(state)} {said}" for state, said in words.items() if state in states]
        lines.append(f"{group}: {', '.join(parts)}")
    return lines


def _files(count: int) -> str:
    return f"{count} file{'s' if count != 1 else ''}"


def _say_what_is_missing(request: Request, home: Path, host: str) -> list[str]:
    from suite.errors import SuiteError
    from suite.fetch import is_there

    problems = []
    for origin in request.files:
        try:
            if not is_there(origin, home):
                problems.append(f"{origin.path} is missing; it is at {origin.address(host)}.")
        except SuiteError as error:
            problems.append(str(error))
    there = len(request.files) - len(problems)
    print(f"{_files(there)} there, {len(problems)} missing; no connection was opened.")
    return problems


def _fetch_and_check(request: Request, home: Path, host: str) -> list[str]:
    from suite.fetch import check_whole

    results = _fetch(request.files, home, host)
    for line in summary(results):
        print(line)
    problems = [one.problem for one in results if one.problem]
    missing = {one.origin.group for one in results if one.problem}
    for card in request.sets:
        if card.folder not in missing:
            problem = check_whole(card, home)
            print(f"{card.name}: {'not the known copy' if problem else 'the known copy, pixel by pixel'}")
            problems += [problem] if problem else []
    return problems


def _fetch(wanted: Sequence[Origin], home: Path, host: str) -> list[Fetched]:
    """Fetch with a live line in a terminal, one line a file that came elsewhere."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from suite.fetch import fetch

    console = open_console(stderr=True)
    columns = (BarColumn(bar_width=20), MofNCompleteColumn(), TextColumn("{task.description}", markup=False))
    results = []
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as live:
        files = live.add_task("looking at what is there", total=len(wanted))

        def say(origin: Origin, received: int) -> None:
            live.update(files, description=f"{origin.path} {received / 1e6:.1f} MB")

        for one in fetch(wanted, home, host, say):
            results.append(one)
            live.update(files, completed=len(results))
            if one.state == "fetched":
                line = f"[{len(results)}/{len(wanted)}] {one.origin.path}"
                console.print(line, markup=False, highlight=False, soft_wrap=True)
    return results
