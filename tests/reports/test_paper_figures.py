"""Figures for papers: which there are, the same bytes each time, the records' figures, text as text."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reports.curves import PACKAGES, build_curves, find_curves
from reports.html import render
from reports.leaderboard import build
from reports.paper_figures import panel_figure, write_figures
from reports.plot import build_chart, family_styles
from suite.errors import SuiteError
from suite.records import Record, to_json
from suite.weights import sha256_of
from tests.command import call_suite

Factory = Callable[..., list[Record]]
ROOT = Path(__file__).parents[2]


@pytest.fixture
def shipped(make: Factory, models: Any) -> list[Record]:
    """Records of weights that come with the suite, by their true digest."""
    import importlib.resources

    file = next(
        path
        for package in PACKAGES
        if (path := Path(str(importlib.resources.files(package))) / "weights/bsrn_x4.safetensors").is_file()
    )
    found = make([replace(models.bsrn, weights="shipped")], measures=["quality"])
    weights = {"file": str(file), "sha256": sha256_of(file)}
    return [replace(r, details={**r.details, "weights": weights}) for r in found]


def test_every_plot_is_drawn_twice_and_the_same_each_time(
    records: list[Record], shipped: list[Record], tmp_path: Path
) -> None:
    mixed = [*records, *shipped]
    first, again = write_figures(tmp_path / "a", mixed), write_figures(tmp_path / "b", mixed[::-1])
    names = [file.name for file in first]
    assert names == [file.name for file in again]
    assert {"x4-parameters.svg", "x4-latency.pdf", "theory-1-macs.svg", "learning-curves.pdf"} <= set(names)
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes(), one.name
        start = one.read_bytes()[:5]
        assert start == (b"%PDF-" if one.suffix == ".pdf" else b"<?xml")


def test_words_stay_words_and_names_are_just_names(records: list[Record], tmp_path: Path) -> None:
    write_figures(tmp_path, records)
    text = (tmp_path / "x4-parameters.svg").read_text(encoding="utf-8")
    assert "RFDN (AIM 2020)</text>" in text and "PSNR (dB)" in text
    assert "<script" not in text and not re.search(r"<dc:date>", text)
    assert b"/CreationDate" not in (tmp_path / "x4-parameters.pdf").read_bytes()


def test_points_are_the_records(records: list[Record]) -> None:
    (table,) = build(records).tables
    panel = build_chart(table, family_styles(table.groups)).panels[0]
    drawn = {
        (float(line.get_xdata()[0]), float(line.get_ydata()[0]))
        for line in panel_figure(panel).axes[0].lines
        if len(line.get_xdata()) == 1
    }
    expected = set()
    for one in records:
        if one.measure == "cost" and one.input.endswith("256x256") and one.weights != "no parameters":
            quality = next(r for r in records if (r.model, r.dataset) == (one.model, "Set5"))
            psnr = quality.value("psnr")
            if psnr is not None and math.isfinite(psnr):
                expected.add(((one.value("params") or 0) / 1000, psnr))
    assert drawn == expected and len(expected) == 4


def test_curves_are_those_of_the_very_weights(shipped: list[Record]) -> None:
    (curve,) = find_curves(shipped)
    assert (curve.model, curve.scale, curve.dataset) == ("bsrn", 4, "Set5")
    assert [iteration for iteration, _ in curve.scores] == sorted(i for i, _ in curve.scores)
    assert all(20 < psnr < 40 for _, psnr in curve.scores) and len(curve.losses) > len(curve.scores)
    other = [replace(r, details={**r.details, "weights": {"sha256": "0" * 64}}) for r in shipped]
    assert find_curves(other) == []
    outside = [replace(r, model="../bsrn") for r in shipped]
    assert find_curves(outside) == []


def test_the_page_shows_the_curves(shipped: list[Record]) -> None:
    (section,) = build_curves(shipped)
    (panel,) = section.charts[0].panels
    (curve,) = find_curves(shipped)
    assert [(point.x, point.y) for point in panel.points] == list(curve.scores)
    assert panel.links == tuple((n, n + 1) for n in range(len(curve.scores) - 1))
    assert [point.label for point in panel.points][-1] == "BSRN \u00d74"
    page = render(shipped, [])
    assert '<section id="curves"' in page and "Iteration</text>" in page
    assert build_curves([]) == []


def test_a_folder_that_cannot_be_written_is_named(records: list[Record], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SuiteError, match=r"cannot write .*file"):
        write_figures(tmp_path / "file", records)


def test_the_command_writes_them(records: list[Record], tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    chosen = [r for r in records if r.measure in ("cost", "quality")]
    (run / "records.jsonl").write_text("".join(to_json(r) + "\n" for r in chosen))
    options = ["--html", str(tmp_path / "p.html"), "--figures", str(tmp_path / "figures")]
    done = call_suite("report", str(run), *options, environment=os.environ | {"COLUMNS": "100"})
    assert done.returncode == 0, done.stderr
    assert "Figures: 4 files in" in done.stderr
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == [
        *("x4-macs.pdf", "x4-macs.svg", "x4-parameters.pdf", "x4-parameters.svg"),
    ]
