"""``suite list``: what there is to choose from."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from suite.backends import AUTO, BACKENDS, CANDIDATES, DEPLOY
from suite.catalog import DATASETS, MODELS
from suite.catalog.custom import installed_names
from suite.catalog.protocols import PROTOCOLS
from suite.cli import common
from suite.measures import MEASURES

HELP = "list models, datasets, measures, backends, protocols or recipes"

Rows = Iterator[tuple[str, ...]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``list``."""
    parser.add_argument("what", choices=tuple(LISTS), help="what to list")
    common.add_home(parser)


def models(home: Path) -> Rows:
    """Models with the origin of the best weights that are there, by scale."""
    from suite.weights import available

    yield ("name", "title", "year", "weights that are there")
    for card in MODELS.values():
        weights = ", ".join(f"x{scale} {available(card, scale, home)}" for scale in card.scales)
        yield (card.name, card.title, str(card.year), weights)
    for name in installed_names():
        yield (name, "from an installed package", "", "")


def datasets(home: Path) -> Rows:
    """Datasets and whether they are there."""
    from suite.home import holds

    yield ("name", "images", "scales", "there", "source")
    for card in DATASETS.values():
        scales = " ".join(f"x{scale}" for scale in card.scales)
        there = "yes" if holds(home, card) else "no"
        yield (card.name, str(card.images), scales, there, card.citation)


def measures(home: Path) -> Rows:
    """Measures and their metrics."""
    yield ("name", "what", "metrics")
    for measure in MEASURES.values():
        yield (measure.name, measure.description, " ".join(measure.metrics))


def backends(home: Path) -> Rows:
    """Ways to execute a network."""
    yield ("name", "what", "here, on the CPU in fp32")
    for name, backend in BACKENDS.items():
        yield (name, backend.description, backend.missing("cpu", "fp32") or "yes")
    yield (f"NAME{DEPLOY}", "the network in its exact form that is fastest there", "as NAME")
    yield (AUTO, f"the fastest of {', '.join(CANDIDATES)} that gives what eager gives", "yes")


def protocols(home: Path) -> Rows:
    """Ways to compare two images."""
    yield ("id", "what")
    for protocol in PROTOCOLS.values():
        yield (protocol.id, protocol.description)


def recipes(home: Path) -> Rows:
    """Ways to train a network."""
    from suite.training.recipe import load_recipe, names

    yield ("name", "iterations", "batch", "LR patch", "rate", "schedule")
    for name in names():
        recipe = load_recipe(name)
        numbers = (recipe.iterations, recipe.batch, recipe.patch, recipe.rate)
        yield (name, *map(str, numbers), recipe.schedule)


LISTS: dict[str, Callable[[Path], Rows]] = {
    "models": models,
    "datasets": datasets,
    "measures": measures,
    "backends": backends,
    "protocols": protocols,
    "recipes": recipes,
}


def execute(options: argparse.Namespace) -> int:
    """Print a table with one row an entry."""
    from suite.home import find_home

    rows = list(LISTS[options.what](find_home(options.home)))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0
