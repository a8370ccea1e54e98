"""How fast is the report of everything? Every network on Set5, Set14, B100 and Urban100 at x4, with images.

    python tests/benchmarks/page.py [--repeats 5] [--keep FILE]

Makes records of every network of the catalog, with figures of each image and timings that look like real
ones, and the comparison of three crops. Prints, each beside its limit: how long the page takes to be
written, its size without the images, how long Chromium takes until the page is loaded and first painted, and
how long sorting and filtering take from the click until the frame that shows them in the window is painted,
as medians. What follows in the frame after: figures of rows below the window, and the plot of a filter; "with
its plot" is the time until the frame that shows both. Exit status 1 if a limit is passed. Run it on an idle
machine.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from machine import MACHINE
from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from reports.gallery import build_gallery
from reports.html import render
from suite.catalog import MODELS
from suite.catalog.cards import ModelCard
from suite.crops import Crop, Crops, Shot
from suite.records import Record, Value, make_key
from suite.regions import Region

SETS = {"Set5": (5, 32.2), "Set14": (14, 28.6), "B100": (100, 27.6), "Urban100": (100, 26.1)}
"""Number of images, and about what PSNR networks of today reach at x4."""
RENDER_S, OPEN_S, ACTION_MS, PLOT_MS, SIZE_MB = 10.0, 1.5, 50.0, 100.0, 3.0
"""The limits."""


def make_records() -> list[Record]:
    """All measures of every network at x4; the same at each call."""
    cards = [card for card in MODELS.values() if 4 in card.scales]
    return [record for number, card in enumerate(cards) for record in records_of(card, number)]


def records_of(card: ModelCard, number: int) -> Iterator[Record]:
    """Cost, memory, runtime and quality of one network."""
    draw = random.Random(card.name)
    params = 0 if card.name == "bicubic" else draw.randrange(20_000, 2_000_000)
    for height, width in ((256, 256), (180, 320)):
        share = height * width
        figures = {
            "params": params,
            "macs": int(params * share * 0.95),
            "activations": int(share * (400 + params / 200)),
            "conv_layers": draw.randrange(5, 250),
        }
        values = tuple(Value(metric, figure) for metric, figure in figures.items())
        yield record_of(card, "cost", {"input": f"3x{height}x{width}"}, values, {})
    size = {"input": "3x256x256"}
    memory = (
        Value("peak_bytes", draw.randrange(2**25, 2**29), "bytes"),
        Value("weights_bytes", params * 4, "bytes"),
    )
    yield record_of(card, "memory", size, memory, {})
    usual = 20 + params / 900
    samples = [usual * (1 + abs(draw.gauss(0, 0.02))) for _ in range(15)]
    median = statistics.median(samples)
    latency = (
        Value("latency_ms", median, "ms", median * 0.99, median * 1.01),
        Value("latency_p95_ms", max(samples), "ms"),
    )
    details = {"samples_ms": samples, "session": "51e0c2aa", "cold_start_ms": median * 1.7}
    yield record_of(card, "runtime", size, latency, details)
    for name, (images, level) in SETS.items():
        yield quality_of(card, name, images, level - 3 + number % 40 / 13)


def quality_of(card: ModelCard, name: str, images: int, level: float) -> Record:
    """PSNR and SSIM of each image of a set and their means; images are as hard for every network."""
    hardness = random.Random(name)
    own = random.Random(card.name + name)
    psnr = [level + hardness.gauss(0, 3) + own.gauss(0, 0.1) for _ in range(images)]
    ssim = [min(0.99, 0.78 + (value - level) / 40) for value in psnr]
    values = [Value("psnr", statistics.mean(psnr), "dB"), Value("ssim", statistics.mean(ssim))]
    for image, (decibels, similarity) in enumerate(zip(psnr, ssim, strict=True)):
        values.append(Value("psnr", decibels, "dB", image=f"img_{image:03}"))
        values.append(Value("ssim", similarity, image=f"img_{image:03}"))
    digest = hashlib.sha256(name.encode()).hexdigest()
    details = {"dataset": {"digest": digest, "images": images, "lr": "stored", "known": True, "note": ""}}
    return record_of(card, "quality", {"dataset": name, "protocol": "sr-y"}, tuple(values), details)


def record_of(
    card: ModelCard, measure: str, place: dict[str, str], values: tuple[Value, ...], details: dict[str, Any]
) -> Record:
    """A record of a network with official weights."""
    origin = "official" if card.needs_weights else "no parameters"
    file = {"file": f"{card.name}_x4.pth", "sha256": hashlib.sha256(card.name.encode()).hexdigest()}
    return Record(
        key=make_key({"measure": measure, "model": card.name, **place}),
        measure=measure,
        model=card.name,
        scale=4,
        weights=origin,
        backend="eager",
        device="cpu",
        precision="fp32",
        threads=2,
        dataset=place.get("dataset", ""),
        protocol=place.get("protocol", ""),
        input=place.get("input", ""),
        values=values,
        details={"weights": file if card.needs_weights else {"file": "", "sha256": ""}, **details},
        card={"title": card.title, "family": card.family, "year": card.year, "citation": card.citation},
        environment=MACHINE,
        finished="2026-05-04T09:15:00+00:00",
    )


def make_crops(records: list[Record]) -> Crops:
    """Three crops of smooth images with the networks' errors as noise."""
    shown = [record for record in records if record.dataset == "Set5"]
    draw = np.random.default_rng(0)
    crops = []
    for image in range(3):
        coarse = draw.integers(0, 256, (24, 24, 3), dtype=np.uint8)
        whole = np.asarray(Image.fromarray(coarse).resize((256, 256), Image.Resampling.BICUBIC))
        region = Region(f"img_{image:03}", 80, 64, 96, 96)
        hr = region.of(whole)
        noisy = (np.clip(hr + draw.normal(0, 3, hr.shape), 0, 255).astype(np.uint8) for _ in shown)
        shots = [Shot(pixels, 30.0, 0.9, record) for pixels, record in zip(noisy, shown, strict=True)]
        crops.append(Crop("Set5", 4, region, whole, hr, shots[0], tuple(shots), 5.0))
    return Crops(tuple(crops))


