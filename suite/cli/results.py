"""``suite results``: the figures of a run as a tidy frame, one value a row."""

from __future__ import annotations

import argparse

from suite.cli import common
from suite.cli.screen import write_data

HELP = "print the figures of a run, one value a row"
FORMATS = ("csv", "json", "markdown", "latex")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``results``."""
    parser.add_argument("run", type=common.path, metavar="RUN", help="folder of the run")
    parser.add_argument("--format", default="csv", choices=FORMATS, help="default: csv")
    parser.add_argument(
        "--where",
        nargs="+",
        action="extend",
        metavar="COLUMN=VALUE",
        help="keep rows whose COLUMN is VALUE; several values of one column are alternatives",
    )


def execute(options: argparse.Namespace) -> int:
    """Print the frame on standard output."""
    from reports.exporters import export, parse_where

    where = [parse_where(text) for text in options.where or ()]
    write_data(export(common.open_run(options.run), options.format, where))
    return 0
