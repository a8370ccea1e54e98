"""Synthetic records that look like those of a real run."""

from __future__ import annotations

import hashlib
import random
import shutil
import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import pytest

from suite.records import Record, Value, make_key
from tests.benchmarks.machine import MACHINE

RANDOM_WEIGHTS = "the weights are random numbers, so their images mean nothing"
OTHER_MACHINE = MACHINE | {"id": "e07788aa", "cpu": "AMD EPYC 7763 64-Core Processor", "cores": 4}


@dataclass(frozen=True)
class Model:
    """What one network would show at x4."""

    name: str
    title: str
    year: int
    weights: str
    params: int
    macs: int
    """At 3x256x256."""
    activations: int
    layers: int
    peak_mib: float
    latency_ms: float
    set5: tuple[float, float] | None
    set14: tuple[float, float] | None


BICUBIC = Model(
    *("bicubic", "Bicubic", 1981, "no parameters", 0, 0, 0, 0, 27.0, 11.2), (28.42, 0.8104), (26.10, 0.7027)
)
BSRN = Model(
    *("bsrn", "BSRN", 2022, "official", 352_400, 22_080_970_752, 219_400_000, 243, 132.1, 1311.0),
    (32.3464, 0.89712),
    (28.6261, 0.78371),
)
RFDN = Model(
    *("rfdn", "RFDN (AIM 2020)", 2020, "official", 433_448, 27_049_967_616, 112_034_008, 64, 91.3, 643.0),
    (32.2044, 0.89481),
    (28.6055, 0.78192),
)
IMDN = Model(
    *("imdn", "IMDN", 2019, "official", 715_176, 46_597_013_504, 119_500_000, 43, 88.0, 662.0),
    (32.2092, 0.89478),
    (28.5773, 0.78124),
)
UNTRAINED = Model(
    "pan", "PAN", 2020, "none", 272_419, 32_000_000_000, 238_900_000, 105, 121.0, 955.0, None, None
)
STRANGE = Model(
    *("<script>alert(1)</script>", "<script>alert(1)</script>", 2026, "/home/me/net & co.pth"),
    *(98_304, 6_400_000_000, 41_000_000, 17, 44.6, 214.0),
    (31.4021, 0.88154),
    (28.1010, 0.77003),
)

Factory = Callable[..., list[Record]]


def configuration(model: Model, **changes: Any) -> dict[str, Any]:
    """The fields that all records of one model share."""
    fields: dict[str, Any] = {
        "model": model.name,
        "scale": 4,
        "weights": model.weights,
        "backend": "eager",
        "device": "cpu",
        "precision": "fp32",
        "threads": 2,
        "card": {"title": model.title, "family": model.title.split()[0], "year": model.year},
        "environment": MACHINE,
    }
    return fields | changes


def record(measure: str, fields: dict[str, Any], details: dict[str, Any] | None = None, **own: Any) -> Record:
    """A record with the key that its fields give it."""
    origin = fields["weights"]
    file = "" if origin in ("none", "no parameters") else f"{fields['model'].replace('/', '-')}_x4.pth"
    sha256 = hashlib.sha256(file.encode()).hexdigest() if file else ""
    determining = {key: value for key, value in (fields | own).items() if key not in ("values", "card")}
    key = make_key({"measure": measure, **determining})
    minutes = int(key, 16) % 60
    return Record(
        key=key,
        measure=measure,
        finished=f"2026-05-04T09:{minutes:02}:00Z",
        details={"weights": {"file": file, "sha256": sha256}} | (details or {}),
        **fields,
        **own,
    )


