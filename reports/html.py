"""The report as one self-contained page: no request leaves it, and it works without JavaScript."""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.audit import build_audits
from reports.board import build_board
from reports.challenge import build_challenge
from reports.differences import build_differences
from reports.distributions import distribution_data, draw_box, find_distributions
from reports.drawing import COLOURS, RADIUS, SHAPES, Drawing, draw_panel, draw_strip, px, shape
from reports.escapes import embed
from reports.gallery import Gallery
from reports.identity import sort_records
from reports.leaderboard import build
from reports.lens import build_lenses
from reports.notes import merge_missing
from reports.plot import Panel, build_chart, family_of, family_styles
from reports.plot_data import plot_data
from reports.provenance import build_provenance
from reports.sections import build_sections
from reports.view import Column, Table
from suite.garbage import no_collections
from suite.pairs import LEAST_IMAGES
from suite.records import Record

_HERE = Path(__file__).parent
STYLES = ("report.css", "board.css", "plot.css", "gallery.css", "picture.css")
SCRIPTS = (
    "state.js",
    "tips.js",
    "exports.js",
    "unpack.js",
    "record.js",
    "tables.js",
    "board.js",
    "draw.js",
    "plot.js",
    "weights.js",
    "boxes.js",
    "report.js",
    "gallery.js",
)
"""Files of ``static/`` in the order in which they go into the page, as one style sheet and one script."""
SIZES = {"wide": (880.0, 430.0), "narrow": (356.0, 380.0)}
"""Every panel is drawn for a desk and for a phone, in CSS pixels; the style sheet shows one of them."""


@no_collections()
def render(records: Sequence[Record], commands: list[str], gallery: Gallery | None = None) -> str:
    """The page for records, with the commands that made them and the comparison of images, if there is one.

    It depends on nothing else: the same records, in whatever order, and the same commands give the same
    text. Names from records are data; none of them can become markup.
    """
    records = sort_records(records)
    view = build(records)
    styles = family_styles([group for table in view.tables for group in table.groups])
    distributions = find_distributions(records)
    style, script = _static(STYLES), _static(SCRIPTS)
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            view=view,
            board=build_board(view, records, commands, distributions),
            charts=[build_chart(table, styles) for table in view.tables],
            plots=plot_data(view.tables, styles),
            styles=styles,
            sections=build_sections(records),
            differences=build_differences(records),
            lenses=build_lenses(records),
            challenge=build_challenge(records),
            distributions=distributions,
            audits=build_audits(records),
            provenance=build_provenance(records, view),
            commands="\n".join(commands),
            gallery=gallery,
            style=style,
            script=script,
            policy=content_policy(style, script),
        )
    )


def content_policy(style: str, script: str) -> str:
    """The Content-Security-Policy that allows the page's own style and script and nothing else."""

    def source(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {source(style)}; script-src {source(script)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "px": px,
        "column_groups": _column_groups,
        "embed": embed,
        "distribution_data": distribution_data,
    }
    environment.globals |= {
        "draw_sizes": _draw_sizes,
        "first_columns": _first_columns,
        "draw_strip": draw_strip,
        "draw_box": draw_box,
        "shape": shape,
        "colours": COLOURS,
        "shapes": SHAPES,
        "radius": RADIUS,
        "families_of": _families_of,
        "merge_missing": merge_missing,
        "least_images": LEAST_IMAGES,
    }
    return environment


def _draw_sizes(panel: Panel) -> dict[str, Drawing]:
    """A panel at each of `SIZES`."""
    return {name: draw_panel(panel, width, height) for name, (width, height) in SIZES.items()}


def _families_of(table: Table) -> list[str]:
    """The families of a table's networks, by name."""
    return sorted({family_of(row) for group in table.groups for row in group.rows if not row.reference})


@functools.cache
def _static(names: tuple[str, ...]) -> Markup:
    """A style sheet or script that goes into the page as it is, joined from its files."""
    text = "\n".join((_HERE / "static" / name).read_text(encoding="utf-8") for name in names)
    assert "</" not in text, f"one of {', '.join(names)} would end its own element"
    return Markup(text)


def _column_groups(columns: Sequence[Column]) -> list[tuple[str, str, int]]:
    """Heading, note mark and number of columns of each run of columns with one heading."""
    groups = groupby(columns, key=lambda column: (column.group, column.mark))
    return [(heading, mark, len(list(members))) for (heading, mark), members in groups]


def _first_columns(columns: Sequence[Column]) -> set[int]:
    """Places of the columns that begin a new heading."""
    return {i for i, column in enumerate(columns) if i == 0 or column.group != columns[i - 1].group}
