"""Measure the networks of the published tables that the catalog has, and compare with the ledger.

Cost needs no data. Quality is measured where the data home holds the test sets, of networks whose official
weights lie there (or that need none). Each command is printed before it runs; called again, only what is
missing is measured. Exit status: 0, or 1 if a figure differs without a known reason or was not measured
although it could be.
"""

from __future__ import annotations

import argparse
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from suite.catalog import DATASETS, MODELS
from suite.home import find_home, holds
from suite.ledger import load_ledger
from suite.weights import OFFICIAL, WITHOUT_PARAMETERS, available


def main() -> int:
    """Run, report, verify; the greatest exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--out", default="runs/tables", metavar="RUN", help="default: runs/tables")
    parser.add_argument(
        "--datasets", nargs="+", default=["Set5", "Set14"], choices=[*DATASETS], help="default: Set5 Set14"
    )
    options = parser.parse_args()
    status = [suite(*command, "--no-report", "--out", options.out) for command in runs(options.datasets)]
    status.append(suite("report", options.out))
    status.append(suite("verify", options.out))
    return max(status)


def runs(datasets: list[str]) -> Iterator[list[str]]:
    """The ``run`` commands: cost of every network of the tables, quality where it can be had."""
    home = find_home()
    held = [name for name in datasets if holds(home, DATASETS[name])]
    wanted = {(entry.model, entry.scale) for entry in load_ledger().entries()}
    for scale in sorted({scale for _, scale in wanted}):
        models = [name for name, card in MODELS.items() if (name, scale) in wanted and scale in card.scales]
        judged = [
            name for name in models if available(MODELS[name], scale, home) in (OFFICIAL, WITHOUT_PARAMETERS)
        ]
        if models:
            yield ["run", "--scales", str(scale), "--measures", "cost", "--models", *models]
        if judged and held:
            what = ["--scales", str(scale), "--measures", "quality", "--protocols", "sr-y", "matlab-y"]
            yield ["run", *what, "--datasets", *held, "--models", *judged]
    if not held:
        print(f"{home} holds none of {', '.join(datasets)}: cost alone is measured.", file=sys.stderr)


def suite(*arguments: str) -> int:
    """Run a command of the suite and give its exit status."""
    command = [sys.executable, "-m", "suite", *arguments]
    print(f"+ {shlex.join(['python', *command[1:]])}", file=sys.stderr, flush=True)
    return subprocess.run(command, cwd=Path(__file__).resolve().parent.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
