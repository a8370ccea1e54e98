"""``suite results``: the figures of a run as a tidy frame, one value a row."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from suite.errors import UsageError

HELP = "print the figures of a run, one value a row"
FORMATS = ("csv", "json", "markdown", "latex")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``results``."""
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of the run")
    parser.add_argument("--format", default="csv", choices=FORMATS, help="default: csv")
    parser.add_argument(
        "--where",
        nargs="+",
        default=(),
        metavar="KEY=VALUE",
        help="keep rows whose column KEY is VALUE; several values of one column are alternatives",
    )


def conditions(texts: list[str]) -> list[tuple[str, str]]:
    """``KEY=VALUE`` texts as pairs. Raises `UsageError` for a text without ``=``."""
    pairs = []
    for text in texts:
        key, separator, value = text.partition("=")
        if not separator:
            raise UsageError(f"--where {text}: write KEY=VALUE.")
        pairs.append((key, value))
    return pairs


def execute(options: argparse.Namespace) -> int:
    """Print the frame on standard output."""
    where = conditions(list(options.where))

    from reports.exporters import export
    from suite.records import load_run

    sys.stdout.write(export(load_run(options.run), options.format, where))
    return 0
