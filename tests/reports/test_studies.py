"""Studies: variants under one recipe, judged by the spread of their seeds."""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reports.html import render
from reports.studies import build_studies, find_studies, grid_of
from reports.terminal import print_sections
from suite.ledger import load_ledger
from suite.records import Record
from suite.statistics import pooled_differences

Factory = Callable[..., list[Record]]

PLAIN = {0: 30.98, 1: 30.94}
SEPARABLE = {0: 30.66, 1: 30.72}


def trained(
    make: Factory, model: Any, arguments: dict[str, str], scores: dict[int, float], recipe: str = "r1"
) -> list[Record]:
    """The records of a network that was trained once with each seed."""
    found: list[Record] = []
    for seed, psnr in scores.items():
        one = replace(model, weights=f"training/{model.name}_{seed}.safetensors", set5=(psnr, 0.87))
        for record in make([one], measures=("quality", "cost"), datasets=("Set5",)):
            training = {"schedule": "short", "seed": seed, "iterations": 5000, "recipe": recipe}
            weights = record.details["weights"] | training
            card = dict(record.card) | {"build": "baselines.rfdn:RFDN", "arguments": arguments}
            found.append(replace(record, card=card, details={**record.details, "weights": weights}))
    return found


@pytest.fixture
def study_records(make: Factory, models: SimpleNamespace) -> list[Record]:
    variant = replace(models.rfdn, name="rfdn-bsconv", title="RFDN, BSConv-U", params=140_198)
    return [*trained(make, models.rfdn, {}, PLAIN), *trained(make, variant, {"conv": "bsconv"}, SEPARABLE)]


def test_a_study_is_found_in_the_records_with_the_plain_network_first(
    study_records: list[Record], models: SimpleNamespace
) -> None:
    (study,) = find_studies(study_records[::-1])
    assert [v.model for v in study.variants] == ["rfdn", "rfdn-bsconv"]
    assert [v.seeds for v in study.variants] == [(0, 1), (0, 1)]
    assert (study.datasets, study.iterations, study.schedule) == (("Set5",), 5000, "short")
    assert (study.variants[1].params, study.variants[0].macs) == (
        140_198,
        models.rfdn.macs * 320 * 180 // 65536,
    )


def test_figures_are_means_over_seeds_and_differences_have_the_pooled_interval(
    study_records: list[Record],
) -> None:
    first, second = (v.scores[0] for v in find_studies(study_records)[0].variants)
    assert first is not None and second is not None
    assert first.mean == pytest.approx(30.96)
    assert first.difference is None
    expected = pooled_differences([list(PLAIN.values()), list(SEPARABLE.values())])[1]
    assert second.difference == pytest.approx(expected)


def test_other_recipes_and_networks_without_a_seed_are_left_out(
    make: Factory, study_records: list[Record], models: SimpleNamespace
) -> None:
    other = replace(models.rfdn, name="rfdn-dsconv", title="RFDN, DSConv")
    more = trained(make, other, {"conv": "dsconv"}, PLAIN, recipe="r2") + make()
    (study,) = find_studies(study_records + more)
    assert len(study.variants) == 2


def test_arguments_that_all_have_make_no_difference(make: Factory, models: SimpleNamespace) -> None:
    size = {"channels": 48, "blocks": 5}
    variant = replace(models.bsrn, name="other-order", title="BSRN, CCA before ESA", params=900_000)
    plain = trained(make, models.bsrn, size, PLAIN)  # type: ignore[arg-type]
    other = trained(make, variant, {**size, "attention": "cca-esa"}, SEPARABLE)  # type: ignore[arg-type]
    (study,) = find_studies([*other, *plain])
    assert [v.model for v in study.variants] == ["bsrn", "other-order"]


