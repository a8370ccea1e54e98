"""What several commands share: the data home, the page, the table, the list of commands of a run."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.backends import DEVICES, PRECISIONS
from suite.cli.screen import open_console, send_nowhere
from suite.errors import SuiteError
from suite.files import write_text
from suite.isolation import PATIENCE_S
from suite.records import Record, Store, load_run
from suite.schema import problem_of_run

if TYPE_CHECKING:
    from reports.gallery import Gallery

EFFORTS = ("quick", "standard", "rigorous")
DEFAULT_PAGE = Path("reports/leaderboard.html")
IMAGES_MB = 2.5
MOST_PARALLEL = 1024
LONGEST_WAIT_S = 1_000_000


def add_home(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--home``."""
    parser.add_argument(
        "--home",
        metavar="DIR",
        help="where data and weights lie (default: $SUITE_HOME, else the user's cache)",
    )


def add_crops(parser: argparse.ArgumentParser) -> None:
    """Add the options on the comparison of images."""
    crops = parser.add_mutually_exclusive_group()
    crops.add_argument(
        "--crops",
        nargs="+",
        action="extend",
        metavar="IMAGE:X,Y,WxH",
        help="show these parts of images side by side (default: three where the networks differ most)",
    )
    crops.add_argument("--no-crops", action="store_true", help="compare no images")
    parser.add_argument(
        "--images-mb",
        type=megabytes,
        default=IMAGES_MB,
        metavar="MB",
        help=f"what the images may add to the page (default: {IMAGES_MB})",
    )


def megabytes(text: str) -> float:
    """An argument that must be a number above zero."""
    number = float(text)
    if not 0 < number < 1000:
        raise ValueError
    return number


megabytes.__name__ = "number of megabytes"  # argparse names the type in its message


def add_configuration(parser: argparse.ArgumentParser) -> None:
    """Add the options of how a network runs, beside its backend."""
    parser.add_argument("--device", default="cpu", choices=DEVICES, help="default: cpu")
    parser.add_argument("--precision", default="fp32", choices=PRECISIONS, help="default: fp32")
    add_threads(parser)


def add_threads(parser: argparse.ArgumentParser) -> None:
    """Add the option ``--threads``."""
    parser.add_argument("--threads", type=parallel, metavar="N", help="default: all cores")


def add_effort(parser: argparse.ArgumentParser) -> None:
    """Add the options of how long something is timed and waited for."""
    parser.add_argument("--effort", default="standard", choices=EFFORTS, help="of timing (default: standard)")
    parser.add_argument(
        "--patience",
        type=seconds,
        default=PATIENCE_S,
        metavar="SECONDS",
        help=f"how long a measuring process may be silent (default: {PATIENCE_S:g})",
    )


def positive(text: str) -> int:
    """An argument that must be a whole number above zero, and one that a record can hold."""
    return _whole(text, 2**31 - 1)


def parallel(text: str) -> int:
    """An argument that must be a number of threads or processes that a machine can start.

    PyTorch ends with a crash, and a machine stands still, where there are far too many.
    """
    return _whole(text, MOST_PARALLEL)


def seconds(text: str) -> int:
    """An argument that must be a time to wait; systems cannot wait for longer than some weeks."""
    return _whole(text, LONGEST_WAIT_S)


def path(text: str) -> Path:
    """An argument that must name a file or folder: the empty text of a variable that is not set would be the
    folder at hand."""
    if not text:
        raise ValueError
    return Path(text)


def _whole(text: str, most: int) -> int:
    number = int(text)
    if not 1 <= number <= most:
        raise ValueError
    return number


positive.__name__ = "positive whole number"  # argparse names the type in its message
seconds.__name__ = f"number of seconds from 1 to {LONGEST_WAIT_S}"
parallel.__name__ = f"whole number from 1 to {MOST_PARALLEL}"


def remember_command(run: Path, resolved: Sequence[str] = ()) -> None:
    """Add this process's command to ``run.json`` of a run, once, with the options that were ``resolved``.

    Raises `SuiteError` if that fails.
    """
    command = shlex.join(["python", "-m", "suite", *sys.argv[1:], *resolved])
    write_commands(run, [*(entry for entry in commands([run]) if entry != command), command])


def write_commands(run: Path, commands: Sequence[str]) -> None:
    """Write ``run.json`` of a run. One that is there and cannot be read is set aside, and that is said.

    Raises `SuiteError` if the disk does not take it.
    """
    file = run / "run.json"
    if problem := problem_of_commands(run):
        aside = file.with_name("run.json.unreadable")
        try:
            file.replace(aside)
        except OSError as error:
            raise SuiteError(f"cannot write {file}: {error.strerror}.") from None
        print(f"{file} could not be read ({problem}) and is kept as {aside.name}.", file=sys.stderr)
    write_text(file, json.dumps({"schema": 1, "commands": commands}, indent=1) + "\n")


def problem_of_commands(run: Path) -> str:
    """What is wrong with ``run.json`` of a run; empty where nothing is or there is none."""
    try:
        return problem_of_run(json.loads((run / "run.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return ""
    except (OSError, ValueError, RecursionError):
        return "no JSON"


def commands(runs: Sequence[Path]) -> list[str]:
    """The commands that made the runs, in order, the latest last; none where ``run.json`` is not readable."""
    found: dict[str, None] = {}
    for run in runs:
        try:
            entries = json.loads((run / "run.json").read_text(encoding="utf-8"))["commands"]
            found.update(dict.fromkeys(str(entry) for entry in entries))
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            continue
    return list(found)


def open_run(run: Path) -> list[Record]:
    """The records of a run, having said how many lines could not be read.

    Raises `SuiteError` for a folder that is none or holds no record.
    """
    store = Store(run)
    found = list(store.load().values())
    if store.torn:
        print(f"{store.file}: {store.torn} line(s) could not be read and were left out.", file=sys.stderr)
    return found or load_run(run)  # which says what the folder is instead


def show(records: Sequence[Record]) -> None:
    """Print the leaderboard of the records and the other tables that they have something for.

    Where the reader, such as ``head``, has seen enough, the rest is not printed and the work goes on.
    """
    from reports.identity import sort_records
    from reports.leaderboard import build
    from reports.quality_text import print_quality
    from reports.sections import build_sections
    from reports.terminal import print_sections, print_table

    console = open_console()
    records = sort_records(records)
    try:
        print_table(build(records), console)
        print_quality(records, console)
        print_sections(build_sections(records), console)
        sys.stdout.flush()
    except BrokenPipeError:
        send_nowhere(sys.stdout)


def find_gallery(runs: Mapping[Path, Sequence[Record]], options: argparse.Namespace) -> Gallery | None:
    """The comparison of images that the options of `add_crops` ask for; None if there is none.

    Raises `UsageError` for crops of another form. Says what could not be compared.
    """
    from reports.gallery import build_gallery
    from suite.crops import find_crops
    from suite.regions import parse_crops

    if options.no_crops:
        return None
    gallery = build_gallery(find_crops(runs, parse_crops(options.crops or ())), options.images_mb)
    for note in gallery.notes if gallery else ():
        print(note, file=sys.stderr)
    return gallery


def write_page(
    page: Path, records: Sequence[Record], made_by: list[str], gallery: Gallery | None = None
) -> None:
    """Write the report and say where. Raises `SuiteError` if the file can't be written."""
    from reports.html import render

    write_text(page, render(records, made_by, gallery))
    print(f"Report: {page}", file=sys.stderr)
