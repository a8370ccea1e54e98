"""The ledger that comes with the suite: what is in it, and whether the reasons in it are true."""

from __future__ import annotations

import re
import shutil
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import suite.ledger
from suite.catalog import DATASETS, MODELS
from suite.catalog.protocols import PROTOCOLS
from suite.images import Plane, crop_to_multiple, cubic_weights, image_files, luma, read_rgb
from suite.ledger import Ledger, load_ledger
from suite.ledger.entries import COUNTS
from suite.measures.operators import tally
from suite.measures.psnr_ssim import psnr, ssim
from suite.weights import build

CHALLENGE_SETS = ("DIV2K_val", "DIV2K_test", "DIV2K_LSDIR_valid", "DIV2K_LSDIR_test")


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return load_ledger()


def value(ledger: Ledger, table: str, model: str, metric: str, dataset: str = "") -> str:
    (entry,) = (
        entry
        for entry in ledger.entries()
        if (entry.table, entry.model, entry.metric, entry.dataset) == (table, model, metric, dataset)
    )
    return str(entry.value)


def test_the_tables_of_the_paper_and_the_challenges_are_there(ledger: Ledger) -> None:
    tables = {table.id: table for table in ledger.tables}
    assert {"table1", "comparison-x2", "comparison-x3", "comparison-x4", "table3"} <= tables.keys()
    assert {f"ntire{year}" for year in range(2022, 2027)} <= tables.keys()
    assert tables["table1"].empty and tables["table3"].empty
    assert len({entry.name for entry in tables["ntire2022"].entries}) == 45


@pytest.mark.parametrize("table", ["table1", "table3"])
def test_one_line_fills_an_empty_table(tmp_path: Path, table: str) -> None:
    shutil.copytree(Path(suite.ledger.__file__).parent, tmp_path / "ledger")
    file = tmp_path / "ledger" / "tables" / f"{table}.toml"
    text = re.sub("^empty = .*$", "", file.read_text(), flags=re.MULTILINE)
    row = '{ model = "rfdn", status = "single source", sources = ["CFSR"], params = 433 },'
    file.write_text(text.replace("rows = [", f"rows = [\n  {row}"))
    (entry,) = (entry for entry in load_ledger(tmp_path / "ledger").entries() if entry.table == table)
    assert (entry.model, entry.metric, str(entry.value)) == ("rfdn", "params", "433")


@pytest.mark.parametrize(
    ("table", "model", "metric", "dataset", "printed"),
    [
        ("comparison-x4", "bsrn", "psnr", "Set5", "32.35"),
        ("comparison-x4", "bsrn", "macs", "", "19.4"),
        ("comparison-x4", "rfdn-paper", "params", "", "550"),
        ("comparison-x4", "bicubic", "psnr", "Set14", "26.00"),
        ("comparison-x3", "imdn", "ssim", "Set5", "0.9270"),
        ("comparison-x2", "imdn", "psnr", "Set5", "38.00"),
        ("ntire2022", "bsrn-s", "macs_ntire", "", "9.50"),
        ("ntire2022", "rlfn-ntire", "psnr", "DIV2K_val", "29.00"),
        ("ntire2022", "imdn-ntire", "activations_ntire", "", "154.14"),
        ("ntire2022", "efdn", "conv_layers", "", "65"),
        ("ntire2022", "fmen", "peak_bytes", "", "204.60"),
        ("ntire2023", "rfdn", "macs_ntire", "", "27.10"),
    ],
)
def test_figures_stand_as_they_are_printed(
    ledger: Ledger, table: str, model: str, metric: str, dataset: str, printed: str
) -> None:
    assert value(ledger, table, model, metric, dataset) == printed


def test_datasets_and_protocols_are_those_of_the_suite_or_of_a_challenge(ledger: Ledger) -> None:
    known = {*DATASETS, *CHALLENGE_SETS, "Manga109", ""}
    assert {entry.dataset for entry in ledger.entries()} <= known
    assert {entry.protocol for entry in ledger.entries()} <= {*PROTOCOLS, ""}


def test_networks_of_the_catalog_are_called_by_their_names(ledger: Ledger) -> None:
    known = {name.lower() for name in MODELS}
    for entry in ledger.entries():
        assert entry.model.lower() not in known or entry.model in MODELS, entry.name


def test_a_recollection_names_itself_as_its_source(ledger: Ledger) -> None:
    for entry in ledger.entries():
        assert entry.decides or "MEMORY" in entry.sources, (entry.table, entry.name, entry.figure)
        assert not entry.decides or entry.sources != ("MEMORY",), (entry.table, entry.name, entry.figure)


def test_every_source_of_a_figure_is_said_what_it_is(ledger: Ledger) -> None:
    used = {source for entry in ledger.entries() for source in entry.sources}
    assert used == ledger.sources.keys()


