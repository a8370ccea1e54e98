"""Records to the leaderboard: rows, columns, ranks, reasons and notes."""

from __future__ import annotations

import random
import statistics
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from reports.definitions import PROTOCOLS, origin_label
from reports.leaderboard import build
from reports.view import Cell, Row, Table, View
from suite.catalog.protocols import PROTOCOLS as CATALOG
from suite.records import Record, Value

Factory = Callable[..., list[Record]]


def row(table: Table, model: str, group: int = 0) -> Row:
    return next(row for row in table.groups[group].rows if row.model == model)


def cell(table: Table, model: str, column: str, group: int = 0) -> Cell:
    index = [c.id for c in table.columns].index(column)
    return row(table, model, group).cells[index]


def changed(records: list[Record], keep: Callable[[Record], bool], **changes: Any) -> list[Record]:
    return [replace(one, **changes) if keep(one) else one for one in records]


@pytest.fixture(scope="module")
def view(records: list[Record]) -> View:
    return build(records)


@pytest.fixture(scope="module")
def table(view: View) -> Table:
    return view.tables[0]


def test_columns_say_what_the_number_is(table: Table) -> None:
    assert [(c.group, c.label, c.unit, c.at) for c in table.columns] == [
        ("Cost", "Parameters", "K", ""),
        ("Cost", "MACs", "G", "1280\u00d7720 output"),
        ("Cost", "MACs", "G", "3\u00d7256\u00d7256"),
        ("Cost", "Activations", "M", "3\u00d7256\u00d7256"),
        ("Cost", "Conv layers", "", ""),
        ("Memory", "Peak memory", "MiB", "3\u00d7256\u00d7256"),
        ("Runtime", "Latency", "ms", "3\u00d7256\u00d7256"),
        ("Set5 \u00b7 sr-y", "PSNR", "dB", ""),
        ("Set5 \u00b7 sr-y", "SSIM", "", ""),
        ("Set14 \u00b7 sr-y", "PSNR", "dB", ""),
        ("Set14 \u00b7 sr-y", "SSIM", "", ""),
    ]
    definitions = {c.id: c.definition for c in table.columns}
    assert "no bias" in definitions["cost.macs.3x180x320"]
    assert "output of 1280\u00d7720 (input 3\u00d7180\u00d7320)" in definitions["cost.macs.3x180x320"]
    assert (
        "median of 15 samples, with its 95 % bootstrap interval"
        in definitions["runtime.latency_ms.3x256x256"]
    )
    assert "BT.601" in definitions["psnr.Set5.sr-y"]


def test_figures_are_printed_in_the_fields_units(table: Table) -> None:
    assert cell(table, "bsrn", "cost.params").text == "352.4"
    assert cell(table, "bsrn", "cost.params").exact == "352,400"
    assert cell(table, "bsrn", "cost.macs.3x180x320").text == "19.41"
    assert cell(table, "bsrn", "memory.peak_bytes.3x256x256").text == "132.1"
    assert cell(table, "bsrn", "psnr.Set5.sr-y").text == "32.35"
    assert cell(table, "bsrn", "ssim.Set5.sr-y").text == "0.8971"
    latency = cell(table, "bsrn", "runtime.latency_ms.3x256x256")
    assert latency.value is not None and latency.lower is not None and latency.upper is not None
    assert latency.lower < latency.value < latency.upper
    assert latency.interval == f"{latency.lower:,.0f}\u2013{latency.upper:,.0f}"


def test_every_figure_knows_its_record(table: Table, records: list[Record]) -> None:
    keys = {one.key for one in records}
    cells = [cell for row in table.groups[0].rows for cell in row.cells]
    assert all(cell.key in keys for cell in cells)


def test_quality_shares_a_rank_at_printed_precision(table: Table) -> None:
    ranks = {m: cell(table, m, "ssim.Set5.sr-y").rank for m in ("bsrn", "rfdn", "imdn")}
    assert ranks == {"bsrn": 1, "rfdn": 2, "imdn": 2}  # 0.89481 and 0.89478 both read 0.8948
    assert cell(table, "imdn", "psnr.Set5.sr-y").rank == 2
    assert cell(table, "rfdn", "psnr.Set5.sr-y").rank == 3


def timed(records: list[Record], samples: dict[str, list[float]], floor: float) -> list[Record]:
    """The records with these times in place of theirs."""
    return [
        replace(
            one,
            values=(Value("latency_ms", statistics.median(samples[one.model]), "ms", 0, 999),),
            details={**one.details, "samples_ms": samples[one.model], "noise": {"floor": floor}},
        )
        for one in records
    ]