def cost_records(model: Model, fields: dict[str, Any]) -> Iterator[Record]:
    """Cost at the challenge's input and for an output of 1280x720."""
    scale = fields["scale"]
    for height, width in ((256, 256), (720 // scale, 1280 // scale)):
        share = height * width / 65536
        figures = {
            "params": model.params,
            "macs": int(model.macs * share),
            "activations": int(model.activations * share),
            "conv_layers": model.layers,
        }
        values = tuple(Value(metric, figure) for metric, figure in figures.items())
        yield record("cost", fields, input=f"3x{height}x{width}", values=values)


def speed_records(model: Model, fields: dict[str, Any], session: str) -> Iterator[Record]:
    """Peak memory and latency at the challenge's input."""
    size = "3x256x256"
    peak = Value("peak_bytes", int(model.peak_mib * 2**20), "bytes")
    yield record(
        "memory", fields, input=size, values=(peak, Value("weights_bytes", model.params * 4, "bytes"))
    )
    draw = random.Random(model.name + session)
    samples = [model.latency_ms * (1 + abs(draw.gauss(0, 0.018))) for _ in range(15)]
    median = statistics.median(samples)
    latency = Value("latency_ms", median, "ms", median * 0.993, median * 1.011)
    details = {"samples_ms": samples, "session": session, "cold_start_ms": median * 1.7}
    yield record(
        "runtime", fields, details, input=size, values=(latency, Value("latency_p95_ms", max(samples), "ms"))
    )


def quality_records(
    model: Model, fields: dict[str, Any], datasets: Sequence[str], protocols: Sequence[str] = ("sr-y",)
) -> Iterator[Record]:
    """Quality on the sets, or the reason why there is none."""
    known = {"Set5": (model.set5, 5, ""), "Set14": (model.set14, 14, "bridge is a grey image.")}
    for name in datasets:
        figures, images, note = known[name]
        digest = hashlib.sha256(name.encode()).hexdigest()
        details = {
            "dataset": {"digest": digest, "images": images, "lr": "stored", "known": True, "note": note}
        }
        for protocol in protocols:
            where = {"dataset": name, "protocol": protocol}
            if figures is None:
                yield record("quality", fields, **where, not_measured=RANDOM_WEIGHTS)
                continue
            means = (Value("psnr", figures[0], "dB"), Value("ssim", figures[1]))
            per_image = (Value("psnr", figures[0] + 1, "dB", image="a"), Value("ssim", figures[1], image="a"))
            yield record("quality", fields, details, **where, values=means + per_image)


def make_records(
    models: Sequence[Model] = (BICUBIC, BSRN, RFDN, IMDN, UNTRAINED, STRANGE),
    measures: Sequence[str] = ("quality", "cost", "memory", "runtime"),
    datasets: Sequence[str] = ("Set5", "Set14"),
    protocols: Sequence[str] = ("sr-y",),
    session: str = "51e0c2aa",
    **changes: Any,
) -> list[Record]:
    """The records of a run; ``changes`` replace fields that all of them share, such as ``threads``."""
    made: list[Record] = []
    for model in models:
        fields = configuration(model, **changes)
        made += cost_records(model, fields)
        made += speed_records(model, fields, session)
        made += quality_records(model, fields, datasets, protocols)
    return [one for one in made if one.measure in measures]


@pytest.fixture(scope="session")
def make() -> Factory:
    """The factory of records."""
    return make_records


@pytest.fixture(scope="session")
def models() -> SimpleNamespace:
    """The models that records can be made of, by a short name."""
    return SimpleNamespace(
        bicubic=BICUBIC, bsrn=BSRN, rfdn=RFDN, imdn=IMDN, untrained=UNTRAINED, strange=STRANGE
    )


@pytest.fixture(scope="session")
def machines() -> SimpleNamespace:
    """Two environments."""
    return SimpleNamespace(first=MACHINE, second=OTHER_MACHINE)


@pytest.fixture(scope="session")
def records() -> list[Record]:
    """All measures of six models at x4, one of them without weights and one with a strange name."""
    return make_records()


CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CHROMIUM_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Chromium; a test that needs one is skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on the path")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


@pytest.fixture
def open_page(browser: Any) -> Callable[..., Any]:
    """A context manager ``(address, width=1400, **options)`` that gives a page of a new window.

    ``options`` are those of Playwright's ``new_context``. When it closes there must have been no message in
    the console, no error, and no request but that for the page.
    """

    @contextmanager
    def open_page(address: str, width: int = 1400, **options: Any) -> Iterator[Any]:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        page = context.new_page()
        seen: list[str] = []
        page.on("console", lambda message: seen.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: seen.append(f"error: {error}"))
        page.on("request", lambda request: seen.append(request.url))
        page.goto(address)
        yield page
        assert [one for one in seen if one.partition("#")[0] != address.partition("#")[0]] == []
        context.close()

    return open_page


FULL_SETS = {"Set5": 5, "Set14": 14, "B100": 100, "Urban100": 100}


def full_records(scales: Sequence[int] = (2, 3, 4), sets: Mapping[str, int] = FULL_SETS) -> list[Record]:
    """A made-up run of every network of the catalog on test sets of the true sizes, image by image."""
    from suite.catalog import MODELS

    made: list[Record] = []
    for number, card in enumerate(MODELS.values()):
        draw = random.Random(card.name)
        # The baselines of the challenges are known by their parameters.
        params = {"efdn": 276_000, "rlfn-ntire": 317_000}.get(card.name, int(10 ** draw.uniform(4.0, 6.2)))
        params *= card.needs_weights
        macs = int(params * 65536 * draw.uniform(0.3, 1.4))
        model = Model(
            *(card.name, card.title, card.year, "official" if params else "no parameters"),
            *(
                params,
                macs,
                int(macs**0.8),
                10 + number,
                20 + params / 9e3,
                macs / 4e7 * draw.uniform(0.5, 2),
            ),
            *(None, None),
        )
        for scale in set(scales) & set(card.scales):
            fields = configuration(model, scale=scale)
            fields["card"] = {"title": card.title, "family": card.family, "year": card.year}
            for one in cost_records(model, fields):
                counts = tuple(
                    Value(metric, (one.value(of) or 0) * share)
                    for metric, of, share in (
                        ("macs_ntire", "macs", 1.02),
                        ("macs_fvcore", "macs", 1.01),
                        ("activations_ntire", "activations", 0.98),
                    )
                )
                made.append(replace(one, values=one.values + counts))
            made += speed_records(model, fields, f"full{scale}") if params else []
            made += _full_quality(fields, sets, 34.0 - 1.8 * scale + params**0.25 / 8, draw)
    return made


def _full_quality(
    fields: dict[str, Any], sets: Mapping[str, int], level: float, draw: random.Random
) -> Iterator[Record]:
    for name, images in sets.items():
        hard = [random.Random(f"{name} {n}").gauss(0, 3.5) for n in range(images)]
        psnr = [level + one + draw.gauss(0, 0.08) for one in hard]
        figures = [("psnr", "dB", psnr), ("ssim", "", [0.6 + value / 100 for value in psnr])]
        values = [Value(metric, statistics.fmean(found), unit) for metric, unit, found in figures]
        for metric, unit, found in figures:
            values += [Value(metric, v, unit, image=f"{name}-{n:03}") for n, v in enumerate(found)]
        dataset = {"digest": hashlib.sha256(name.encode()).hexdigest(), "images": images, "known": True}
        details = {"dataset": dataset | {"lr": "stored", "note": ""}}
        yield record("quality", fields, details, dataset=name, protocol="sr-y", values=tuple(values))


@pytest.fixture(scope="session")
def full_run() -> list[Record]:
    """The records of `full_records` at all scales."""
    return full_records()
