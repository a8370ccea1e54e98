"""Exported tables: what is written reads back, in every format, whatever the names are."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from reports.commands import remake
from reports.escapes import LATEX, MARKDOWN, csv_field, embed, guard
from reports.export_formats import write
from reports.export_sources import export_tables, of_section, write_exports
from reports.export_tables import ExportTable, of_leaderboard
from reports.grid import Grid, GridCell, GridRow, Section
from reports.leaderboard import build
from reports.published_cells import published_cells
from suite.errors import SuiteError
from suite.records import Record, Store
from tests.command import suite

Factory = Callable[..., list[Record]]
NAMES = [
    '=HYPERLINK("x")',
    "+1+1",
    "-2+3|x",
    "@a",
    "<script>alert(1)</script>",
    'a|b_c & 50% $x$ #1 {y} ~^\\ "q" [0] *s* `t`, \u00fc \u00d7 \u2013 \u221e \u00b7',
]


@pytest.fixture(scope="module")
def nasty(make: Factory, models: SimpleNamespace) -> list[Record]:
    """A run of networks of strange names, some without figures, on two machines."""
    strange = [replace(models.strange, name=f"n{n}", title=name) for n, name in enumerate(NAMES)]
    return make([*strange, models.bsrn, models.imdn, models.untrained, models.bicubic])


@pytest.fixture(scope="module")
def table(nasty: list[Record]) -> ExportTable:
    return of_leaderboard(build(nasty).tables[0], published_cells(nasty))


def values(table: ExportTable) -> list[list[float | None]]:
    return [[float(cell.value) if cell.value else None for cell in row.cells] for row in table.rows]


def printed(table: ExportTable) -> list[list[tuple[str, str]]]:
    """Text and mark of every figure; a dash where it is missing."""
    return [[cell.parts[0] if cell.parts else ("\u2013", "") for cell in row.cells] for row in table.rows]


def test_csv_round_trip(table: ExportTable) -> None:
    header, *rows = csv.reader(io.StringIO(write(table, "csv")))
    assert header[:7] == list(table.fields)
    places = [header.index(head.id) for head in table.heads]
    assert [[float(row[p]) if row[p] else None for p in places] for row in rows] == values(table)
    assert [re.sub(r"^'(?=[=+\-@])", "", row[1]) for row in rows] == [row.title for row in table.rows]
    # Nothing that a spreadsheet would compute, and the interval beside its figure.
    assert not any(re.match(r"[=+\-@\t\r]", field) for row in rows for field in row)
    lower = header.index("runtime.latency_ms.3x256x256.lower")
    assert all(float(row[lower]) < float(row[lower - 1]) < float(row[lower + 1]) for row in rows)
    assert "psnr.Set5.sr-y.published" not in header
    assert "psnr.Set5.sr-y.published" in write(table, "csv", ["published"]).split("\n")[0]


def test_json_round_trip(table: ExportTable) -> None:
    found = json.loads(write(table, "json"))
    assert [column["id"] for column in found["columns"]] == [head.id for head in table.heads]
    cells = [[row["cells"][head.id] for head in table.heads] for row in found["rows"]]
    assert [[cell.get("value") for cell in row] for row in cells] == values(table)
    assert [row["title"] for row in found["rows"]] == [row.title for row in table.rows]
    pan = next(row for row in found["rows"] if row["title"] == "PAN")
    assert pan["cells"]["psnr.Set5.sr-y"]["missing"].startswith("not measured: the weights are random")
    bsrn = next(row for row in found["rows"] if row["title"] == "BSRN")
    assert bsrn["cells"]["psnr.Set5.sr-y"] | {"published": ""} == {
        **{"text": "32.35", "value": 32.3464, "rank": 1, "published": ""},
    }
    assert bsrn["cells"]["psnr.Set5.sr-y"]["published"] == "32.35 dB"


def unescape(text: str, escapes: dict[str, str]) -> str:
    back = {escaped: plain for plain, escaped in escapes.items() if escaped != " "}
    return re.sub("|".join(map(re.escape, sorted(back, key=len, reverse=True))), lambda m: back[m[0]], text)


def test_markdown_round_trip(table: ExportTable) -> None:
    text = write(table, "markdown", [])
    lines = [line for line in text.splitlines() if line.startswith("|")]
    rows = [
        [unescape(part.strip(), dict(MARKDOWN)) for part in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in lines
    ]
    heading, rule, machine, *body = rows
    assert heading[0] == "Model" and len(heading) == len(table.heads) + 1 and set(rule[1:]) == {"---:"}
    assert machine[0].startswith("*Intel") and not any(machine[1:])

    def read(part: str) -> tuple[str, str]:
        found = re.fullmatch(r"\*\*(.*)\*\*|<u>(.*)</u>|(.*)", part)
        assert found
        return found[found.lastindex or 3] or "", ("best", "second", "")[(found.lastindex or 3) - 1]

    assert [[read(part) for part in row[1:]] for row in body] == printed(table)
    assert [row[0] for row in body] == [f"{row.title}, {row.sub}" for row in table.rows]
    assert "\u2013 not measured: the weights are random numbers" in text
    assert "1,3" in write(table, "markdown") and "<br>1,3" in write(table, "markdown")


def test_latex_round_trip(table: ExportTable) -> None:
    text = write(table, "latex", [])
    assert "\\caption{Leaderboard at scale $\\times$4}\n\\label{tab:leaderboard-x4}" in text
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
    assert body[0].startswith(f"\\multicolumn{{{len(table.heads) + 1}}}{{l}}{{\\emph{{Intel")
    rows = [re.split(r"(?<!\\)&", line.removesuffix(" \\\\")) for line in body[1:]]

    def read(part: str) -> tuple[str, str]:
        found = re.fullmatch(r"\\textbf\{(.*)\}|\\underline\{(.*)\}|(.*)", part.strip())
        assert found
        inside = found[found.lastindex or 3] or ""
        return unescape(inside, dict(LATEX)), ("best", "second", "")[(found.lastindex or 3) - 1]

    assert [[read(part) for part in row[1:]] for row in rows] == printed(table)
    assert [unescape(row[0].strip(), dict(LATEX)) for row in rows] == [
        f"{r.title}, {r.sub}" for r in table.rows
    ]


def test_latex_is_balanced_and_leaves_no_special_character_bare(table: ExportTable) -> None:
    text = write(table, "latex")
    commands = re.findall(r"\\(begin|end)\{(\w+)\}", text)
    assert commands == [("begin", "table"), ("begin", "tabular"), ("end", "tabular"), ("end", "table")]
    bare = re.sub(r"\\[&%$#_{}]", "", text)
    assert bare.count("{") == bare.count("}") and bare.count("$") % 2 == 0
    assert not re.search(r"[#_|<>\u00d7\u221e\u00b7\u2013]", bare.replace("{tabular}", ""))
    assert text.count("\\shortstack[r]{") == len(table.rows)


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        *((name, f"'{name}") for name in ("=1+1", "+a", "-x", "@a", "\tx", "-1-1", "+1|2")),
        *((number, number) for number in ("-0.5", "+1,234", "-1e-05", "-inf", "12", "x=1", "")),
    ],
)
def test_formulas_become_text_and_numbers_stay_numbers(text: str, guarded: str) -> None:
    assert guard(text) == guarded
    assert next(csv.reader([f"{csv_field(text)},"])) == [guarded, ""]


def test_embedded_data_never_ends_its_element() -> None:
    data = {"a": "</script><!--<script>", "\udcff": ["\u2028", 1.5, None]}
    text = str(embed(data))
    assert "<" not in text and json.loads(text) == data
    text.encode()
    with pytest.raises(ValueError, match="JSON"):
        embed(float("nan"))


def test_parts_of_the_report_keep_their_marks_and_second_lines() -> None:
    grid = Grid(
        caption="Table",
        stub="Model",
        columns=(("Set5", "x4"), ("Set5", "x4")),
        rows=(
            GridRow(
                "A|B", (GridCell("32.35 / 0.8966", "-0.01", marks=("best", "second")), GridCell("")), "n"
            ),
        ),
    )
    (table,) = of_section(Section("part", "Part", (), (grid,)))
    rows = list(csv.reader(io.StringIO(write(table, "csv"))))
    assert rows[0] == [
        "Model",
        "of",
        "Set5, x4 (1)",
        "Set5, x4 (1).below",
        "Set5, x4 (2)",
        "Set5, x4 (2).below",
    ]
    assert rows[1] == ["A|B", "n", "32.35 / 0.8966", "-0.01", "", ""]
    assert "| A\\|B, n | **32.35** / <u>0.8966</u><br>-0.01 |  |" in write(table, "markdown")
    assert "\\shortstack[r]{\\textbf{32.35} / \\underline{0.8966} \\\\ {\\scriptsize -0.01}} &" in write(
        table, "latex"
    )


def test_all_tables_of_a_report_are_exported(nasty: list[Record], tmp_path: Path) -> None:
    tables = export_tables(nasty)
    names = [table.name for table in tables]
    assert len(set(names)) == len(names) and {"leaderboard-x4", "challenge"} <= set(names)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in names)
    files = write_exports(tmp_path / "new", nasty)
    assert sorted(files) == sorted((tmp_path / "new").iterdir()) and len(files) == 4 * len(tables)
    for table in tables:
        rows = list(csv.reader((tmp_path / "new" / f"{table.name}.csv").open(newline="", encoding="utf-8")))
        assert len(rows) == len(table.rows) + 1 and len({len(row) for row in rows}) == 1
        found = json.loads((tmp_path / "new" / f"{table.name}.json").read_text(encoding="utf-8"))
        assert [len(row["cells"]) for row in found["rows"]] == [len(table.heads)] * len(table.rows)


def test_the_same_records_give_the_same_bytes(nasty: list[Record], tmp_path: Path) -> None:
    one = [file.read_bytes() for file in write_exports(tmp_path / "a", nasty)]
    assert one == [file.read_bytes() for file in write_exports(tmp_path / "b", nasty[::-1])]


def test_the_command_line_writes_them(make: Factory, models: SimpleNamespace, tmp_path: Path) -> None:
    store = Store(tmp_path / "run")
    for record in make([models.bsrn], ["cost"]):
        store.append(record)
    command = ("report", "run", "--html", "page.html", "--exports")
    (tmp_path / "taken").write_text("")
    for folder, status in (("tables", 0), ("taken", 1)):
        done = suite(tmp_path, *command, folder, status=status)
    assert "taken" in done.stderr.splitlines()[-1]
    found = list(csv.reader((tmp_path / "tables/leaderboard-x4.csv").read_text().splitlines()))
    assert dict(zip(*found, strict=True))["cost.params"] == "352400"


def test_a_folder_that_cannot_be_written_is_one_sentence(records: list[Record], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SuiteError, match=r"cannot write .*leaderboard-x4\.csv"):
        write_exports(tmp_path / "file", records)


COMMAND = (
    "python -m suite run --models bsrn rfdn my.py:Net --datasets Set5 Mine='/a b' --measures quality runtime "
    "--protocols all --out runs/x --threads 2"
)


def test_the_command_that_remakes_a_record_leaves_out_the_rest(
    make: Factory, models: SimpleNamespace
) -> None:
    made = make([models.bsrn], ["quality", "runtime"], ["Set5"])
    quality = next(r for r in made if r.measure == "quality")
    again = "--out runs/again --no-report"
    start = "python -m suite run --models"
    older = COMMAND.replace("--threads 2", "--threads 1")
    assert remake(quality, [older, COMMAND, "python -m suite verify x", "'"]) == (
        f"{start} bsrn --scales 4 --measures quality --datasets Set5 --protocols sr-y --threads 2 {again}"
    )
    mine = replace(quality, dataset="Mine", model="net")
    assert remake(mine, [COMMAND]) == (
        f"{start} my.py:Net --scales 4 --measures quality --datasets 'Mine=/a b' --protocols sr-y "
        f"--threads 2 {again}"
    )
    timed = next(r for r in made if r.measure == "runtime")
    assert remake(timed, [COMMAND]) == (
        f"{start} bsrn rfdn my.py:Net --scales 4 --measures runtime --threads 2 {again}"
    )


@pytest.mark.parametrize(
    ("field", "value"), [("scale", 2), ("measure", "cost"), ("backend", "openvino"), ("dataset", "Set14")]
)
def test_commands_that_cannot_have_made_a_record_are_left_out(
    make: Factory, models: SimpleNamespace, field: str, value: object
) -> None:
    (quality,) = make([models.bsrn], ["quality"], ["Set5"])
    command = COMMAND.replace(" Mine='/a b'", "") + " --scales 4 --backend eager"
    assert remake(quality, [command])
    assert remake(replace(quality, **{field: value}), [command]) == ""  # type: ignore[arg-type]
