"""``suite run``: measure models, print a table, write the report."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from suite.backends import BACKENDS, DEVICES, PRECISIONS, require
from suite.catalog.protocols import DEFAULT
from suite.cli import common
from suite.isolation import PATIENCE_S
from suite.measures import MEASURES, USUAL

if TYPE_CHECKING:
    from suite import plan

HELP = "measure models and write the report"
EFFORTS = ("quick", "standard", "rigorous")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``run``."""
    parser.add_argument(
        "--models",
        nargs="+",
        action="extend",
        required=True,
        metavar="MODEL",
        help="a name (see: list models), my.toml, FILE.py:ATTRIBUTE, PKG.MOD:ATTRIBUTE, or a checkpoint",
    )
    parser.add_argument(
        "--datasets",
        nargs="+",
        action="extend",
        metavar="NAME|NAME=DIR|FILE.toml",
        help="test sets, folders of images or dataset cards (default: Set5 if it is there, else photos)",
    )
    parser.add_argument(
        "--scales", nargs="+", action="extend", type=common.positive, metavar="S", help="default: 4"
    )
    parser.add_argument(
        "--measures",
        nargs="+",
        action="extend",
        metavar="NAME",
        help=f"{' '.join(MEASURES)} (default: {' '.join(USUAL)})",
    )
    parser.add_argument(
        "--protocols",
        nargs="+",
        action="extend",
        metavar="ID",
        help=f"how images are compared, or all; see: list protocols (default: {DEFAULT})",
    )
    parser.add_argument(
        "--weights",
        metavar="official|shipped|PATH",
        help="default: official where the file is there, else shipped, else none",
    )
    parser.add_argument(
        "--backend", default="eager", metavar="NAME", help=f"{' '.join(BACKENDS)} (default: eager)"
    )
    parser.add_argument("--device", default="cpu", choices=DEVICES, help="default: cpu")
    parser.add_argument("--precision", default="fp32", choices=PRECISIONS, help="default: fp32")
    parser.add_argument("--threads", type=common.positive, metavar="N", help="default: all cores")
    parser.add_argument("--effort", default="standard", choices=EFFORTS, help="of timing (default: standard)")
    parser.add_argument(
        "--patience",
        type=common.positive,
        default=PATIENCE_S,
        metavar="SECONDS",
        help=f"how long a measuring process may be silent (default: {PATIENCE_S:g})",
    )
    common.add_crops(parser)
    parser.add_argument(
        "--out", type=Path, default=Path("runs/default"), metavar="RUN", help="default: runs/default"
    )
    common.add_home(parser)
    parser.add_argument(
        "--offline", action="store_true", help="never open a connection (this command never does)"
    )
    page = parser.add_mutually_exclusive_group()
    page.add_argument(
        "--report",
        type=Path,
        default=common.DEFAULT_PAGE,
        metavar="FILE",
        help=f"default: {common.DEFAULT_PAGE}",
    )
    page.add_argument("--no-report", action="store_true", help="write no page")


def execute(options: argparse.Namespace) -> int:
    """Measure, print, write. Returns 1 if anything asked for could not be measured, else 0."""
    from suite import engine, plan
    from suite.cli.progress import Progress
    from suite.environment import available_cores, describe
    from suite.home import find_home
    from suite.records import Store

    request = plan.Request(
        models=tuple(options.models),
        home=find_home(options.home),
        datasets=tuple(options.datasets or ()),
        scales=tuple(options.scales or (4,)),
        measures=tuple(options.measures or USUAL),
        protocols=tuple(options.protocols or (DEFAULT,)),
        weights=options.weights,
        backend=options.backend,
        device=options.device,
        precision=options.precision,
        threads=options.threads or available_cores(),
        effort=options.effort,
        patience=options.patience,
        crops=None if options.no_crops else tuple(options.crops or ()),
    )
    tasks = plan.make_plan(request)
    print(f"Home: {request.home}. {plan.describe_sources(tasks)}", file=sys.stderr)
    store = Store(options.out)
    require(options.device)
    common.remember_command(options.out, _resolved(options, request))
    records = []
    with Progress(len(tasks)) as progress:
        for finished in engine.execute(tasks, store, describe(options.device), progress.say):
            records.append(finished.record)
            progress.done(finished)
    if store.torn:
        print(f"{store.file}: {store.torn} line(s) could not be read and were left out.", file=sys.stderr)
    common.show(records)
    if not options.no_report:
        common.write_page(options.report, records, common.commands([options.out])[-1:])
    print(f"Records: {store.file}", file=sys.stderr)
    return 1 if any(record.not_measured for record in records) else 0


def _resolved(options: argparse.Namespace, request: plan.Request) -> list[str]:
    """What the command left to be found out here and would be found otherwise elsewhere."""
    from suite.plan import default_datasets

    more = [] if options.threads else ["--threads", str(request.threads)]
    if not options.datasets and "quality" in request.measures:
        more += ["--datasets", *default_datasets(request.home)]
    return more