def test_a_network_that_differs_in_more_is_no_variant(make: Factory, models: SimpleNamespace) -> None:
    small = replace(models.bsrn, name="small", title="BSRN, small")
    other = replace(models.bsrn, name="small-other", title="BSRN, small, CCA before ESA")
    size = {"channels": 48, "blocks": 5}
    more = [
        *trained(make, small, size, PLAIN),  # type: ignore[arg-type]
        *trained(make, other, {**size, "attention": "cca-esa"}, SEPARABLE),  # type: ignore[arg-type]
    ]
    (study,) = find_studies([*trained(make, models.bsrn, {}, {0: 31.0}), *more])
    assert [v.model for v in study.variants] == ["small", "small-other"]


def test_one_network_alone_is_no_study(make: Factory, models: SimpleNamespace) -> None:
    assert find_studies(trained(make, models.rfdn, {}, PLAIN)) == []
    assert build_studies(make()) == []


def test_a_seed_that_was_not_measured_leaves_the_figure_out(study_records: list[Record]) -> None:
    extra = [replace(r, key=r.key + "x", dataset="Set14") for r in study_records if r.measure == "quality"][
        :-1
    ]
    (study,) = find_studies(study_records + extra)
    assert [v.scores[1] is None for v in study.variants] == [False, True]
    assert "not measured for every seed" in grid_of(study).rows[1].cells[3].sub


def test_single_seeds_are_shown_without_a_verdict(make: Factory, models: SimpleNamespace) -> None:
    variant = replace(models.rfdn, name="rfdn-bsconv", title="RFDN, BSConv-U")
    one = [*trained(make, models.rfdn, {}, {0: 31.0}), *trained(make, variant, {"conv": "bsconv"}, {0: 30.0})]
    (study,) = find_studies(one)
    grid = grid_of(study)
    assert grid.rows[1].cells[2].sub == ""
    assert grid.notes[0] == "One seed each: no spread is known, so no difference can be judged."


def test_every_row_carries_the_mark_of_the_short_schedule(study_records: list[Record]) -> None:
    (study,) = find_studies(study_records)
    assert all(row.sub == "mean of 2 seeds, short schedule" for row in grid_of(study).rows)
    assert "short schedule" in grid_of(study).caption


def test_the_page_and_the_terminal_show_the_study(
    study_records: list[Record], capsys: pytest.CaptureFixture[str]
) -> None:
    from rich.console import Console

    page = render(study_records, [])
    assert '<section id="studies"' in page
    assert '<a href="#studies">' in page
    print_sections(build_studies(study_records), Console(width=140))
    printed = capsys.readouterr().out
    assert "30.960 / 0.8700" in printed
    assert "-0.270 (" in printed


def test_the_tone_of_a_difference_says_what_its_interval_says(study_records: list[Record]) -> None:
    (study,) = find_studies(study_records)
    score = study.variants[1].scores[0]
    assert score is not None and score.difference is not None
    cell = grid_of(study).rows[1].cells[2]
    assert cell.tone == ("bad" if score.difference[2] < 0 else "muted")


def test_table_1_has_the_paper_s_column_with_the_reason_why_it_is_empty(study_records: list[Record]) -> None:
    grid = grid_of(find_studies(study_records)[0])
    assert grid.columns[-1][0] == "Paper (dB)"
    assert [row.cells[-1].text for row in grid.rows] == ["", ""]
    assert grid.notes[-1].startswith("Paper: No readable source quotes these figures")


def test_one_row_in_the_ledger_fills_the_paper_s_column(study_records: list[Record], tmp_path: Path) -> None:
    tables = Path(str(importlib.resources.files("suite.ledger"))) / "tables"
    text = (tables / "table1.toml").read_text(encoding="utf-8")
    row = '{ model = "rfdn-bsconv", sources = ["MINE"], status = "single source", Set5 = [32.1, 0.89] }'
    lines = [line for line in text.splitlines() if not line.startswith("empty")]
    filled = "\n".join(lines).replace("rows = [", f"rows = [\n  {row},")
    (tmp_path / "table1.toml").write_text(filled, encoding="utf-8")
    (tmp_path / "sources.toml").write_text('sources.MINE = "a test"\n', encoding="utf-8")
    grid = grid_of(find_studies(study_records)[0], load_ledger(tmp_path))
    assert [row.cells[-1].text for row in grid.rows] == ["", "Set5 32.1"]
