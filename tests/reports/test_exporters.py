"""Exporters: what is written reads back as the same frame."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace

import pandas as pd
import pytest

from reports.exporters import NUMBERS, export, parse_where
from suite.errors import UsageError
from suite.records import COLUMNS, Record, Value, frame

NASTY = 'a|b_c & 50% $x$ #1 {y} ~^\\ "q" <z> [0] *s* `t`, \u00fc'


@pytest.fixture
def nasty(records: list[Record]) -> list[Record]:
    """Records with a name of special characters and with figures that are hard to write."""
    figures = (1 / 3, 1e-300, 352400.0, float("inf"), float("-inf"), 0.1 + 0.2, 1e22, -0.5)
    values = tuple(Value(f"m{n}", figure, "ms", figure) for n, figure in enumerate(figures))
    return [*records, replace(records[0], model=NASTY, values=values)]


def expected(records: list[Record]) -> list[list[object]]:
    return [
        [None if isinstance(v, float) and math.isnan(v) else v for v in row]
        for row in frame(records).astype(object).values.tolist()
    ]


def read(cells: list[list[str]]) -> list[list[object]]:
    """Rows of texts as rows of the frame."""
    return [
        [
            (float(text) if text else None) if name in NUMBERS else text
            for name, text in zip(COLUMNS, row, strict=True)
        ]
        for row in cells
    ]


def test_csv_round_trip(nasty: list[Record]) -> None:
    header, *rows = csv.reader(io.StringIO(export(nasty, "csv")))
    assert header == list(COLUMNS)
    assert read(rows) == expected(nasty)


@pytest.mark.filterwarnings("ignore:.*float_precision")  # needed by pandas 2, the default in pandas 3
def test_csv_reads_back_with_pandas(records: list[Record]) -> None:
    found = pd.read_csv(
        io.StringIO(export(records, "csv")),
        float_precision="round_trip",
        keep_default_na=False,
        na_values={"lower": "", "upper": ""},
    )
    wanted = frame(records)
    pd.testing.assert_frame_equal(found, wanted, check_exact=True, check_dtype=False)


def test_json_round_trip(nasty: list[Record]) -> None:
    found = json.loads(export(nasty, "json"))
    assert all(list(row) == list(COLUMNS) for row in found)
    wanted = [
        [None if isinstance(v, float) and not math.isfinite(v) else v for v in row] for row in expected(nasty)
    ]
    assert [list(row.values()) for row in found] == wanted


def test_markdown_round_trip(nasty: list[Record]) -> None:
    lines = export(nasty, "markdown").splitlines()
    cells = [
        [re.sub(r"\\(.)", r"\1", part.strip()) for part in re.split(r"(?<!\\)\|", x)[1:-1]] for x in lines
    ]
    assert cells[0] == list(COLUMNS)
    assert all(re.fullmatch(r":?-+:?", part) for part in cells[1])
    assert read(cells[2:]) == expected(nasty)


def test_latex_round_trip(nasty: list[Record]) -> None:
    text = export(nasty, "latex")
    assert text.startswith(f"\\begin{{tabular}}{{{'lrllrlrrlllllllrll'}}}\n\\toprule\n")
    assert text.rstrip().endswith("\\bottomrule\n\\end{tabular}")
    back = {
        r"\textbackslash{}": "\\",
        r"\textasciitilde{}": "~",
        r"\textasciicircum{}": "^",
        r"\textless{}": "<",
        r"\textgreater{}": ">",
        r"\textbar{}": "|",
        "{[}": "[",
        "{]}": "]",
        "{*}": "*",
        **{f"\\{c}": c for c in "&%$#_{}"},
    }
    command = re.compile("|".join(map(re.escape, back)))
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0]
    rows = [line.removesuffix(" \\\\") for line in body.splitlines()]
    cells = [[command.sub(lambda m: back[m[0]], p.strip()) for p in re.split(r"(?<!\\)&", r)] for r in rows]
    assert read(cells) == expected(nasty)


def test_latex_leaves_no_special_character_bare(nasty: list[Record]) -> None:
    body = export(nasty, "latex").split("\\midrule\n")[1].split("\\bottomrule")[0]
    rows = [line.removesuffix(" \\\\") for line in body.splitlines()]
    for row in rows:
        for part in re.split(r"(?<!\\)&", row):
            bare = re.sub(r"\\[&%$#_{}]|\\text\w+\{\}|\{[\[\]*]\}", "", part)
            assert not re.search(r"[\\&%$#_{}~^<>|\[\]*]", bare), part


@pytest.mark.parametrize("format", ["csv", "json", "markdown", "latex"])
def test_formats_agree_on_the_number_of_rows(records: list[Record], format: str) -> None:
    text = export(records, format, [("measure", "memory")])
    rows = sum(len(one.values) for one in records if one.measure == "memory")
    assert text.count("peak_bytes") + text.count(r"peak\_bytes") == rows / 2
    assert text.endswith("\n")


@pytest.mark.parametrize(
    ("where", "count"),
    [
        ([("scale", "4")], None),
        ([("scale", "2")], 0),
        ([("model", "bsrn"), ("metric", "psnr"), ("image", "")], 2),
        ([("model", "bsrn"), ("model", "rfdn"), ("metric", "psnr"), ("image", "")], 4),
        ([("threads", "2"), ("metric", "latency_ms"), ("model", "imdn")], 1),
        ([("lower", ""), ("metric", "latency_ms")], 0),
        ([("value", "352400")], 2),
    ],
)
def test_where(records: list[Record], where: list[tuple[str, str]], count: int | None) -> None:
    rows = json.loads(export(records, "json", where))
    assert len(rows) == (len(frame(records)) if count is None else count)


def test_no_records() -> None:
    assert export([], "csv") == ",".join(COLUMNS) + "\n"
    assert json.loads(export([], "json")) == []
    assert export([], "markdown").count("\n") == 2
    assert "\\midrule" in export([], "latex")


def test_unknown_names_are_usage_errors(records: list[Record]) -> None:
    with pytest.raises(UsageError, match="unknown column 'modle': did you mean 'model'"):
        export(records, "csv", [("modle", "bsrn")])
    with pytest.raises(UsageError, match="unknown format 'xlsx'"):
        export(records, "xlsx")


def test_parse_where() -> None:
    assert parse_where("weights=a=b") == ("weights", "a=b")
    with pytest.raises(UsageError, match="write COLUMN=VALUE"):
        parse_where("scale")
