"""A table as CSV, JSON, Markdown or LaTeX. ``static/exports.js`` writes the same bytes in the page."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from itertools import groupby

from reports.escapes import LATEX, MARKDOWN, csv_field, escape
from reports.export_tables import INTERVAL, ExportCell, ExportHead, ExportRow, ExportTable, missing_reasons
from reports.grid import BETWEEN, SET_OFF, Mark

SHOWN = frozenset({INTERVAL})
"""The options that are on from the start."""
DASH = "\u2013"
"""Stands for a figure that is missing."""
LEGEND = "The best of a column is bold, the second best underlined."

_Wrap = dict[Mark, tuple[str, str]]
_LATEX_MARKS: _Wrap = {"": ("", ""), "best": (r"\textbf{", "}"), "second": (r"\underline{", "}")}
LATEX_MINOR = (r"{\scriptsize ", "}")


def write(table: ExportTable, format: str, options: Collection[str] = SHOWN) -> str:
    """A table in one of `TABLE_FORMATS`; ``options`` say what stands with a figure."""
    return TABLE_FORMATS[format][1](table, frozenset(options) | {""})


def _csv(table: ExportTable, options: Collection[str]) -> str:
    """One row a line; figures in full, in the units of the records, and empty where missing."""
    header = list(table.fields)
    for head in table.heads:
        header += [head.id, *(f"{head.id}.{name}" for name, option in head.extra if option in options)]
    lines = [header]
    for row in table.rows:
        line = list(row.names)
        for head, cell in zip(table.heads, row.cells, strict=True):
            line.append(cell.value or _plain(cell))
            pairs = zip(head.extra, cell.extra, strict=True)
            line += [text for (_, option), text in pairs if option in options]
        lines.append(line)
    return "".join(",".join(map(csv_field, line)) + "\n" for line in lines)


def _plain(cell: ExportCell) -> str:
    return BETWEEN.join(text for text, _ in cell.parts)


def _json(table: ExportTable, options: Collection[str]) -> str:
    """One object with ``table``, ``columns``, ``rows`` and ``notes``; a number that JSON lacks is null."""
    columns = [
        _object(
            [
                *(("id", _quote(head.id)), ("group", _quote(head.group)), ("label", _quote(head.label))),
                *(("of", _quote(head.sub)), ("definition", _quote(head.definition))),
            ]
        )
        for head in table.heads
    ]
    rows = []
    for row in table.rows:
        names = [(name, _quote(text)) for name, text in zip(table.fields, row.names, strict=True)]
        cells = [(h.id, _json_cell(h, c)) for h, c in zip(table.heads, row.cells, strict=True)]
        rows.append(_object([*names, ("group", _quote(row.block)), ("cells", _object(cells))]))
    parts = [
        ("table", _quote(table.caption)),
        ("columns", _list(columns)),
        ("rows", _list(rows)),
        ("notes", _list([_quote(note) for note in table.notes])),
    ]
    return _object(parts) + "\n"


def _json_cell(head: ExportHead, cell: ExportCell) -> str:
    if cell.missing:
        return _object([("missing", _quote(cell.missing))])
    pairs = [("text", _quote(_plain(cell)))]
    if cell.value:
        pairs.append(("value", _json_number(cell.value)))
    for (name, option), text in zip(head.extra, cell.extra, strict=True):
        if text:
            pairs.append((name, _json_number(text) if option == INTERVAL else _quote(text)))
    if cell.rank is not None:
        pairs.append(("rank", str(cell.rank)))
    return _object(pairs)


def _json_number(text: str) -> str:
    return "null" if text in ("inf", "-inf") else text


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _object(pairs: Sequence[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{_quote(name)}: {text}" for name, text in pairs) + "}"


def _list(items: Sequence[str]) -> str:
    return "[\n" + ",\n".join(items) + "\n]" if items else "[]"


def _markdown(table: ExportTable, options: Collection[str]) -> str:
    """A caption, a pipe table of the figures as printed, and the remarks."""

    def cell_text(cell: ExportCell) -> str:
        return "<br>".join(_lines(cell, MARKDOWN, SET_OFF, options))

    heads = [
        ", ".join(escape(text, MARKDOWN) for text in (head.group, head.label, head.sub) if text)
        for head in table.heads
    ]
    width = len(heads)
    lines = [f"**{escape(table.caption, MARKDOWN)}**", ""]
    lines += [_pipes([escape(table.stub, MARKDOWN), *heads]), _pipes(["---", *["---:"] * width])]
    for block, members in groupby(table.rows, key=lambda row: row.block):
        if block:
            lines.append(_pipes([f"*{escape(block, MARKDOWN)}*", *[""] * width]))
        lines += [_pipes([_title(row, MARKDOWN), *map(cell_text, row.cells)]) for row in members]
    lines += ["", *(f"{escape(remark, MARKDOWN)}\n" for remark in _remarks(table))]
    return "\n".join(lines).rstrip("\n") + "\n"


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _title(row: ExportRow, escapes: Mapping[str, str]) -> str:
    return ", ".join(escape(text, escapes) for text in (row.title, row.sub) if text)


def _lines(cell: ExportCell, escapes: Mapping[str, str], marks: _Wrap, options: Collection[str]) -> list[str]:
    """The printed figure with its marks, and the smaller lines below it."""
    if not cell.parts:
        return [escape(DASH, escapes) if cell.missing else ""]
    figure = BETWEEN.join(escape(text, escapes).join(marks[mark]) for text, mark in cell.parts)
    return [figure, *(escape(text, escapes) for option, text in cell.below if option in options)]


def _remarks(table: ExportTable) -> list[str]:
    """What is said below a table."""
    marked = any(mark for row in table.rows for cell in row.cells for _, mark in cell.parts)
    legend = [LEGEND] if marked else []
    return [*legend, *(f"{DASH} {reason}" for reason in missing_reasons(table.rows)), *table.notes]


def _latex(table: ExportTable, options: Collection[str]) -> str:
    """A table for booktabs, ready to be pasted: caption, label, figures as printed, remarks below."""

    def cell_text(cell: ExportCell) -> str:
        figure, *below = _lines(cell, LATEX, _LATEX_MARKS, options)
        if not below:
            return figure
        return "\\shortstack[r]{" + " \\\\ ".join([figure, *(t.join(LATEX_MINOR) for t in below)]) + "}"

    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{escape(table.caption, LATEX)}}}",
        f"\\label{{tab:{table.name}}}",
        f"\\begin{{tabular}}{{l{'r' * len(table.heads)}}}",
        "\\toprule",
        *_latex_heads(table),
        "\\midrule",
    ]
    for place, (block, members) in enumerate(groupby(table.rows, key=lambda row: row.block)):
        if block:
            lines += ["\\midrule"] if place else []
            span = f"\\multicolumn{{{len(table.heads) + 1}}}{{l}}"
            lines.append(f"{span}{{\\emph{{{escape(block, LATEX)}}}}} \\\\")
        lines += [" & ".join([_title(row, LATEX), *map(cell_text, row.cells)]) + " \\\\" for row in members]
    lines += ["\\bottomrule", "\\end{tabular}"]
    lines += [f"\\par\\smallskip{{\\footnotesize {escape(remark, LATEX)}}}" for remark in _remarks(table)]
    return "\n".join([*lines, "\\end{table}"]) + "\n"


def _latex_heads(table: ExportTable) -> list[str]:
    """The headings: of groups if there are any, then of the columns."""
    lines = []
    if any(head.group for head in table.heads):
        spans, rules, start = [""], [], 2
        for group, members in groupby(table.heads, key=lambda head: head.group):
            width = len(list(members))
            spans.append(f"\\multicolumn{{{width}}}{{c}}{{{escape(group, LATEX)}}}")
            rules.append(f"\\cmidrule(lr){{{start}-{start + width - 1}}}")
            start += width
        lines += [" & ".join(spans) + " \\\\", " ".join(rules)]
    heads = [
        ", ".join(escape(text, LATEX) for text in (head.label, head.sub) if text) for head in table.heads
    ]
    return [*lines, " & ".join([escape(table.stub, LATEX), *heads]) + " \\\\"]


TABLE_FORMATS: dict[str, tuple[str, Callable[[ExportTable, Collection[str]], str]]] = {
    "csv": ("csv", _csv),
    "json": ("json", _json),
    "markdown": ("md", _markdown),
    "latex": ("tex", _latex),
}
"""Ending of the file's name, and writer, of each format."""