def test_printed_counts_of_one_network_agree_with_one_another(ledger: Ledger) -> None:
    # A network's parameters stand in several tables, in thousands or millions: a slip of the pen would show.
    found: dict[tuple[str, int], list[tuple[Decimal, Decimal]]] = {}
    factors = {"": Decimal(1), "K": Decimal(1000), "M": Decimal(10**6)}
    for entry in ledger.entries():
        if entry.metric == "params" and entry.tolerance is not None and entry.model in MODELS:
            factor = factors[entry.unit]
            span = (entry.value * factor, entry.tolerance * factor)
            found.setdefault((entry.model, entry.scale), []).append(span)
    assert any(len(spans) > 1 for spans in found.values())
    for spans in found.values():
        for one, reach in spans:
            assert all(abs(one - other) <= reach + width for other, width in spans), spans


# The reasons


def exact(model: str, scale: int, size: tuple[int, int, int]) -> tuple[int, int, int]:
    """MACs, bias additions of all layers, and output elements of ``nn.Conv2d`` modules with bias."""
    network = build(MODELS[model], scale).to("meta")
    elements = 0

    def hook(module: nn.Conv2d, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal elements
        elements += output.numel() if module.bias is not None else 0

    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(hook)
    found = tally(network, torch.empty((1, *size), device="meta"))
    return found.macs, found.bias_additions, elements


def test_one_convention_gives_the_published_counts_of_bsrn_and_bsrn_s(ledger: Ledger) -> None:
    # MACs and one addition for each output element of a convolution module with bias.
    macs, _, elements = exact("bsrn", 4, (3, 180, 320))
    assert macs + elements == 19_414_544_672
    assert f"{(macs + elements) / 1e9:.1f}" == value(ledger, "comparison-x4", "bsrn", "macs")
    macs, additions, elements = exact("bsrn-s", 4, (3, 256, 256))
    assert (macs, macs + elements) == (9_430_089_300, 9_495_847_044)
    assert f"{(macs + elements) / 1e9:.2f}" == value(ledger, "ntire2022", "bsrn-s", "macs_ntire")
    assert f"{(macs + additions) / 1e9:.2f}" == "9.64"  # bias of its linear layers is not in it


def test_the_published_count_of_imdn_x3_includes_bias(ledger: Ledger) -> None:
    macs, additions, _ = exact("imdn", 3, (3, 240, 426))
    printed = value(ledger, "comparison-x3", "imdn", "macs")
    assert f"{(macs + additions) / 1e9:.0f}" == printed != f"{macs / 1e9:.0f}"


def test_the_published_multi_adds_of_rfdn_are_those_of_the_aim_network(ledger: Ledger) -> None:
    macs, additions, _ = exact("rfdn", 4, (3, 180, 320))
    printed = value(ledger, "comparison-x4", "rfdn-paper", "macs")
    assert f"{(macs + additions) / 1e9:.1f}" == printed == "23.9"


def resized(plane: Plane, scale: float) -> Plane:
    """MATLAB's bicubic in double precision, rows before columns."""
    for _ in range(2):
        positions, weights = cubic_weights(len(plane), round(len(plane) * scale), scale)
        plane = (weights[..., None] * plane[positions]).sum(axis=1).T
    return plane


def literature_bicubic(folder: Path, scale: int) -> tuple[float, float]:
    """Mean PSNR and SSIM when rounded luma is resized both ways and the result alone is rounded."""
    figures = []
    for file in image_files(folder):
        rgb = crop_to_multiple(read_rgb(file), scale)
        grey = file.stem == "bridge"
        original = rgb[..., 0].astype(float) if grey else np.floor(luma(rgb) + 0.5)
        upscaled = np.clip(np.floor(resized(resized(original, 1 / scale), scale) + 0.5), 0, 255)
        inner = (slice(scale, -scale), slice(scale, -scale))
        figures.append((psnr(original[inner], upscaled[inner]), ssim(original[inner], upscaled[inner])))
    return tuple(np.mean(figures, axis=0))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_literature_resizes_rounded_luma(home: Path, ledger: Ledger, scale: int) -> None:
    found = literature_bicubic(home / "data/Set5/HR", scale)
    table = f"comparison-x{scale}"
    assert f"{found[0]:.2f}" == value(ledger, table, "bicubic", "psnr", "Set5")
    assert f"{found[1]:.4f}" == value(ledger, table, "bicubic", "ssim", "Set5")


@pytest.mark.slow
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_the_literature_judges_the_grey_values_of_bridge(home: Path, ledger: Ledger, scale: int) -> None:
    found = literature_bicubic(home / "data/Set14/HR", scale)
    table = f"comparison-x{scale}"
    assert found[0] == pytest.approx(float(value(ledger, table, "bicubic", "psnr", "Set14")), abs=0.01)
    assert found[1] == pytest.approx(float(value(ledger, table, "bicubic", "ssim", "Set14")), abs=0.001)
    (because,) = (
        known.because
        for known in ledger.differences
        if (known.table, known.model, known.metric, known.dataset) == (table, "bicubic", "psnr", "Set14")
    )
    assert because.endswith(f"the suite finds {found[0]:.2f}/{found[1]:.4f}")


def test_reasons_rest_on_counts_only(ledger: Ledger) -> None:
    assert ledger.differences
    for difference in ledger.differences:
        assert set(difference.agrees_with) <= set(COUNTS)
