"""What the page's dialog tells of a record."""

from __future__ import annotations

import dataclasses

from reports.record_facts import record_facts
from suite.records import Record


def facts_of(record: Record) -> dict[str, str]:
    found = record_facts([record], [])
    blocks = [found["shared"][place] for place in found["records"][record.key]["shared"]]
    return {label: text for block in blocks for label, text in block}


def test_what_stood_in_for_eager_is_named_with_its_proof(records: list[Record]) -> None:
    record = next(r for r in records if r.measure == "quality" and r.model == "bsrn")
    quick = dataclasses.replace(
        record, details={**record.details, "stand_in": {"backend": "fused", "difference": 8.3e-7}}
    )
    assert "Executed by" not in facts_of(record)
    assert facts_of(quick)["Executed by"] == "fused, which differs from eager by 8.3e-07 of the value range"
