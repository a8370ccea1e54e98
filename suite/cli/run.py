"""``suite run``: measure models, print a table, write the report."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.backends import AUTO, BACKENDS, DEPLOY, require
from suite.catalog.protocols import DEFAULT
from suite.cli import common
from suite.errors import UsageError
from suite.measures import MEASURES, USUAL

if TYPE_CHECKING:
    from suite import plan
    from suite.dispatch import Workforce
    from suite.records import Record
    from suite.task import Task

HELP = "measure models and write the report"


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
        "--backend",
        nargs="+",
        action="extend",
        metavar="NAME",
        help=f"{' '.join(BACKENDS)}, NAME{DEPLOY} or {AUTO}; see: list backends (default: eager)",
    )
    common.add_configuration(parser)
    workers = parser.add_mutually_exclusive_group()
    workers.add_argument(
        "--workers",
        type=common.parallel,
        default=1,
        metavar="N",
        help="processes that share the work; timings are always made alone (default: 1)",
    )
    workers.add_argument(
        "--executor", metavar="dask://HOST:PORT", help="a Dask cluster does the work; see docs/clusters.md"
    )
    parser.add_argument(
        "--shard",
        metavar="i/n",
        help="measure the i-th of n parts, to be put together by merge; see docs/clusters.md",
    )
    common.add_effort(parser)
    common.add_crops(parser)
    parser.add_argument(
        "--out", type=common.path, default=Path("runs/default"), metavar="RUN", help="default: runs/default"
    )
    common.add_home(parser)
    parser.add_argument(
        "--offline", action="store_true", help="never open a connection (this command never does)"
    )
    page = parser.add_mutually_exclusive_group()
    page.add_argument(
        "--report",
        type=common.path,
        default=common.DEFAULT_PAGE,
        metavar="FILE",
        help=f"default: {common.DEFAULT_PAGE}",
    )
    page.add_argument("--no-report", action="store_true", help="write no page")


def execute(options: argparse.Namespace) -> int:
    """Measure, print, write. Returns 1 if anything asked for could not be measured, else 0."""
    from reports.identity import sort_records
    from suite import engine, plan
    from suite.backends.choice import settle_choices
    from suite.backends.standin import are_wanted
    from suite.cli.progress import Progress
    from suite.home import find_home
    from suite.locks import hold_machine, hold_run
    from suite.records import Store

    home = find_home(options.home)
    are_wanted()  # a variable that is wrong is said before anything is measured
    with contextlib.ExitStack() as stack:
        environment, workforce = _workers(options, home, stack)
        request = request_of(options, home, environment["cores"])
        tasks = tasks_of(options, request)
        print(f"Home: {home}. {plan.describe_sources(tasks)}", file=sys.stderr)
        store = Store(options.out)
        stack.enter_context(hold_run(options.out))
        common.remember_command(options.out, _resolved(options, request))
        if not tasks:
            _said(f"Shard {options.shard} holds none of these tasks: there is nothing to measure.")
            return 0
        with hold_machine(alone=True, say=_said) if AUTO in request.backends else contextlib.nullcontext():
            tasks = settle_choices(tasks, options.out, environment["id"], _said)
        found: dict[Task, Record] = {}
        with Progress(len(tasks)) as progress:
            for finished in engine.execute(tasks, store, environment, progress.say, workforce):
                found[finished.task] = finished.record
                progress.done(finished)
    records = [found[task] for task in tasks]  # in the order of the plan, whichever worker was first
    if store.torn:
        print(f"{store.file}: {store.torn} line(s) could not be read and were left out.", file=sys.stderr)
    shown = sort_records(records)
    common.show(shown)
    if not options.no_report:
        gallery = common.find_gallery({options.out: records}, options)
        common.write_page(options.report, shown, common.commands([options.out])[-1:], gallery)
    print(f"Records: {store.file}", file=sys.stderr)
    return 1 if any(record.not_measured for record in records) else 0


def request_of(options: argparse.Namespace, home: Path, cores: int) -> plan.Request:
    """What the options ask for; ``cores`` is the number of threads where they name none."""
    from suite import plan

    return plan.Request(
        models=tuple(options.models),
        home=home,
        datasets=tuple(options.datasets or ()),
        scales=tuple(options.scales or (4,)),
        measures=tuple(options.measures or USUAL),
        protocols=tuple(options.protocols or (DEFAULT,)),
        weights=options.weights,
        backends=tuple(options.backend or ("eager",)),
        device=options.device,
        precision=options.precision,
        threads=options.threads or cores,
        effort=options.effort,
        patience=options.patience,
        crops=None if options.no_crops else tuple(options.crops or ()),
    )


def tasks_of(options: argparse.Namespace, request: plan.Request) -> list[Task]:
    """The tasks of a request, or those of one shard of it."""
    from suite.plan import make_plan
    from suite.shards import parse_shard

    tasks = make_plan(request)
    return parse_shard(options.shard).of(tasks) if options.shard else tasks


def _workers(
    options: argparse.Namespace, home: Path, stack: contextlib.ExitStack
) -> tuple[dict[str, Any], Workforce | None]:
    """The environment in which tasks run, and who runs them; None: this process. The stack ends them."""
    from suite.dispatch import Workforce
    from suite.environment import describe
    from suite.executors import Processes, device_settings, share_of

    if options.executor:
        if AUTO in (options.backend or ()):
            raise UsageError(
                f"--backend {AUTO} is chosen by timings of this machine: name one for a cluster."
            )
        from suite.cluster import connect

        environment, workforce = connect(
            options.executor, home, options.device, options.threads, options.patience
        )
        return environment, stack.enter_context(workforce)
    require(options.device)
    environment = describe(options.device)
    if options.workers == 1:
        return environment, None
    settings = device_settings(options.device, options.workers)
    threads = options.threads or environment["cores"]
    processes = Processes(options.workers, options.patience, settings)
    share = share_of(threads, options.workers, environment["cores"])
    return environment, stack.enter_context(Workforce(processes, options.workers, share))


def _said(words: str) -> None:
    """Say what is being tried before there is anything to count."""
    print(words, file=sys.stderr)


def _resolved(options: argparse.Namespace, request: plan.Request) -> list[str]:
    """What the command left to be found out here and would be found otherwise elsewhere."""
    from suite.plan import default_datasets

    more = [] if options.threads else ["--threads", str(request.threads)]
    if not options.datasets and "quality" in request.measures:
        more += ["--datasets", *default_datasets(request.home)]
    return more
