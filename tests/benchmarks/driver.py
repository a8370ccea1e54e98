"""What the driver itself costs: loading and reporting many records, and running many tasks that take no time.

    python tests/benchmarks/driver.py [--records 10000] [--models 200] [--rounds 5]

Writes so many records of realistic size (quality with the figures of each image, cost, memory, runtime with
its samples), then prints how long loading them and rendering the page take. Then runs the tasks of
so many networks on 4 sets at 3 scales, whose measure returns at once, and prints the driver's time a task and
its memory. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Iterator
from pathlib import Path

from suite.catalog.cards import ModelCard
from suite.datasets import Dataset
from suite.engine import execute
from suite.environment import describe
from suite.measures import MEASURES
from suite.records import Record, Store, Value, make_key, to_json
from suite.statistics import bootstrap_median
from suite.task import Outcome, Say, Subject, Task
from suite.weights import WITHOUT_PARAMETERS, Weights

SETS = {"Set5": 5, "Set14": 14, "B100": 100, "Urban100": 100}
SCALES = (2, 3, 4)
TIMED = 32
"""Networks of one session: each is held by a process of its own."""


def figures(images: int, noise: random.Random) -> tuple[Value, ...]:
    """The values of a record of quality."""
    names = ["", *(f"img_{number:03}" for number in range(images))]
    return tuple(
        value
        for name in names
        for value in (
            Value("psnr", noise.gauss(30, 3), "dB", image=name),
            Value("ssim", noise.uniform(0.7, 0.9), image=name),
        )
    )


def records_of(number: int, scale: int, noise: random.Random) -> Iterator[Record]:
    """What a full run has of one network at one scale: nine records."""
    environment = describe()
    model, session, latency = f"network-{number}", f"{number // TIMED:08x}", noise.uniform(60, 140)
    size = "3x256x256"

    def record(measure: str, values: tuple[Value, ...], details: dict[str, object], **more: str) -> Record:
        key = make_key({"model": model, "scale": scale, "measure": measure, **more})
        return Record(
            *(key, measure, model, scale, "official", "eager", "cpu", "fp32", 2),
            values=values,
            details={"weights": {"file": f"{model}.pth", "sha256": "0" * 64}, "effort": "", **details},
            card={"title": model.upper(), "family": "f", "year": 2024, "build": "baselines.rfdn:RFDN"},
            environment=environment,
            finished="2026-01-01T00:00:00+00:00",
            **more,
        )

    for name, images in SETS.items():
        details = {
            "dataset": {"digest": name * 8, "images": images, "lr": "stored", "known": True, "note": ""}
        }
        yield record("quality", figures(images, noise), details, dataset=name, protocol="sr-y")
    counts = [Value(metric, float(noise.randrange(10**9))) for metric in MEASURES["cost"].metrics]
    for input_size in (size, f"3x{720 // scale}x{1280 // scale}"):
        yield record("cost", tuple(counts), {"audit": {}, "not_counted": {}}, input=input_size)
    memory = (
        Value("peak_bytes", float(noise.randrange(10**8)), "bytes"),
        Value("weights_bytes", 1e6, "bytes"),
    )
    yield record("memory", memory, {}, input=size)
    median, *ends = bootstrap_median(samples := [noise.gauss(latency, 2) for _ in range(30)])
    timing = (Value("latency_ms", median, "ms", *ends), Value("latency_p95_ms", max(samples), "ms"))
    details = {"session": session, "timed_with": [model], "noise": {"floor": 0.02}, "busy_before": 0.0}
    details |= {"samples_ms": samples, "warm_up_ms": samples[:4]}
    yield record("runtime", timing, details, input=size)
    details = {"images_ms": dict.fromkeys(map(str, range(5)), 9.0), "dataset": {"digest": "x", "images": 5}}
    yield record("runtime", (Value("ntire_mean_ms", 9.0, "ms"),), details, dataset="Set5")


ONCE = """
import sys, time
from pathlib import Path
from reports.html import render
from suite.records import load_run
begin = time.monotonic()
records = load_run(Path(sys.argv[1]))
loaded = time.monotonic()
page = render(records, ["python -m suite run"])
print(loaded - begin, time.monotonic() - loaded, len(page))
"""
"""Load and render in a process of its own, in which nothing is kept of an earlier time."""


def many_records(count: int, folder: Path, rounds: int) -> None:
    """Write, load and report so many records."""
    noise = random.Random(0)
    subjects = ((number, scale) for number in itertools.count() for scale in SCALES)
    made = itertools.chain.from_iterable(records_of(*subject, noise) for subject in subjects)
    folder.mkdir()
    with (folder / "records.jsonl").open("w") as stream:
        stream.writelines(to_json(record) + "\n" for record in itertools.islice(made, count))
    written = (folder / "records.jsonl").stat().st_size
    print(f"{count} records, {written / 1e6:.0f} MB", flush=True)
    command = [sys.executable, "-c", ONCE, str(folder)]
    done = [subprocess.run(command, check=True, capture_output=True, text=True) for _ in range(rounds)]
    load, report, size = zip(*(map(float, one.stdout.split()) for one in done), strict=True)
    both = [sum(pair) for pair in zip(load, report, strict=True)]
    for label, seconds in (("load", load), ("report", report), ("both", both)):
        ends = f"{min(seconds):.2f} to {max(seconds):.2f}"
        print(f"{label}: {statistics.median(seconds):.2f} s, the median of {rounds} ({ends})")
    print(f"page: {size[0] / 1e6:.1f} MB")


def at_once(tasks: list[Task], say: Say) -> Iterator[Outcome]:
    """A measure that takes no time."""
    noise = random.Random(0)
    for task in tasks:
        yield Outcome(task, figures(SETS[task.dataset_name], noise))


def many_tasks(models: int, folder: Path) -> None:
    """Run the tasks of so many networks on all sets and scales, and once more, when all are there."""
    sys.modules["at_once"] = types.SimpleNamespace(run=at_once)  # type: ignore[assignment]
    MEASURES["quality"] = dataclasses.replace(MEASURES["quality"], module="at_once")
    cards = [
        ModelCard(f"network-{number}", f"N{number}", "f", 2024, SCALES, "baselines.bicubic:Bicubic")
        for number in range(models)
    ]
    sets = {(name, scale): Dataset(name, scale, folder, None) for name in SETS for scale in SCALES}
    for dataset in sets.values():
        vars(dataset)["digest"] = dataset.name  # stands for the pixels, which are not there
    tasks = [
        Task("quality", Subject(card, scale, Weights(WITHOUT_PARAMETERS)), sets[name, scale], name, "sr-y")
        for card in cards
        for scale in SCALES
        for name in SETS
    ]
    for label in ("run", "again"):
        begin = time.process_time(), time.monotonic()
        done = sum(1 for _ in execute(tasks, Store(folder), describe(), lambda words: None))
        spent = time.process_time() - begin[0], time.monotonic() - begin[1]
        each = [f"{seconds / done * 1e3:.2f} ms" for seconds in spent]
        print(f"{label}: {done} tasks, {each[0]} a task of the processor, {each[1]} of the clock", flush=True)


def main() -> None:
    """Run both and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--models", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=5, help="of loading and rendering")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        many_tasks(options.models, Path(folder) / "tasks")
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"peak memory of the driver: {peak:.0f} MiB", flush=True)
        many_records(options.records, Path(folder) / "records", options.rounds)


if __name__ == "__main__":
    main()
