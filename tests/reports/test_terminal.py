"""The leaderboard as text at several widths."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import msgspec
import pytest
from rich.console import Console

from reports.console import MOST_ROWS
from reports.leaderboard import build
from reports.quality_text import print_quality
from reports.terminal import print_table
from suite.records import Record


def printed(records: list[Record], width: int, terminal: bool = False) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=terminal, color_system=None)
    print_table(build(records), console)
    return stream.getvalue()


@pytest.mark.parametrize("width", [80, 100, 140, 220])
@pytest.mark.parametrize("terminal", [False, True])
def test_everything_fits_and_nothing_is_cut(records: list[Record], width: int, terminal: bool) -> None:
    text = printed(records, width, terminal)
    assert max(map(len, text.splitlines())) <= width
    assert "\u2026" not in text and "..." not in text
    for figure in ("352.4", "19.41", "22.08", "219.4", "243", "132.1", "32.35", "0.8971", "28.63", "0.7837"):
        assert figure in text


def test_narrow_terminals_get_several_tables(records: list[Record]) -> None:
    assert printed(records, 80).count("Model, weights") == 3
    assert printed(records, 100, terminal=True).count("Model, weights") == 2
    assert printed(records, 220).count("Model, weights") == 1


def test_files_get_plain_characters(records: list[Record]) -> None:
    text = printed(records, 100)
    assert text.isascii()
    assert "32.35 (1)" in text and "32.35\u00b9" not in text


def test_terminals_get_small_ranks(records: list[Record]) -> None:
    assert "32.35\u00b9" in printed(records, 100, terminal=True)


def test_reasons_stand_once_below(records: list[Record]) -> None:
    text = " ".join(printed(records, 100).split())
    assert text.count("the weights are random numbers") == 1
    assert "of PAN, random (no weights): not measured: the weights" in text


def test_names_are_no_markup(make: Callable[..., list[Record]], models: SimpleNamespace) -> None:
    text = printed(make([replace(models.bsrn, name="[red]x", title="[red]x[/red]")]), 100)
    assert "[red]x[/red], official" in text


def test_machines_have_headings(
    make: Callable[..., list[Record]], models: SimpleNamespace, machines: SimpleNamespace
) -> None:
    text = printed(make([models.bsrn]) + make([models.bsrn], environment=machines.second), 100)
    assert "x4: Intel(R) Xeon(R)" in text and "x4: AMD EPYC 7763" in text


def test_of_long_tables_the_first_rows_are_printed(
    make: Callable[..., list[Record]], models: SimpleNamespace
) -> None:
    names = [f"net-{number:03}" for number in range(MOST_ROWS + 20)]
    text = printed(make([replace(models.bsrn, name=name, title=name) for name in names]), 220)
    assert text.count("net-") == MOST_ROWS
    assert "20 more rows are in the report." in text
    assert "more rows" not in printed(make([models.bsrn]), 220)


def test_of_long_lists_of_differences_the_first_are_printed(
    make: Callable[..., list[Record]], models: SimpleNamespace
) -> None:
    names = [f"net-{number:03}" for number in range(MOST_ROWS + 20)]
    records = [
        replace(
            record,
            values=(*record.values, *(msgspec.structs.replace(v, image="an image") for v in record.values)),
        )
        for record in make([replace(models.bsrn, name=name, title=name) for name in names])
    ]
    stream = io.StringIO()
    print_quality(records, Console(file=stream, width=220))
    text = stream.getvalue()
    assert "19 more networks are in the report." in text
    assert text.count("not told apart") + text.count("too few images") == MOST_ROWS * 2  # on two sets
