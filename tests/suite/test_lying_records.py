"""Records that lie: wrong types, huge numbers, markup and terminal commands, in every command."""

from __future__ import annotations

import copy
import dataclasses
import json
import math
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.exporters import export
from reports.html import render
from suite.cli.screen import in_one_line, printable
from suite.comparison import compare_runs
from suite.ledger.audit import audit
from suite.records import LONGEST, Record, Store, from_json, load_run, read_lines, to_json
from suite.soundness import problems_of
from tests.command import environment, suite
from tests.suite.profiles import few

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(__file__).parent / "data"
LINES = [line for file in sorted(DATA.glob("records_*.jsonl")) for line in file.read_text().splitlines()]

ESCAPE = "\x1b]0;title\x07\x1b[2J\x1b[31m"
MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"
NASTY = f"n{ESCAPE}{MARKUP}\u202e\x00\udcff\n[9/9] done {{{{ 7*7 }}}} %s"


def nasty(value: Any, text: str = NASTY) -> Any:
    """A JSON value with a text added to each of its texts, but to those that are numbers or sizes."""
    if isinstance(value, dict):
        return {name: nasty(item, text) for name, item in value.items()}
    if isinstance(value, list):
        return [nasty(item, text) for item in value]
    plain = not isinstance(value, str) or re.fullmatch(
        r"|nan|inf|quality|cost|memory|runtime|\d+x\d+x\d+", value
    )
    return value if plain else value + text


def write(run: Path, records: list[dict[str, Any]]) -> Path:
    run.mkdir(parents=True)
    (run / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return run


def lies(text: str) -> list[dict[str, Any]]:
    """Records with a text in each of their texts but in the names of figures, which are known ones."""
    records: list[dict[str, Any]] = nasty([json.loads(line) for line in LINES], text)
    for number, record in enumerate(records):
        record["key"] += str(number)
        for value in record["values"]:
            value["metric"], value["unit"] = (
                value["metric"].removesuffix(text),
                value["unit"].removesuffix(text),
            )
    return records


# Commands


@pytest.fixture(scope="module")
def lying(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run ``lies`` whose texts are all nasty and a run ``plain``; not to be changed."""
    place = tmp_path_factory.mktemp("lying")
    records = [json.loads(line) for line in LINES]
    write(place / "plain", records)
    write(place / "lies", lies(NASTY))
    return place


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["report", "lies", "--html", "page.html"], 0),
        (["verify", "lies"], 1),
        (["compare", "plain", "lies", "--all"], 1),
        (["compare", "lies", "lies"], 0),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_no_text_of_a_record_commands_the_terminal(lying: Path, arguments: list[str], status: int) -> None:
    done = suite(lying, *arguments, status=status)
    for stream in (done.stdout, done.stderr):
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", stream)


@pytest.mark.parametrize("format", ["csv", "markdown", "latex"])
def test_figures_are_exact_in_a_pipe_and_printable_on_a_terminal(lying: Path, format: str) -> None:
    command = ["results", "lies", "--format", format]
    assert "\x1b" in suite(lying, *command).stdout
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "suite", *command], cwd=lying, env=environment(lying), stdout=theirs
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        shown += piece
    assert process.wait(timeout=60) == 0
    os.close(ours)
    assert b"\x1b" not in shown and b"x1b" in shown


class Elements(HTMLParser):
    """Counts elements and attributes of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: dict[str, int] = {}
        self.handlers: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found[tag] = self.found.get(tag, 0) + 1
        self.handlers += [name for name, _ in attrs if name.startswith("on") or name == "style"]


def test_no_text_of_a_record_becomes_markup(lying: Path) -> None:
    page = render(load_run(lying / "lies"), [f"python -m suite run --models '{NASTY}'"])
    tame = [from_json(json.dumps(record)) for record in lies("x")]
    plain = Elements(render(tame, ["python -m suite run"]))
    found = Elements(page)
    assert found.handlers == []
    for tag in ("script", "img", "style", "iframe", "svg"):
        assert found.found.get(tag, 0) == plain.found.get(tag, 0), tag
    assert "alert(1)" in page  # it is shown, as text


# Files


def test_damaged_lines_are_passed_over_and_the_others_are_read(tmp_path: Path) -> None:
    good = LINES[0]
    bad = [
        "\x00" * 100,
        "[" * 100_000,
        '{"a":' * 50_000,
        "null",
        "1e999",
        '"' + "x" * 10,
        good[:-1],
        "{}" * 3,
    ]
    (tmp_path / "records.jsonl").write_text("\n".join([*bad, good, *bad]))
    store = Store(tmp_path)
    assert list(store.load()) == [json.loads(good)["key"]]
    assert store.torn == 2 * len(bad)
    assert len(audit(tmp_path).records) == 1


def test_a_line_without_end_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("suite.records.LONGEST", 1000)
    assert LONGEST >= 2**20
    (tmp_path / "f").write_bytes(b"a\n" + b"x" * 4321 + b"\nb\n\n" + b"y" * 1000)
    lines = list(read_lines(tmp_path / "f"))
    assert [(number, len(line)) for number, line in lines] == [(1, 1), (2, 1000), (3, 1), (5, 1000)]


def test_a_line_of_a_hundred_megabytes_is_one_damaged_line(tmp_path: Path) -> None:
    record = json.loads(LINES[0]) | {"key": "long"}
    record["details"]["x"] = "y" * 100_000_000
    (tmp_path / "records.jsonl").write_text(json.dumps(record) + "\n" + LINES[0] + "\n")
    store = Store(tmp_path)
    assert len(store.load()) == 1
    assert store.torn == 1


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" + "0" * 5000, "NaN", "1" + "0" * 350])
def test_a_number_that_is_none_is_refused_or_is_no_finite_figure(number: str) -> None:
    record = json.loads(LINES[0])
    record["values"][0]["value"] = "here"
    line = json.dumps(record).replace('"here"', number)
    try:
        assert math.isinf(from_json(line).values[0].value)
    except ValueError as error:
        assert str(error)


# Text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, Übergröße, 日本語 🙂\ttab", "plain, Übergröße, 日本語 🙂\ttab"),
        ("\x1b[31m\x07\x9b", "\\x1b[31m\\x07\\x9b"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("\udcff\u2028", "\\udcff\\u2028"),
        ("a\r\nb", "a\\x0d\nb"),
    ],
)
def test_what_is_no_text_is_shown_as_its_escape(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert in_one_line(text) == shown.replace("\n", "\\n")


def test_a_name_passes_for_no_other_line(tmp_path: Path) -> None:
    done = suite(tmp_path, "run", "--models", "a\n[1/1] bsrn: 99 dB\x1b[2J", status=2)
    assert done.stderr.count("\n") == 1 and "\x1b" not in done.stderr


def test_every_console_is_the_one_that_keeps_commands_back() -> None:
    for file in (*ROOT.glob("suite/**/*.py"), *ROOT.glob("reports/**/*.py")):
        if file.name != "screen.py":
            assert not re.search(r"\bConsole\(", file.read_text(encoding="utf-8")), file


# Property: whatever is read can be shown

TEXT = st.sampled_from(
    ["", "x", NASTY, "bicubic", "quality", "cost", "runtime", "sr-y", "Set5", "-1", "a" * 3000]
)
NUMBER = st.one_of(
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 1e-300, 1e300, -1e300, 2**63, 10**300, 0.5, "nan", "inf", "-inf"]),
)
LEAF = st.one_of(TEXT, NUMBER, st.none(), st.booleans())
ANYTHING = st.recursive(
    LEAF,
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(TEXT, inner, max_size=2)),
    max_leaves=4,
)


