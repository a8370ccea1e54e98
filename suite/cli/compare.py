"""``suite compare``: what is better, worse or missing in one run against another."""

from __future__ import annotations

import argparse
import sys

from suite.cli import common
from suite.cli.screen import open_console

HELP = "compare two runs, or two models; exit status 1 on a regression"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``compare``."""
    parser.add_argument("baseline", type=common.path, metavar="RUN", help="folder of the run to compare with")
    parser.add_argument("candidate", type=common.path, metavar="RUN", help="folder of the run that is judged")
    parser.add_argument(
        "--models",
        nargs=2,
        metavar=("A", "B"),
        help="compare model B of the second run with model A of the first; both may be one run",
    )
    parser.add_argument("--all", action="store_true", help="show figures that are the same, too")
    parser.add_argument("--format", default="table", choices=("table", "json"), help="default: table")


def execute(options: argparse.Namespace) -> int:
    """Print the comparison. Returns 1 if a figure is worse or no longer measured, else 0."""
    from reports.comparison import print_comparison, to_json
    from suite.comparison import compare_models, compare_runs
    from suite.errors import SuiteError, UsageError

    try:
        baseline, candidate = common.open_run(options.baseline), common.open_run(options.candidate)
    except SuiteError as error:  # a regression is 1; a folder that is no run must not look like one
        raise UsageError(str(error)) from None
    if options.models:
        comparison = compare_models(baseline, candidate, *options.models)
    else:
        comparison = compare_runs(baseline, candidate)
    if options.format == "json":
        sys.stdout.write(to_json(comparison))
    else:
        print_comparison(comparison, open_console(), everything=options.all)
    return 1 if comparison.failed else 0
