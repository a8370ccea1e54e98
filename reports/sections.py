"""The parts of a report beside the leaderboard, in their order on the page."""

from __future__ import annotations

from collections.abc import Sequence

from reports.backends import build_backends
from reports.curves import build_curves
from reports.explanation import build_explanation
from reports.grid import Section
from reports.identity import kept
from reports.paper_tables import build_paper_tables
from reports.published import build_published
from reports.speed import build_speed
from reports.studies import build_studies
from reports.theory import build_theory
from suite.records import Record


@kept
def build_sections(records: Sequence[Record]) -> list[Section]:
    """The sections that records have something for."""
    return [
        *build_paper_tables(records),
        *build_published(records),
        *build_speed(records),
        *build_backends(records),
        *build_explanation(records),
        *build_theory(records),
        *build_studies(records),
        *build_curves(records),
    ]
