"""``suite report``: the HTML page of one run or several, from their records."""

from __future__ import annotations

import argparse
import sys

from suite.cli import common
from suite.garbage import no_collections

HELP = "write the HTML report of one or more runs"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``report``."""
    parser.add_argument("runs", nargs="+", type=common.path, metavar="RUN", help="folder of a run")
    parser.add_argument(
        "--html",
        type=common.path,
        default=common.DEFAULT_PAGE,
        metavar="FILE",
        help=f"default: {common.DEFAULT_PAGE}",
    )
    common.add_crops(parser)
    parser.add_argument(
        "--markdown",
        type=common.path,
        metavar="FILE",
        help="also write the tables below the leaderboard as Markdown",
    )
    parser.add_argument(
        "--exports",
        type=common.path,
        metavar="DIR",
        help="also write every table as CSV, JSON, Markdown and LaTeX into this folder",
    )
    parser.add_argument(
        "--figures",
        type=common.path,
        metavar="DIR",
        help="also draw the plots for papers, as SVG and PDF, into this folder",
    )


@no_collections()
def execute(options: argparse.Namespace) -> int:
    """Print the table and write the page of all records of the runs."""
    from reports.export_sources import write_exports
    from reports.grid import to_markdown
    from reports.identity import sort_records
    from reports.sections import build_sections
    from suite.files import write_text

    runs = {run: common.open_run(run) for run in options.runs}
    records = sort_records([record for found in runs.values() for record in found])
    gallery = common.find_gallery(runs, options)
    common.show(records)
    common.write_page(options.html, records, common.commands(options.runs), gallery)
    if options.markdown:
        write_text(options.markdown, to_markdown(build_sections(records)))
    if options.exports:
        files = write_exports(options.exports, records)
        print(f"Tables: {len(files)} files in {options.exports}", file=sys.stderr)
    if options.figures:
        from reports.paper_figures import write_figures

        files = write_figures(options.figures, records)
        print(f"Figures: {len(files)} files in {options.figures}", file=sys.stderr)
    return 0