@pytest.mark.parametrize(
    ("floor", "expected"),
    [(0.0, {"rfdn": 1, "imdn": 2, "bsrn": 3}), (0.05, {"rfdn": 1, "imdn": 1, "bsrn": 3})],
)
def test_latencies_within_the_noise_of_the_first_share_its_rank(
    floor: float, expected: dict[str, int], make: Factory, models: SimpleNamespace
) -> None:
    samples = {
        "rfdn": [100.0, 110.0, 105.0, 120.0],
        "imdn": [103.0, 113.0, 108.0, 123.0],  # 3 % slower in every round, though the rounds differ by more
        "bsrn": [110.0, 121.0, 116.0, 132.0],
    }
    made = make([models.rfdn, models.imdn, models.bsrn], measures=["runtime"])
    table = build(timed(made, samples, floor)).tables[0]
    assert {m: cell(table, m, "runtime.latency_ms.3x256x256").rank for m in expected} == expected


def test_references_are_not_ranked(table: Table) -> None:
    bicubic = row(table, "bicubic")
    assert bicubic.reference and all(cell.rank is None for cell in bicubic.cells)
    assert cell(table, "rfdn", "runtime.latency_ms.3x256x256").rank == 2
    assert any("Bicubic" in note.text and "not ranked" in note.text for note in table.notes)


def test_missing_figures_carry_their_reason(table: Table) -> None:
    missing = cell(table, "pan", "psnr.Set14.sr-y")
    assert missing.value is None and missing.text == ""
    assert missing.missing.startswith("not measured: the weights are random numbers")
    assert [one.reason for one in table.missing] == [missing.missing]
    assert table.missing[0].what.startswith("quality on Set5 \u00b7 sr-y and Set14 \u00b7 sr-y of PAN")


def test_figures_nobody_asked_for(make: Factory, models: SimpleNamespace) -> None:
    made = make([models.bsrn]) + make([models.rfdn], measures=["cost"])
    table = build(made).tables[0]
    assert cell(table, "rfdn", "psnr.Set5.sr-y") == Cell("", missing="not asked for")
    only_cost = build(make(measures=["cost"])).tables[0]
    assert {column.measure for column in only_cost.columns} == {"cost"}
    assert any(note.text == "Not asked for: memory, latency and quality." for note in only_cost.notes)


def test_a_number_that_is_none_is_missing(make: Factory, models: SimpleNamespace) -> None:
    made = make([models.bsrn], measures=["memory"])
    nan = replace(made[0], values=(Value("peak_bytes", float("nan"), "bytes"),))
    table = build([nan]).tables[0]
    assert table.groups[0].rows[0].cells[0].missing == "not measured: the result is not a number"


def test_machines_are_kept_apart(make: Factory, models: SimpleNamespace, machines: SimpleNamespace) -> None:
    networks = [models.bsrn, models.rfdn, models.imdn]
    made = make(networks) + make(networks[:2], environment=machines.second, session="other")
    table = build(made).tables[0]
    assert [len(group.rows) for group in table.groups] == [3, 2]
    assert "Xeon" in table.groups[0].machine and "EPYC" in table.groups[1].machine
    for column in ("memory.peak_bytes.3x256x256", "runtime.latency_ms.3x256x256"):
        assert sorted(
            row.cells[[c.id for c in table.columns].index(column)].rank or 0 for row in table.groups[1].rows
        ) == [1, 2]
    # Cost does not depend on the machine: one ranking, in which a model counts once.
    assert cell(table, "rfdn", "cost.params", group=1).rank == 2
    assert cell(table, "imdn", "cost.params").rank == 3
    assert any("ranked inside a group only" in note.text for note in table.notes)


def test_like_machines_are_told_apart_by_what_differs(
    make: Factory, models: SimpleNamespace, machines: SimpleNamespace
) -> None:
    newer = machines.first | {"id": "0b", "packages": machines.first["packages"] | {"torch": "2.14.0"}}
    table = build(make([models.bsrn]) + make([models.bsrn], environment=newer)).tables[0]
    names = [group.machine for group in table.groups]
    assert names[0].endswith("2 cores, torch 2.14.0") and names[1].endswith("2 cores, torch 2.13.0")