def mutate(record: dict[str, Any], data: st.DataObject) -> None:
    """Replace, remove or add something, somewhere."""
    container: Any = record
    while True:
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        if not keys:
            return
        key = data.draw(st.sampled_from(keys))
        if isinstance(container[key], dict | list) and container[key] and data.draw(st.integers(0, 4)):
            container = container[key]
            continue
        old = container[key]
        if data.draw(st.integers(0, 9)) == 0:
            del container[key]
        elif isinstance(old, int | float) and data.draw(st.booleans()):
            container[key] = data.draw(NUMBER)
        elif isinstance(old, str) and data.draw(st.booleans()):
            container[key] = data.draw(TEXT)
        else:
            container[key] = data.draw(ANYTHING)
        return


def read(lines: list[dict[str, Any]]) -> list[Record]:
    records = []
    for line in lines:
        try:
            records.append(from_json(json.dumps(line)))
        except ValueError:
            continue
    return records


USES: dict[str, Callable[[list[Record]], object]] = {
    "page": lambda records: render(records, ["python -m suite run"]),
    "exports": lambda records: [export(records, form, []) for form in ("csv", "json", "markdown", "latex")],
    "comparison": lambda records: [compare_runs(records, PLAIN), compare_runs(PLAIN, records)],
    "soundness": lambda records: [list(problems_of(record)) for record in records],
}
PLAIN = [from_json(line) for line in LINES]


@pytest.mark.parametrize(
    "details",
    [
        {"stand_in": {}},
        {"stand_in": {"backend": "fused", "difference": "small", "psnr_change": 0.0}},
        {"backend": {"agreement": {"difference": "small", "psnr_change": 0.0}}},
        {"backend": {"agreement": {"difference": 0.0}}},
        {"backend": {"deployment": ["fuse-blocks"]}},
    ],
    ids=["nothing said", "no number", "agreement, no number", "half of it", "no table"],
)
def test_a_proof_that_says_nothing_is_refused_before_a_page_shows_it(details: dict[str, Any]) -> None:
    line = json.loads(LINES[0])
    with pytest.raises(ValueError, match="details"):
        from_json(json.dumps(line | {"details": line["details"] | details}))


@pytest.mark.parametrize("use", USES)
@given(data=st.data())
@few(6)
def test_a_record_that_is_read_can_be_used(use: str, data: st.DataObject) -> None:
    lines = [copy.deepcopy(json.loads(line)) for line in LINES]
    for number, line in enumerate(lines):
        line["key"] = str(number)
    for line in lines:
        for _ in range(data.draw(st.integers(0, 3))):
            mutate(line, data)
    USES[use](read(lines))


@given(line=st.one_of(st.text(max_size=80), ANYTHING.map(json.dumps), st.binary(max_size=80).map(repr)))
@few(200)
def test_any_line_is_a_record_or_a_value_error(line: str) -> None:
    try:
        record = from_json(line)
    except ValueError:
        return
    assert from_json(to_json(record)).key == record.key


def test_the_record_of_a_name_that_is_no_utf_8_is_shown(tmp_path: Path) -> None:
    record = dataclasses.replace(from_json(LINES[0]), model="\udcff", weights="/home/me/\udcff.pth")
    Store(tmp_path / "run").append(record)
    suite(tmp_path, "report", "run", "--html", "page.html")
    assert "\\udcff" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "\\udcff" in suite(tmp_path, "results", "run").stdout
