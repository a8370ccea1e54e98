"""The parts of a report beside the leaderboard, in their order on the page."""

from __future__ import annotations

from collections.abc import Sequence

from reports.grid import Section
from reports.speed import build_speed
from reports.studies import build_studies
from suite.records import Record


def build_sections(records: Sequence[Record]) -> list[Section]:
    """The sections that records have something for."""
    return [section for build in (build_speed, build_studies) for section in build(records)]