def test_configurations_are_kept_apart(make: Factory, models: SimpleNamespace) -> None:
    table = build(make([models.bsrn]) + make([models.bsrn], threads=1)).tables[0]
    assert [group.configuration for group in table.groups] == [
        "eager, cpu, fp32, 1 thread",
        "eager, cpu, fp32, 2 threads",
    ]


def test_sessions_of_timing_are_told(make: Factory, models: SimpleNamespace) -> None:
    made = make([models.bsrn, models.rfdn]) + make([models.imdn], session="later")
    notes = [note.text for note in build(made).tables[0].notes]
    assert any(
        text.startswith("Latency: timed in 2 sessions (BSRN and RFDN (AIM 2020); IMDN)") for text in notes
    )


def test_ids_of_rows_tell_models_scales_weights_and_configurations_apart(
    make: Factory, models: SimpleNamespace, machines: SimpleNamespace
) -> None:
    def ids(**changes: Any) -> list[str]:
        made = make([models.bsrn, models.rfdn], ["cost"], **changes)
        return [r.id for t in build(made).tables for g in t.groups for r in g.rows]

    all_changes: list[dict[str, Any]] = [
        {},
        {"scale": 2},
        {"threads": 1},
        {"weights": "shipped"},
        {"environment": machines.second},
    ]
    found = [one for changes in all_changes for one in ids(**changes)]
    assert len(set(found)) == len(found) == 10
    assert ids(datasets=["Set5"]) == ids()


def test_notes_on_datasets_stand_at_their_columns(make: Factory, models: SimpleNamespace) -> None:
    made = make([models.bsrn])

    def altered(one: Record) -> Record:
        if one.dataset != "Set5":
            return one
        dataset = one.details["dataset"] | {"known": False, "lr": "made"}
        return replace(one, details=one.details | {"dataset": dataset})

    table = build([altered(one) for one in made]).tables[0]
    marks = {column.group: column.mark for column in table.columns}
    assert marks["Set5 \u00b7 sr-y"] == "ab" and marks["Set14 \u00b7 sr-y"] == "c" and marks["Cost"] == ""
    assert [note.text.partition(":")[0] for note in table.notes[:3]] == ["Set5", "Set5", "Set14"]


def test_copies_of_a_dataset_do_not_share_a_column(make: Factory, models: SimpleNamespace) -> None:
    made = make([models.bsrn, models.rfdn], datasets=["Set5"], measures=["quality"])
    dataset = made[1].details["dataset"] | {"digest": "f" * 64}
    made[1] = replace(made[1], details=made[1].details | {"dataset": dataset})
    table = build(made).tables[0]
    assert len(table.columns) == 4
    filled = [[bool(cell.text) for cell in row.cells[::2]] for row in table.groups[0].rows]
    assert sorted(filled) == [[False, True], [True, False]]


def test_several_protocols_and_inputs_have_columns_of_their_own(
    make: Factory, models: SimpleNamespace
) -> None:
    made = make([models.bsrn], protocols=["sr-y", "ntire-rgb", "matlab-y"])
    made += [replace(one, key=one.key + "b", input="3x64x64") for one in made if one.measure == "runtime"]
    table = build(made).tables[0]
    groups = list(dict.fromkeys(column.group for column in table.columns if column.dataset == "Set5"))
    assert groups == ["Set5 \u00b7 sr-y", "Set5 \u00b7 matlab-y", "Set5 \u00b7 ntire-rgb"]
    assert [c.at for c in table.columns if c.metric == "latency_ms"] == [
        "3\u00d7256\u00d7256",
        "3\u00d764\u00d764",
    ]


def test_networks_for_luma_share_the_columns_of_the_others(make: Factory, models: SimpleNamespace) -> None:
    luma = [replace(one, input=one.input.replace("3x", "1x", 1)) for one in make([models.rfdn])]
    table = build(make([models.bsrn]) + luma).tables[0]
    assert [column.id for column in table.columns][:3] == [
        "cost.params",
        "cost.macs.180x320",
        "cost.macs.256x256",
    ]
    assert all(cell.text for row in table.groups[0].rows for cell in row.cells)
    assert "RFDN (AIM 2020): for luma alone, so the input has one channel." in [n.text for n in table.notes]


def test_one_table_a_scale(make: Factory, models: SimpleNamespace) -> None:
    view = build(make([models.bsrn]) + make([models.bsrn], scale=2))
    assert [table.scale for table in view.tables] == [2, 4]
    assert view.tables[0].columns[1].id == "cost.macs.3x360x640"
    assert view.summary.startswith("BSRN at \u00d72 and \u00d74 on Set5 and Set14; measured on Intel")


