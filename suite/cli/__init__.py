"""The command line: one module a sub-command. Parsing arguments imports neither torch nor numpy."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from suite import __version__
from suite.cli import (
    check,
    compare,
    doctor,
    export,
    fetch,
    listing,
    merge,
    profile,
    report,
    results,
    run,
    train,
    upscale,
    verify,
)
from suite.cli.interruptions import interruptions
from suite.cli.screen import in_one_line, screens, send_nowhere
from suite.errors import Ended, SuiteError, UsageError

COMMANDS = {
    "run": run,
    "results": results,
    "report": report,
    "merge": merge,
    "compare": compare,
    "verify": verify,
    "list": listing,
    "fetch": fetch,
    "train": train,
    "upscale": upscale,
    "export": export,
    "check": check,
    "profile": profile,
    "doctor": doctor,
}

RESUMABLE = ("run", "train", "fetch")


def parser() -> argparse.ArgumentParser:
    """The parser of the whole command line."""
    top = argparse.ArgumentParser(
        prog="python -m suite",
        description="Benchmark and reproducibility suite for efficient image super-resolution.",
    )
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.HELP, description=module.HELP)
        module.add_arguments(command)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns the exit status: 0 done, 1 something could not be done, 2 wrong usage, 130 interrupted, 143 ended
    by SIGTERM.
    """
    with screens(), interruptions():
        return _run(parser().parse_args(arguments))


def _run(options: argparse.Namespace) -> int:
    try:
        status = int(COMMANDS[options.command].execute(options))
        sys.stdout.flush()  # a disk that is full is often found out only here
        return status
    except UsageError as error:
        print(f"suite {options.command}: {in_one_line(str(error))}", file=sys.stderr)
        return 2
    except SuiteError as error:
        print(f"suite {options.command}: {in_one_line(str(error))}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as error:
        what, status = ("Ended by SIGTERM.", 143) if isinstance(error, Ended) else ("Interrupted.", 130)
        kept = "What is done is kept: the same command goes on from here."
        print(f"\n{what} {kept if options.command in RESUMABLE else ''}".rstrip(), file=sys.stderr)
        return status
    except BrokenPipeError:  # the reader of our output, such as head, has seen enough
        send_nowhere(sys.stdout)
        return 0
