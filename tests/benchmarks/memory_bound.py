"""Peak memory of evaluating one large image, each network in a process of its own.

    python tests/benchmarks/memory_bound.py [MODEL ...] [--size HEIGHT WIDTH] [--scale S] [--limit GIB]

Default: every network of the catalog at x4, an HR image of 2040x1356 pixels, 4 GiB. The figure is the largest
resident set of the process that reads the pair, runs the network and judges the output, as the kernel counts
it; PyTorch itself is part of it. Weights are those that ``run`` would take; without any, random numbers cost
the same. Exit status 1 if a network needs more than the limit.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

SIZE = (1356, 2040)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="*", metavar="MODEL")
    parser.add_argument("--size", nargs=2, type=int, default=SIZE, metavar=("HEIGHT", "WIDTH"))
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--limit", type=float, default=4.0, metavar="GIB")
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.folder:
        return _measure(options.models[0], options.scale, options.folder)

    from suite.catalog import MODELS

    names = options.models or [card.name for card in MODELS.values() if options.scale in card.scales]
    above = 0
    print(
        f"| network | peak of {options.size[1]}x{options.size[0]} at x{options.scale}, GiB | seconds | how |"
    )
    print("| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        _make_image(Path(folder) / "large.png", *options.size)
        for name in names:
            command = [sys.executable, __file__, name, "--scale", str(options.scale), "--folder", folder]
            begun = time.monotonic()
            done = subprocess.run(command, capture_output=True, text=True)
            seconds = time.monotonic() - begun
            if done.returncode:
                print(f"| {name} | failed: {(done.stderr.strip().splitlines() or ['killed'])[-1]} | | |")
                above += 1
                continue
            peak, _, how = done.stdout.strip().partition(" ")
            gib = int(peak) / 2**20
            above += gib > options.limit
            print(
                f"| {name} | {gib:.2f}{' (too much)' * (gib > options.limit)} | {seconds:.0f} | {how} |",
                flush=True,
            )
    return int(above > 0)


def _make_image(file: Path, height: int, width: int) -> None:
    coarse = np.random.default_rng(0).integers(0, 256, (17, 23, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC).save(file)


def _measure(name: str, scale: int, folder: str) -> int:
    """Evaluate one network in this process; print its peak in KiB and how it was run."""
    from suite.catalog import model_card
    from suite.datasets import open_dataset
    from suite.home import find_home
    from suite.measures.quality import run
    from suite.task import Subject, Task
    from suite.weights import find_weights

    card, home = model_card(name), find_home()
    dataset = open_dataset(f"large={folder}", scale, home)
    task = Task("quality", Subject(card, scale, find_weights(card, scale, home)), dataset, "large", "sr-y")
    (outcome,) = run([task], lambda words: None)
    if outcome.not_measured:
        print(outcome.not_measured, file=sys.stderr)
        return 1
    blocks = outcome.details.get("blocks")
    how = f"blocks of {blocks['side']} and {blocks['halo']} around them" if blocks else "whole"
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, how)
    return 0


if __name__ == "__main__":
    sys.exit(main())
