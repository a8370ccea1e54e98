"""``suite profile``: where the time of a network's forward pass goes."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from suite.backends import STEPWISE, require
from suite.cli import common
from suite.cli.screen import open_console
from suite.errors import UsageError

if TYPE_CHECKING:
    from suite.profiles import Profile
    from suite.records import Record
    from suite.task import Task

HELP = "say where the time of a forward pass goes, and why one network takes longer than another"
FORMATS = ("table", "json", "markdown")
ROWS = 20


def height_and_width(text: str) -> tuple[int, int]:
    """An argument ``HxW``, such as ``256x256``."""
    height, width = (common.positive(number) for number in text.split("x"))
    return height, width


height_and_width.__name__ = "size HxW"  # argparse names the type in its message


def zero_or_more(text: str) -> int:
    """An argument that is a whole number, not below zero."""
    number = int(text)
    if number < 0:
        raise ValueError
    return number


zero_or_more.__name__ = "whole number"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``profile``."""
    parser.add_argument("model", metavar="MODEL", help="see: list models")
    parser.add_argument("--against", metavar="MODEL2", help="profile this one in turn with it, and compare")
    parser.add_argument("--scale", type=common.positive, default=4, metavar="S", help="default: 4")
    parser.add_argument(
        "--weights",
        metavar="official|shipped|PATH",
        help="default: official where the file is there, else shipped, else random numbers",
    )
    parser.add_argument(
        "--input", type=height_and_width, metavar="HxW", help="of the low-resolution image (default: 256x256)"
    )
    parser.add_argument("--backend", default="eager", choices=STEPWISE, help="default: eager")
    common.add_configuration(parser)
    common.add_effort(parser)
    parser.add_argument("--format", default="table", choices=FORMATS, help="default: table")
    parser.add_argument(
        "--rows",
        type=zero_or_more,
        default=ROWS,
        metavar="N",
        help=f"layers in the table, 0 for all (default: {ROWS})",
    )
    parser.add_argument("--figure", type=common.path, metavar="FILE", help="also draw it: .svg, .pdf or .png")
    parser.add_argument("--out", type=common.path, metavar="RUN", help="also keep the records in this run")
    parser.add_argument("--html", type=common.path, metavar="FILE", help="also write a page")
    common.add_home(parser)


def execute(options: argparse.Namespace) -> int:
    """Measure and print. Returns 1 if a network could not be profiled, else 0."""
    from reports.profile_figure import require_suffix, write_figure
    from reports.profiles import find_groups
    from suite.profiles import read_profile

    if options.figure:
        require_suffix(options.figure)
    records = _measure(options)
    profiles = [profile for record in records if (profile := read_profile(record))]
    for record in records:
        if record.not_measured:
            print(f"{record.model}: not measured, because {record.not_measured}", file=sys.stderr)
    if profiles:
        _show(options, profiles, records)
    if options.figure and profiles:
        write_figure(find_groups(records)[0], options.figure)
        print(f"Figure: {options.figure}", file=sys.stderr)
    if options.html:
        made = common.commands([options.out])[-1:] if options.out else []
        common.write_page(options.html, records, made)
    return 0 if len(profiles) == len(records) else 1


def _tasks(options: argparse.Namespace) -> list[Task]:
    """One task a network. Raises `UsageError` for an input that a network cannot take."""
    from suite import plan
    from suite.environment import available_cores
    from suite.home import find_home

    request = plan.Request(
        models=(options.model, *([options.against] if options.against else [])),
        home=find_home(options.home),
        scales=(options.scale,),
        measures=("profile",),
        weights=options.weights,
        backends=(options.backend,),
        device=options.device,
        precision=options.precision,
        threads=options.threads or available_cores(),
        effort=options.effort,
        patience=options.patience,
    )
    tasks = plan.make_plan(request)
    if options.against and len(tasks) < 2:
        raise UsageError(f"--against {options.against}: name another network than the first.")
    if options.input is None:
        return tasks
    for task in tasks:
        least = task.subject.card.input.min_size
        if min(options.input) < least:
            raise UsageError(f"--input: {task.subject.card.name} needs {least}x{least} at least.")
    return [
        dataclasses.replace(task, input=(task.subject.card.input.channels, *options.input)) for task in tasks
    ]


def _measure(options: argparse.Namespace) -> list[Record]:
    """The records of this call, always measured anew; kept in the run that ``--out`` names."""
    from suite import engine
    from suite.cli.progress import Progress
    from suite.environment import describe
    from suite.locks import hold_run
    from suite.records import Store

    tasks = _tasks(options)
    require(options.device)
    records = []
    with contextlib.ExitStack() as stack:
        if options.out:
            stack.enter_context(hold_run(options.out))
            common.remember_command(options.out)
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        progress = stack.enter_context(Progress(len(tasks)))
        for finished in engine.execute(tasks, Store(Path(folder)), describe(options.device), progress.say):
            records.append(finished.record)
            progress.done(finished)
            if options.out:
                Store(options.out).append(finished.record)
    if options.out:
        print(f"Records: {Store(options.out).file}", file=sys.stderr)
    return records


def _show(options: argparse.Namespace, profiles: list[Profile], records: list[Record]) -> None:
    from reports.explanation import explanation_grid
    from reports.grid import Section, to_markdown
    from reports.profile_export import to_json
    from reports.profiles import distortion, kind_grid, layer_grid, names_of
    from reports.terminal import print_sections
    from suite.profiles import explain

    explanation = explain(*profiles) if len(profiles) == 2 else None
    if options.format == "json":  # which has no place for remarks
        for profile in profiles:
            if profile.distorted:
                print(f"{profile.record.model}: {distortion(profile)}", file=sys.stderr)
        sys.stdout.write(to_json(profiles, explanation))
        return
    grids = []
    for profile, name in zip(profiles, names_of(profiles), strict=True):
        grids += [layer_grid(profile, name, options.rows), kind_grid(profile, name)]
    if explanation:
        grids.append(explanation_grid(explanation))
    section = Section("profile", "Where the time goes", (), tuple(grids))
    if options.format == "markdown":
        sys.stdout.write(to_markdown([section]))
    else:
        print_sections([section], open_console())
