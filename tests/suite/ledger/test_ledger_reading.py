"""Reading a ledger: what rows and columns become, and one sentence for whatever is not understood."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from suite.errors import SuiteError, UsageError
from suite.ledger import Entry, Ledger, load_ledger

TABLE = """
id = "t"
title = "A table"
scale = 4
tolerances = { params = "half digit", macs = "half digit", psnr = 0.02, ssim = 0.0005 }

columns.params = { metric = "params", unit = "K" }
columns.macs = { metric = "macs", unit = "G", output = "1280x720" }
columns.Set5 = { metric = ["psnr", "ssim"], dataset = "Set5", protocol = "sr-y" }
columns.time = { metric = "ntire_mean_ms" }

[sources]
A = "a paper"
B = "another"

[[rows]]
model = "bsrn"
name = "BSRN"
status = "single source"
sources = ["A"]
params = 352
macs = { value = 19.40, status = "from memory, unverified", sources = ["B"], note = "with bias" }
Set5 = [32.30, { value = 0.8966, status = "verified by 2 sources" }]
time = 140.47
"""


def load(tmp_path: Path, text: str = TABLE) -> Ledger:
    file = tmp_path / "ledger.toml"
    file.write_text(text, encoding="utf-8")
    return load_ledger(file)


def entries(tmp_path: Path, text: str = TABLE) -> dict[str, Entry]:
    return {entry.metric: entry for entry in load(tmp_path, text).entries()}


def test_each_cell_becomes_an_entry_with_all_that_it_depends_on(tmp_path: Path) -> None:
    found = entries(tmp_path)
    assert found["psnr"] == Entry(
        table="t",
        model="bsrn",
        name="BSRN",
        scale=4,
        metric="psnr",
        value=Decimal("32.30"),
        unit="dB",
        sources=("A",),
        status="single source",
        tolerance=Decimal("0.02"),
        dataset="Set5",
        protocol="sr-y",
    )
    assert list(found) == ["params", "macs", "psnr", "ssim", "ntire_mean_ms"]
    assert (found["macs"].output, found["macs"].unit) == ("1280x720", "G")


def test_a_cell_says_what_differs_from_its_row(tmp_path: Path) -> None:
    found = entries(tmp_path)
    assert (found["macs"].status, found["macs"].sources) == ("from memory, unverified", ("B",))
    assert found["macs"].note == "with bias"
    assert not found["macs"].decides
    assert (found["ssim"].status, found["ssim"].sources) == ("verified by 2 sources", ("A",))
    assert found["ssim"].decides


@pytest.mark.parametrize(
    ("written", "decimals", "tolerance"),
    [("352", 0, "0.5"), ("352.0", 1, "0.05"), ("0.156", 3, "0.0005"), ("29.00", 2, "0.005")],
)
def test_half_a_unit_of_the_last_digit_as_it_is_written(
    tmp_path: Path, written: str, decimals: int, tolerance: str
) -> None:
    entry = entries(tmp_path, TABLE.replace("params = 352", f"params = {written}"))["params"]
    assert (entry.decimals, entry.tolerance) == (decimals, Decimal(tolerance))
    assert str(entry.value) == written


def test_figures_of_a_machine_have_no_tolerance(tmp_path: Path) -> None:
    assert entries(tmp_path)["ntire_mean_ms"].tolerance is None


def test_an_output_size_stands_for_the_input_that_fits_into_it(tmp_path: Path) -> None:
    macs = entries(tmp_path)["macs"]
    assert [macs.takes_input(size) for size in ("3x180x320", "1x180x320", "3x256x256", "")] == [
        True,
        True,
        False,
        False,
    ]
    macs = entries(tmp_path, TABLE.replace("scale = 4", "scale = 3"))["macs"]
    assert macs.takes_input("3x240x426")


def test_a_default_stands_for_what_rows_do_not_say(tmp_path: Path) -> None:
    text = TABLE.replace('status = "single source"\nsources = ["A"]\n', "")
    text = text.replace("scale = 4", 'scale = 4\ndefault = { status = "single source", sources = ["B"] }')
    assert entries(tmp_path, text)["params"].sources == ("B",)


def test_a_folder_is_the_union_of_its_files(tmp_path: Path) -> None:
    body, _, sources = TABLE.partition("[sources]")
    sources, _, rows = sources.partition("[[rows]]")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "table.toml").write_text(body + "[[rows]]" + rows)
    (tmp_path / "sources.toml").write_text("[sources]" + sources)
    ledger = load_ledger(tmp_path)
    assert [table.id for table in ledger.tables] == ["t"]
    assert ledger.sources["A"].what == "a paper"


def test_an_empty_table_says_why(tmp_path: Path) -> None:
    head = TABLE.partition("[sources]")[0]
    (table,) = load(tmp_path, f'empty = "No source."\nrows = []\n{head}').tables
    assert (table.entries, table.empty) == ((), "No source.")


DIFFERENCE = """
[[differences]]
table = "t"
model = "bsrn"
metric = "psnr"
dataset = "Set5"
bound = [-0.10, -0.05]
because = "another resize"
"""


def test_a_difference_is_found_by_the_figure_it_speaks_of(tmp_path: Path) -> None:
    ledger = load(tmp_path, TABLE + DIFFERENCE)
    found = {entry.metric: ledger.difference(entry) for entry in ledger.entries()}
    assert found["ssim"] is None
    difference = found["psnr"]
    assert difference is not None
    assert (difference.low, difference.high) == (Decimal("-0.10"), Decimal("-0.05"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('title = "A table"', "", "ledger.toml: title is missing."),
        ('title = "A table"', "title = 3", "ledger.toml: title is 3: it must be a text."),
        ('title = "A table"', 'titel = "A table"', "unknown key 'titel': did you mean 'title'?"),
        ("scale = 4", 'scale = "4"', "scale is '4': it must be a whole number above zero."),
        ("scale = 4", "scale = true", "scale is True: it must be a whole number above zero."),
        ('metric = "params"', 'metric = "parms"', "column 'params': unknown metric 'parms': did you mean"),
        ('unit = "K"', 'unit = "ms"', "column 'params': unit is 'ms': params is given in K or M or G."),
        ('unit = "K"', 'units = "K"', "column 'params': unknown key 'units': did you mean 'unit'?"),
        (', output = "1280x720"', "", "column 'macs': macs needs either input or output."),
        ('output = "1280x720"', 'output = "720p"', "output is '720p': write it as 1280x720."),
        ('dataset = "Set5", ', "", "column 'Set5': dataset is missing, which psnr depends on."),
        ('protocol = "sr-y"', 'protocol = "sry"', "unknown protocol 'sry': did you mean 'sr-y'?"),
        (", ssim = 0.0005", "", "tolerances: ssim is missing."),
        ("ssim = 0.0005", 'ssim = "exact"', "ssim is 'exact': it must be a number or 'half digit'."),
        ("ssim = 0.0005", "ssim = -1", "tolerances: ssim is -1: it must not be negative."),
        ("ssim = 0.0005", "ssim = 0.0005, macs_ntire = 1", "tolerances: unknown metric 'macs_ntire'"),
        ("columns.time", "columns.note", "a column cannot be called 'note'"),
        ('model = "bsrn"\n', "", "row 'BSRN': model is missing."),
        ('status = "single source"\n', "", "row 'BSRN': status is missing."),
        (
            'status = "single source"',
            'status = "sure"',
            "row 'BSRN': status is 'sure': write 'single source'",
        ),
        ('sources = ["A"]', 'sources = ["C"]', "row 'BSRN': unknown source 'C'"),
        ('sources = ["A"]', 'sources = "A"', "row 'BSRN': sources is 'A': it must be a list of texts."),
        ('sources = ["B"]', 'sources = ["X"]', "row 'BSRN', 'macs': unknown source 'X'"),
        ("params = 352", "parms = 352", "row 'BSRN': unknown key 'parms': did you mean 'params'?"),
        ("params = 352", 'params = "352"', "row 'BSRN', 'params': params is '352': it must be a number."),
        ("params = 352", "params = true", "row 'BSRN', 'params': params is True: it must be a number."),
        ("params = 352", "params = nan", "row 'BSRN', 'params': params is NaN: it must be a number."),
        ("params = 352", "params = 0", "row 'BSRN', 'params': params is 0: it must be above zero."),
        ("params = 352", "params = [352, 1]", "'params': 2 figures instead of 1 (params)."),
        ("[32.30, ", "[", "row 'BSRN', 'Set5': 1 figures instead of 2 (psnr, ssim)."),
        ("value = 19.40, ", "", "row 'BSRN', 'macs': value is missing."),
        ("value = 19.40, ", "value = 19.40, colour = 1, ", "row 'BSRN', 'macs': unknown key 'colour'"),
        ('A = "a paper"', "A = 3", "sources: A is 3: it must be a text."),
        ("[[rows]]", "[[row]]", "unknown key 'row': did you mean 'rows'?"),
        ("scale = 4", "scale = ", "is not TOML"),
    ],
    ids=lambda value: value[:30],
)
def test_what_is_not_understood_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in TABLE
    with pytest.raises(UsageError) as error:
        load(tmp_path, TABLE.replace(old, new))
    assert str(tmp_path / "ledger.toml") in str(error.value)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('table = "t"', 'table = "u"', "difference 1 (bsrn psnr): unknown table 'u'"),
        ('model = "bsrn"', 'model = "imdn"', "difference 1 (imdn psnr): t has no such figure."),
        ('dataset = "Set5"', 'dataset = "Set14"', "t has no such figure."),
        ("bound = [-0.10, -0.05]", "bound = 0.1", "bound is 0.1: it must be a list of two numbers"),
        ("bound = [-0.10, -0.05]", "bound = [1, 0]", "bound is 1 to 0: the smaller number comes first."),
        ("bound = [-0.10, -0.05]", "", "bound is None"),
        ('because = "another resize"', 'because = " "', "because is ' ': it must be a text."),
        ('because = "another resize"', "", "because is missing."),
        ("because", 'agrees_with = ["psnr"]\nbecause', "unknown metric 'psnr'"),
        ("because", 'agrees_model = "rfdn"\nbecause', "agrees_model needs agrees_with."),
        ("because", 'reason = "x"\nbecause', "unknown key 'reason'"),
    ],
    ids=lambda value: value[:30],
)
def test_a_difference_that_is_not_understood_is_named(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    assert old in DIFFERENCE
    with pytest.raises(UsageError) as error:
        load(tmp_path, TABLE + DIFFERENCE.replace(old, new))
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (TABLE.partition("[[rows]]")[2], "row 'BSRN': params of bsrn is there twice."),
        ("", "there are no rows: say why in empty."),
    ],
)
def test_rows_that_are_too_many_or_too_few_are_named(tmp_path: Path, more: str, message: str) -> None:
    head, _, row = TABLE.partition("[[rows]]")
    text = f"{head}[[rows]]{row}[[rows]]{more}" if more else head
    with pytest.raises(UsageError, match=message.replace(".", r"\.")):
        load(tmp_path, text)


def test_a_row_without_figures_is_named(tmp_path: Path) -> None:
    more = '[[rows]]\nmodel = "rfdn"\nstatus = "single source"\nsources = ["A"]\n'
    with pytest.raises(UsageError, match=r"row 'rfdn': it has no figures\."):
        load(tmp_path, TABLE + more)


def test_rows_beside_a_reason_for_having_none_are_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there are rows beside the reason in empty"):
        load(tmp_path, f'empty = "No source."\n{TABLE}')


def test_a_difference_that_is_explained_twice_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"difference 2 .*: this figure's difference is explained twice"):
        load(tmp_path, TABLE + DIFFERENCE * 2)


def test_two_tables_of_one_id_and_two_sources_of_one_are_named(tmp_path: Path) -> None:
    head, _, rest = TABLE.partition("[sources]")
    without = head + "[[rows]]" + rest.partition("[[rows]]")[2]
    (tmp_path / "a.toml").write_text(TABLE)
    (tmp_path / "b.toml").write_text(without)
    with pytest.raises(UsageError, match=r"b\.toml: there is another table with the id 't'"):
        load_ledger(tmp_path)
    (tmp_path / "b.toml").write_text('[sources]\nA = "again"\n')
    with pytest.raises(UsageError, match=r"b\.toml: the source 'A' is there twice"):
        load_ledger(tmp_path)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"cannot read the ledger .*nowhere\.toml: No such file"):
        load_ledger(tmp_path / "nowhere.toml")
    with pytest.raises(UsageError, match="holds no TOML file"):
        load_ledger(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b'id = "\xfc"')
    with pytest.raises(UsageError, match=r"latin\.toml is not TOML: it is no UTF-8 text"):
        load_ledger(tmp_path)