ACT = """async ([selector, value, plotted]) => {
  const frame = () => new Promise((shown) => requestAnimationFrame(() => setTimeout(shown)));
  const control = document.querySelector(selector);
  const drawn = plotted && new Promise((changed) =>
    new MutationObserver(changed).observe(document.querySelector(".boards .canvas"), { childList: true }));
  const start = performance.now();
  if (value === null) control.click();
  else {
    control.value = value;
    control.dispatchEvent(new Event("input", { bubbles: true }));
  }
  await frame();
  const table = performance.now() - start;
  if (plotted) await drawn.then(frame);
  return [table, performance.now() - start];
}"""
OPENED = """() => {
  const [load] = performance.getEntriesByType("navigation");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return [load.loadEventEnd / 1000, paint ? paint.startTime / 1000 : 0];
}"""


def opening(browser: Browser, file: Path, repeats: int) -> tuple[float, float]:
    """Median seconds from navigation to the end of loading, and to the first paint of content."""
    found = []
    for _ in range(repeats):
        page = browser.new_page(viewport={"width": 1400, "height": 900})
        page.goto(file.as_uri())
        page.wait_for_timeout(300)
        found.append(page.evaluate(OPENED))
        page.close()
    loaded, painted = (statistics.median(values) for values in zip(*found, strict=True))
    return loaded, painted


def acting(browser: Browser, file: Path, repeats: int) -> dict[str, tuple[float, float]]:
    """Median milliseconds and limit of sorting, of filtering by name and by family, and of their plots."""
    page = browser.new_page(viewport={"width": 1400, "height": 900})
    page.goto(file.as_uri())
    page.wait_for_timeout(500)
    sort = "table[data-sheet] thead th:nth-of-type(3) button"
    search, family = ".bar input[type=search]", ".bar [data-facet=family] input"
    actions = {
        "sort": [(sort, None, False)] * 2,
        "filter by name": [(search, "bsrn", True), (search, "", True)],
        "filter by family": [(family, None, True)] * 2,
    }
    times: dict[str, list[list[float]]] = {name: [] for name in actions}
    for _ in range(repeats):
        for name, pair in actions.items():
            times[name] += [page.evaluate(ACT, list(action)) for action in pair]
    page.close()
    found = {}
    for name, pair in actions.items():
        table, plot = (statistics.median(values) for values in zip(*times[name], strict=True))
        found[name] = table, ACTION_MS
        if pair[0][2]:
            found[f"{name}, with its plot"] = plot, PLOT_MS
    return found


def main() -> int:
    """Measure, print figure and limit of each. Returns 1 if a limit is passed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="also leave the page with images here")
    options = parser.parse_args()
    records = make_records()
    start = time.perf_counter()
    bare = render(records, ["python -m suite run --models NAME ..."])
    rendered = time.perf_counter() - start
    start = time.perf_counter()
    gallery = build_gallery(make_crops(records), 2.5)
    encoded = time.perf_counter() - start
    full = render(records, ["python -m suite run --models NAME ..."], gallery)
    print(f"{len({record.model for record in records})} networks, {len(records)} records, 4 sets, x4")
    results = [
        ("page without images", len(bare.encode()) / 1e6, SIZE_MB, "MB"),
        ("written in", rendered, RENDER_S, "s"),
        ("images encoded in", encoded, RENDER_S, "s"),
    ]
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for name, text in (("without images", bare), ("with images", full)):
            file = Path(folder) / f"{name.replace(' ', '-')}.html"
            file.write_text(text, encoding="utf-8")
            loaded, painted = opening(browser, file, options.repeats)
            results += [
                (f"{name}: loaded", loaded, OPEN_S, "s"),
                (f"{name}: first paint", painted, OPEN_S, "s"),
            ]
        results += [
            (name, ms, limit, "ms") for name, (ms, limit) in acting(browser, file, options.repeats).items()
        ]
        browser.close()
    if options.keep:
        options.keep.write_text(full, encoding="utf-8")
    for name, figure, limit, unit in results:
        print(f"{name:31} {figure:8.3f} / {limit:g} {unit}{'' if figure <= limit else '   TOO MUCH'}")
    print(f"page with images                {len(full.encode()) / 1e6:8.3f} MB")
    return int(any(figure > limit for _, figure, limit, _ in results))


if __name__ == "__main__":
    sys.exit(main())
