"""The tables of docs/training.md are those of the committed records."""

from __future__ import annotations

from pathlib import Path

from reports.grid import Section, to_markdown
from reports.studies import build_studies, find_studies
from suite.records import Record, load_run

DOCS = Path(__file__).parents[2] / "docs"


def studied() -> list[Record]:
    return [record for folder in sorted((DOCS / "studies").iterdir()) for record in load_run(folder)]


def test_the_page_shows_what_the_records_say() -> None:
    page = (DOCS / "training.md").read_text(encoding="utf-8")
    (section,) = build_studies(studied())
    tables = to_markdown([Section(section.id, section.heading, (), section.grids)]).split("\n", 2)[2].rstrip()
    assert f"<!-- studies: begin -->\n{tables}\n<!-- studies: end -->" in page


def test_every_variant_has_two_seeds_on_four_sets() -> None:
    for study in find_studies(studied()):
        assert study.schedule == "short"
        assert study.datasets == ("Set5", "Set14", "B100", "Urban100")
        assert all(len(variant.seeds) >= 2 for variant in study.variants)
        assert all(score is not None for variant in study.variants for score in variant.scores)


def test_every_run_of_a_study_has_its_card_and_log() -> None:
    shipped = {
        file.name.removesuffix("_x4.json")
        for package in ("bsrn", "baselines")
        for file in (DOCS.parent / package / "weights").glob("*_x4.json")
    }
    for study in find_studies(studied()):
        for variant in study.variants:
            for seed in variant.seeds:
                if seed == 0 and variant.model in shipped:
                    continue  # those lie with the weights
                for ending in ("json", "log.jsonl"):
                    assert len([*DOCS.glob(f"studies/*/{variant.model}_seed{seed}.{ending}")]) == 1
