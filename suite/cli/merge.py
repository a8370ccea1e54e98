"""``suite merge``: the records of several runs, such as the shards of one, as one run."""

from __future__ import annotations

import argparse
import contextlib
import sys
from pathlib import Path

from suite.cli import common

HELP = "put runs together; exit status 1 where they contradict one another"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``merge``."""
    parser.add_argument("runs", nargs="+", type=common.path, metavar="RUN", help="folder of a run")
    parser.add_argument(
        "--out",
        type=common.path,
        required=True,
        metavar="RUN",
        help="folder of the merged run; records that it holds already take part",
    )


def execute(options: argparse.Namespace) -> int:
    """Write the merged run and say what was found. Returns 1 if records contradict one another, else 0."""
    from suite.backends.choice import FILE, write_choices
    from suite.files import write_text
    from suite.locks import hold_run
    from suite.merge import environments, merge, merge_choices
    from suite.outputs import copy_pictures

    runs = list(dict.fromkeys(options.runs))
    merge(runs)  # a run that is none is said before anything is made
    with hold_run(options.out), contextlib.ExitStack() as stack:
        if (options.out / "records.jsonl").exists() and not _is_among(options.out, runs):
            print(f"{options.out} holds records already, which take part.", file=sys.stderr)
            runs.insert(0, options.out)
        for run in runs:
            if not _is_among(run, [options.out]):
                stack.enter_context(hold_run(run, to_read=True))
        merged = merge(runs)
        choices, chosen = merge_choices(runs)
        pictures = copy_pictures(runs, options.out)
        lines = (*merged.lines, *merged.later)
        write_text(options.out / "records.jsonl", "".join(f"{line}\n" for line in lines))
        common.write_commands(options.out, common.commands(runs))
        if choices:
            write_choices(options.out / FILE, choices)
    for note in (*merged.notes, *chosen, *pictures):
        print(note)
    unlike = environments(merged)
    if unlike:
        print(f"{len(unlike)} unlike environments, whose timings are not ranked together:")
    for line in unlike:
        print(f"  {line}")
    for conflict in merged.conflicts:
        print(f"conflict, the latest counts: {conflict}.")
    print(f"Records: {options.out / 'records.jsonl'}, {merged.records} of {len(runs)} runs.")
    if merged.conflicts:
        print(f"suite merge: {len(merged.conflicts)} conflict(s).", file=sys.stderr)
    return 1 if merged.conflicts else 0


def _is_among(run: Path, runs: list[Path]) -> bool:
    return any(run.resolve() == other.resolve() for other in runs)
