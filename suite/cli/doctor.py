"""``suite doctor``: what this machine has, what it lacks, and what to do about it."""

from __future__ import annotations

import argparse
from pathlib import Path

from suite.cli import common

HELP = "say what machine, software and data there are, and what is wrong"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``doctor``."""
    parser.add_argument(
        "--digests",
        action="store_true",
        help="read all images and weights and compare their digests with the known ones (minutes)",
    )
    parser.add_argument(
        "--out", type=common.path, default=Path("runs/default"), metavar="RUN", help="default: runs/default"
    )
    common.add_home(parser)


def execute(options: argparse.Namespace) -> int:
    """Print one line a finding. Returns 1 if one of them is a problem."""
    from suite.doctor import examine
    from suite.home import find_home

    home = find_home(options.home)
    problems = 0
    for finding in examine(home, options.out, digests=options.digests):
        advice = f" -> {finding.advice}" if finding.advice else ""
        print(f"{finding.status:<8}{finding.subject}: {finding.text}{advice}", flush=True)
        problems += finding.status == "problem"
    print(f"{problems or 'No'} problem{'' if problems == 1 else 's'}.")
    return 1 if problems else 0