def test_the_order_of_the_records_does_not_matter(records: list[Record], view: View) -> None:
    shuffled = list(records)
    random.Random(0).shuffle(shuffled)
    assert build(shuffled) == view


def test_the_latest_of_several_records_counts(make: Factory, models: SimpleNamespace) -> None:
    made = make([models.bsrn], measures=["memory"])
    later = replace(
        made[0], key="later", finished="2027-01-01T00:00:00Z", values=(Value("peak_bytes", 2**20),)
    )
    table = build([later, *made]).tables[0]
    assert table.groups[0].rows[0].cells[0].text == "1.00"
    assert any("the latest is shown (1 older left out)" in note.text for note in table.notes)


def test_no_records() -> None:
    assert build([]) == View("No records.", ())


@pytest.mark.parametrize(
    ("weights", "sha256", "expected"),
    [
        ("official", "ab" * 32, "official"),
        ("none", "", "random (no weights)"),
        ("no parameters", "", "no parameters"),
        ("/data/net.pth", "abcdef0123456789", "file net.pth (abcdef01)"),
        ("net.pth", "", "file net.pth"),
    ],
)
def test_origins(weights: str, sha256: str, expected: str) -> None:
    assert origin_label(weights, sha256) == expected


def test_every_protocol_of_the_suite_is_explained() -> None:
    assert PROTOCOLS.keys() == CATALOG.keys()


def test_weights_of_a_short_schedule_are_marked_wherever_their_origin_stands(records: list[Record]) -> None:
    short = [
        replace(r, weights="shipped", details={**r.details, "weights": {"file": "x", "schedule": "short"}})
        if r.model == "rfdn"
        else r
        for r in records
    ]
    view = build(short)
    assert row(view.tables[0], "rfdn").origin == "shipped, short schedule"
    assert row(view.tables[0], "imdn").origin == "official"
    assert "shipped, short schedule" in view.summary


def test_two_files_at_one_path_are_two_rows(records: list[Record]) -> None:
    def with_file(sha256: str, record: Record) -> Record:
        details = {**record.details, "weights": {"file": "m.pth", "sha256": sha256}}
        return replace(record, key=record.key + sha256, weights="train/m.pth", details=details)

    mine = [record for record in records if record.model == "rfdn"]
    view = build([with_file(sha256, record) for sha256 in ("aaaaaaaaaa", "bbbbbbbbbb") for record in mine])
    (group,) = view.tables[0].groups
    assert [row.origin for row in group.rows] == ["file m.pth (aaaaaaaa)", "file m.pth (bbbbbbbb)"]


def test_a_later_failure_does_not_take_a_figure_away(records: list[Record]) -> None:
    measured = [r for r in records if r.values]
    failed = [replace(r, values=(), not_measured="bad luck.", finished="2099-01-01") for r in measured]
    assert build([*measured, *failed]) == build([*failed, *measured]) == build(measured)


def test_latencies_of_different_sessions_have_no_ranks(make: Factory, models: SimpleNamespace) -> None:
    made = make([models.bsrn, models.rfdn]) + make([models.imdn], session="later")
    table = build(made).tables[0]
    latency = next(index for index, column in enumerate(table.columns) if column.metric == "latency_ms")
    assert [row.cells[latency].rank for group in table.groups for row in group.rows] == [None] * 3


def test_a_busy_machine_is_told(records: list[Record]) -> None:
    busy = changed(records, lambda r: r.measure == "runtime")
    busy = [replace(r, details={**r.details, "busy_before": 0.42}) for r in busy]
    texts = [note.text for note in build(busy).tables[0].notes]
    assert any("other programs used 42% of the machine's processors" in text for text in texts)


def test_a_figure_that_older_records_lack_has_a_column_only_beside_newer_ones(make: Factory) -> None:
    old = make(measures=["cost"])
    assert not [c for c in build(old).tables[0].columns if c.metric == "bytes_moved"]
    moved = Value("bytes_moved", 2_811_881_632, "bytes")
    new = [replace(r, values=(*r.values, moved)) if r.model == "rfdn" else r for r in old]
    table = build(new).tables[0]
    (place,) = [i for i, column in enumerate(table.columns) if column.metric == "bytes_moved"]
    cells = {row.model: row.cells[place] for group in table.groups for row in group.rows}
    assert (cells["rfdn"].text, cells["rfdn"].exact) == ("2,812", "2,811,881,632 bytes")
    assert "earlier version" in cells["bsrn"].missing
