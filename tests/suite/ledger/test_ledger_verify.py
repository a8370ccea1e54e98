"""Verdicts on hand-made records, and what is said about the file of a run."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from suite import SCHEMA
from suite.errors import SuiteError
from suite.ledger import Difference, Entry, Finding, Ledger, Table, Verdict, verify
from suite.ledger.audit import audit
from suite.ledger.entries import MEMORY, half_digit
from suite.ledger.verify import is_refuted, totals
from suite.records import Record, Store, Value, to_json

CATALOG = ("bsrn", "rfdn", "bicubic")


def published(metric: str, value: str, **more: Any) -> Entry:
    """A published figure of BSRN at x4."""
    conditions: dict[str, Any] = {
        "params": {"unit": "K"},
        "macs": {"unit": "G", "output": "1280x720"},
        "psnr": {"unit": "dB", "dataset": "Set5", "protocol": "sr-y", "tolerance": Decimal("0.02")},
        "ssim": {"unit": "", "dataset": "Set5", "protocol": "sr-y", "tolerance": Decimal("0.0005")},
        "ntire_mean_ms": {"unit": "ms", "tolerance": None},
        "peak_bytes": {"unit": "MiB", "tolerance": None},
    }
    fields: dict[str, Any] = {
        "table": "t",
        "model": "bsrn",
        "name": "BSRN",
        "scale": 4,
        "metric": metric,
        "value": Decimal(value),
        "sources": ("A",),
        "status": "single source",
        "tolerance": half_digit(Decimal(value)),
    }
    return Entry(**fields | conditions[metric] | more)


def quality(psnr: float, ssim: float = 0.8965, **more: Any) -> Record:
    fields: dict[str, Any] = {
        "key": f"{psnr}{sorted(more.items())}",
        "measure": "quality",
        "model": "bsrn",
        "scale": 4,
        "weights": "official",
        "backend": "eager",
        "device": "cpu",
        "precision": "fp32",
        "threads": 1,
        "dataset": "Set5",
        "protocol": "sr-y",
        "values": (Value("psnr", psnr, "dB"), Value("ssim", ssim), Value("psnr", 99, "dB", image="baby")),
        "details": {"dataset": {"known": True}},
    }
    return Record(**fields | more)


def cost(input: str = "3x180x320", model: str = "bsrn", **figures: float) -> Record:
    figures = {"params": 352_400, "macs": 19_177_176_448, **figures}
    return quality(
        0,
        key=f"{model}{input}{figures}",
        model=model,
        measure="cost",
        dataset="",
        protocol="",
        input=input,
        values=tuple(Value(metric, value) for metric, value in figures.items()),
        details={},
        weights="none",
    )


def ledger(*entries: Entry, differences: Sequence[Difference] = ()) -> Ledger:
    return Ledger((Table("t", "A table", 4, entries),), {}, tuple(differences))


def judge(entry: Entry, *records: Record, differences: Sequence[Difference] = ()) -> Finding:
    (finding,) = verify(records, ledger(entry, differences=differences), CATALOG)
    return finding


# Tolerances


@pytest.mark.parametrize(
    ("entry", "measured", "verdict"),
    [
        (published("params", "352"), 352_400, Verdict.REPRODUCED),
        (published("params", "352"), 351_500, Verdict.REPRODUCED),
        (published("params", "352"), 352_500, Verdict.REPRODUCED),
        (published("params", "352"), 352_501, Verdict.DIFFERS),
        (published("params", "352"), 351_499, Verdict.DIFFERS),
        (published("params", "0.352", unit="M"), 352_500, Verdict.REPRODUCED),
        (published("params", "0.352", unit="M"), 352_501, Verdict.DIFFERS),
        (published("params", "352400", unit=""), 352_400, Verdict.REPRODUCED),
        (published("params", "352400", unit=""), 352_401, Verdict.DIFFERS),
        (published("macs", "19.2"), 19_150_000_000, Verdict.REPRODUCED),
        (published("macs", "19.2"), 19_149_999_999, Verdict.DIFFERS),
        (published("macs", "19.2"), 19_250_000_000, Verdict.REPRODUCED),
        (published("macs", "19.2"), 19_250_000_001, Verdict.DIFFERS),
        (published("macs", "19.20"), 19_194_999_999, Verdict.DIFFERS),
    ],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_counts_are_reproduced_to_half_a_unit_of_the_printed_digit(
    entry: Entry, measured: float, verdict: Verdict
) -> None:
    assert judge(entry, cost(**{entry.metric: measured})).verdict is verdict


@pytest.mark.parametrize(
    ("metric", "value", "measured", "verdict"),
    [
        ("psnr", "32.35", 32.37, Verdict.REPRODUCED),
        ("psnr", "32.35", 32.370001, Verdict.DIFFERS),
        ("psnr", "32.35", 32.33, Verdict.REPRODUCED),
        ("psnr", "32.35", 32.329999, Verdict.DIFFERS),
        ("ssim", "0.8966", 0.8971, Verdict.REPRODUCED),
        ("ssim", "0.8966", 0.897101, Verdict.DIFFERS),
        ("ssim", "0.8966", 0.8961, Verdict.REPRODUCED),
        ("ssim", "0.8966", 0.896099, Verdict.DIFFERS),
    ],
)
def test_quality_is_reproduced_within_the_tolerance(
    metric: str, value: str, measured: float, verdict: Verdict
) -> None:
    record = quality(32.5, values=(Value(metric, measured),))
    assert judge(published(metric, value), record).verdict is verdict


def test_a_finding_holds_what_was_measured_in_the_published_unit() -> None:
    record = cost()
    finding = judge(published("macs", "19.4"), record)
    assert (finding.measured, finding.key) == (Decimal("19.177176448"), record.key)
    assert finding.difference == Decimal("-0.222823552")


# Records that decide


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        (
            {"weights": "shipped", "details": {"weights": {"schedule": "short"}}},
            "shipped (trained on the sche",
        ),
        ({"weights": "/home/me/net.pth"}, "measured with weights /home/me/net.pth instead of the authors'"),
        ({"precision": "fp16"}, "measured in fp16 instead of fp32"),
        ({"backend": "onnxruntime"}, "measured with the backend onnxruntime instead of eager"),
        ({"details": {"dataset": {"known": False}}}, "measured on a Set5 that is not the known copy"),
        ({"values": (), "not_measured": "the set is gone."}, "the set is gone"),
        ({"protocol": "matlab-y"}, "the run has no record of quality for Set5 sr-y"),
        ({"dataset": "Set14"}, "the run has no record of quality for Set5 sr-y"),
        ({"scale": 3}, "the network is not in the run at this scale"),
        ({"model": "rfdn"}, "the network is not in the run at this scale"),
        ({"values": (Value("ssim", 0.9),)}, "the record has no psnr that is a finite number"),
        ({"values": (Value("psnr", float("nan")),)}, "the record has no psnr that is a finite number"),
        ({"values": (Value("psnr", float("inf")),)}, "the record has no psnr that is a finite number"),
        ({"values": (Value("psnr", 32.35, image="baby"),)}, "the record has no psnr that is a finite"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_record_under_other_conditions_does_not_count(changes: dict[str, Any], because: str) -> None:
    finding = judge(published("psnr", "32.35"), quality(32.35, **changes))
    assert (finding.verdict, finding.measured) == (Verdict.NOT_MEASURED, None)
    assert because in finding.because


def test_a_network_that_is_not_in_the_catalog_says_so() -> None:
    finding = judge(published("psnr", "32.35", model="swinir"), quality(32.35))
    assert (finding.verdict, finding.because) == (Verdict.NOT_MEASURED, "the network is not in the catalog")


def test_what_has_no_parameters_needs_no_official_weights() -> None:
    record = quality(28.43, model="bicubic", weights="no parameters")
    assert judge(published("psnr", "28.42", model="bicubic"), record).verdict is Verdict.REPRODUCED


def test_weights_and_precision_do_not_matter_to_counts() -> None:
    record = dataclasses.replace(cost(), weights="shipped", precision="fp16", backend="compiled")
    assert judge(published("params", "352"), record).verdict is Verdict.REPRODUCED


def test_counts_are_compared_at_their_own_input() -> None:
    small = cost("3x256x256", macs=1.0)
    assert judge(published("macs", "19.2"), small).because == "the run has no record of cost for 1280x720"
    assert judge(published("macs", "19.2"), small, cost()).verdict is Verdict.REPRODUCED
    challenge = published("macs", "21.8", output="", input="3x256x256")
    assert judge(challenge, cost("3x256x256", macs=21_819_937_280), cost()).verdict is Verdict.REPRODUCED


def test_of_several_records_that_fit_the_last_one_decides() -> None:
    early = quality(32.35, finished="2026-05-04T09:00:00+00:00")
    late = quality(30.00, finished="2026-05-05T09:00:00+00:00")
    for records in ((early, late), (late, early)):
        assert judge(published("psnr", "32.35"), *records).key == late.key


def test_a_record_that_fits_decides_beside_one_that_does_not() -> None:
    other = quality(20.0, weights="shipped", finished="2027-01-01T00:00:00+00:00")
    assert judge(published("psnr", "32.35"), quality(32.35), other).verdict is Verdict.REPRODUCED


# What is never compared


@pytest.mark.parametrize("measured", [32.35, 20.0])
def test_a_figure_from_memory_is_shown_and_never_decides(measured: float) -> None:
    finding = judge(published("psnr", "32.35", status=MEMORY), quality(measured))
    assert finding.verdict is Verdict.NOT_COMPARED
    assert finding.because == "the published figure is from memory, unverified"
    assert finding.measured == Decimal(str(measured))
    assert not is_refuted([finding])


@pytest.mark.parametrize(("metric", "measure"), [("ntire_mean_ms", "runtime"), ("peak_bytes", "memory")])
def test_figures_of_another_machine_are_never_compared(metric: str, measure: str) -> None:
    record = dataclasses.replace(cost(**{metric: 140.47}), measure=measure)
    finding = judge(published(metric, "140.47"), record)
    assert (finding.verdict, finding.because) == (Verdict.NOT_COMPARED, "it belongs to another machine")


# Known differences

BIAS = Difference(
    "t", "bsrn", "macs", "", Decimal("-0.23"), Decimal("-0.22"), "bias is counted", ("macs_with_bias",)
)
BY_BOUNDS = dataclasses.replace(BIAS, agrees_with=())


def explained(difference: Difference, *records: Record) -> Finding:
    return judge(published("macs", "19.4"), *records, differences=[difference])


def test_a_difference_with_a_known_reason_is_explained() -> None:
    finding = explained(BIAS, cost(macs_with_bias=19_414_544_672))
    assert (finding.verdict, finding.because) == (Verdict.EXPLAINED, "bias is counted")
    assert not is_refuted([finding])


@pytest.mark.parametrize(
    ("macs", "verdict"),
    [
        (19_170_000_000, Verdict.EXPLAINED),
        (19_180_000_000, Verdict.EXPLAINED),
        (19_169_999_999, Verdict.DIFFERS),
        (19_180_000_001, Verdict.DIFFERS),
        (19_620_000_000, Verdict.DIFFERS),
        (19_400_000_000, Verdict.REPRODUCED),
    ],
)
def test_a_reason_explains_nothing_beyond_its_bounds(macs: int, verdict: Verdict) -> None:
    finding = explained(BY_BOUNDS, cost(macs=macs))
    assert finding.verdict is verdict
    if verdict is Verdict.DIFFERS:
        assert "accounts for a difference of -0.23 to -0.22 only: bias is counted" in finding.because


def test_a_reason_that_the_record_contradicts_explains_nothing() -> None:
    finding = explained(BIAS, cost(macs_with_bias=19_000_000_000))
    assert finding.verdict is Verdict.DIFFERS
    assert "the known reason does not hold, macs_with_bias is 19 G" in finding.because
    assert explained(BIAS, cost()).verdict is Verdict.DIFFERS  # a figure that it rests on is not there


def test_the_figures_that_a_reason_rests_on_are_added_up() -> None:
    both = dataclasses.replace(BIAS, agrees_with=("macs", "activations"))
    assert explained(both, cost(activations=222_823_552)).verdict is Verdict.EXPLAINED
    assert explained(both, cost(activations=22_282_355)).verdict is Verdict.DIFFERS


def test_a_reason_may_rest_on_another_network() -> None:
    other = dataclasses.replace(BIAS, agrees_model="rfdn")
    good, bad = (cost(model="rfdn", macs_with_bias=macs) for macs in (19_414_544_672, 18_000_000_000))
    assert explained(other, cost(), good).verdict is Verdict.EXPLAINED
    assert explained(other, cost(), bad).verdict is Verdict.DIFFERS
    assert explained(other, cost()).verdict is Verdict.EXPLAINED  # not in this run: the bounds decide


@pytest.mark.parametrize("field", ["table", "model", "metric", "dataset"])
def test_a_reason_speaks_of_one_figure_alone(field: str) -> None:
    elsewhere = dataclasses.replace(BY_BOUNDS, **{field: "other"})
    assert explained(elsewhere, cost()).verdict is Verdict.DIFFERS


# Hints


def test_a_psnr_that_agrees_under_another_protocol_says_so() -> None:
    near, far = quality(32.345, protocol="matlab-y"), quality(32.30, protocol="ntire-rgb")
    finding = judge(published("psnr", "32.35"), quality(32.20), near, far)
    assert (finding.verdict, finding.hint) == (Verdict.DIFFERS, "agrees with protocol matlab-y (32.345)")


@pytest.mark.parametrize("changes", [{"weights": "shipped"}, {"dataset": "Set14"}, {"precision": "fp16"}])
def test_a_hint_needs_the_same_conditions(changes: dict[str, Any]) -> None:
    other = quality(32.35, protocol="matlab-y", **changes)
    assert judge(published("psnr", "32.35"), quality(32.20), other).hint == ""


def test_a_count_that_agrees_by_another_convention_says_so() -> None:
    record = cost(macs_with_bias=19_414_544_672, macs_ntire=19_177_176_480, activations=19_400_000_000)
    assert judge(published("macs", "19.4"), record).hint == "agrees with macs_with_bias"


# All together


def test_there_is_one_finding_for_each_published_figure() -> None:
    entries = (
        published("psnr", "32.35"),
        published("ssim", "0.9000"),
        published("params", "352"),
        published("peak_bytes", "729.94"),
    )
    findings = verify([quality(32.35)], ledger(*entries), CATALOG)
    assert [finding.entry for finding in findings] == list(entries)
    assert totals(findings) == {
        Verdict.DIFFERS: 1,
        Verdict.EXPLAINED: 0,
        Verdict.REPRODUCED: 1,
        Verdict.NOT_COMPARED: 1,
        Verdict.NOT_MEASURED: 1,
    }
    assert is_refuted(findings)


# The file of a run


def test_a_run_in_order(tmp_path: Path) -> None:
    for record in (quality(32.35), cost()):
        Store(tmp_path).append(record)
    found = audit(tmp_path)
    assert found.records == (quality(32.35), cost())
    assert (found.torn, found.unknown_schema, found.repeated, found.contradicting) == (0, 0, 0, ())


def test_lines_that_are_not_understood_are_told_apart(tmp_path: Path) -> None:
    good = to_json(quality(32.35))
    later = to_json(dataclasses.replace(quality(32.35), schema=SCHEMA + 1))
    (tmp_path / "records.jsonl").write_text(f"{good}\n{later}\n\n{good[:50]}\n[1]\n{{}}\n")
    found = audit(tmp_path)
    assert (len(found.records), found.unknown_schema, found.torn) == (1, 1, 3)


def test_a_run_of_a_later_version_is_called_that(tmp_path: Path) -> None:
    later = to_json(dataclasses.replace(quality(32.35), schema=SCHEMA + 1))
    (tmp_path / "records.jsonl").write_text(f"{later}\n{later}\n[1]\n")
    words = r"no records that can be read here: 2 line\(s\) are of a format that is not known, 1 damaged\."
    with pytest.raises(SuiteError, match=words):
        audit(tmp_path)


def test_a_key_with_unlike_values_of_the_same_work_is_named(tmp_path: Path) -> None:
    failed = quality(32.35, key="a", values=(), not_measured="no data")
    same = quality(32.35, key="a")
    timed = [dataclasses.replace(cost(ntire_mean_ms=ms), key="b", measure="runtime") for ms in (100.0, 101.0)]
    for record in (failed, same, same, *timed):
        Store(tmp_path).append(record)
    assert (audit(tmp_path).repeated, audit(tmp_path).contradicting) == (2, ())
    Store(tmp_path).append(quality(32.36, key="a"))
    found = audit(tmp_path)
    assert found.contradicting == ("a",)
    assert found.records[0].value("psnr") == 32.36


def test_what_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match="nowhere is not a folder"):
        audit(tmp_path / "nowhere")
    with pytest.raises(SuiteError, match="holds no records"):
        audit(tmp_path)
    (tmp_path / "records.jsonl").mkdir()
    with pytest.raises(SuiteError, match=r"cannot read .*records\.jsonl: Is a directory"):
        audit(tmp_path)
