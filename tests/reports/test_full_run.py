"""A run of everything: all networks of the catalog at all scales on four test sets, image by image."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import replace

import pytest

from reports.html import render
from reports.identity import kept, sort_records
from suite.records import Record


def test_sorting_does_not_depend_on_the_order_and_keeps_the_last(records: list[Record]) -> None:
    later = replace(records[3], finished="2026-06-01T00:00:00Z")
    expected = [r.key for r in sort_records(records)]
    for order in ([*records, later], [later, *records[::-1]]):
        found = sort_records(order)
        assert [r.key for r in found] == expected and later in found and records[3] not in found


def test_a_part_of_a_report_is_made_once_for_the_same_records(records: list[Record]) -> None:
    made = []

    @kept
    def count(found: Sequence[Record]) -> int:
        made.append(found)
        return len(found)

    ordered = sort_records(records)
    assert count(ordered) == count(ordered) == len(ordered) and made == [ordered]
    assert count(sort_records(records[:2])) == 2  # of other records another
    assert count(records) == len(ordered) and len(made) == 3  # those that are not sorted keep nothing


@pytest.mark.slow
def test_the_page_of_everything_is_small_and_soon_there(full_run: list[Record]) -> None:
    started = time.process_time()
    page = render(full_run, [])
    assert time.process_time() - started < 10
    without_images = re.sub(r"data:image/[^\"')]*", "", page)
    assert len(without_images.encode()) < 2_400_000
