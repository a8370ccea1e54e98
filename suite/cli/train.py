"""``suite train``: train a network of the catalog by a recipe."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suite.backends import DEVICES, require
from suite.catalog import model_card
from suite.cli import common
from suite.errors import UsageError

HELP = "train a network by a recipe; the same command goes on after an interruption"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``train``."""
    parser.add_argument("model", metavar="MODEL", help="see: list models")
    parser.add_argument("--data", type=common.path, required=True, metavar="DIR", help="folder of HR images")
    parser.add_argument("--recipe", required=True, metavar="NAME|FILE.toml", help="see: list recipes")
    parser.add_argument(
        "--set", nargs="+", action="extend", metavar="KEY=VALUE", help="values in place of the recipe's"
    )
    parser.add_argument("--scale", type=int, default=4, metavar="S", help="default: 4")
    parser.add_argument("--out", type=common.path, metavar="DIR", help="default: training/MODEL_xS_RECIPE")
    parser.add_argument(
        "--until", type=common.positive, metavar="N", help="stop after N iterations, to go on later"
    )
    parser.add_argument("--device", default="cpu", choices=DEVICES, help="default: cpu")
    common.add_threads(parser)
    common.add_home(parser)


def overrides(texts: list[str]) -> dict[str, str]:
    """``KEY=VALUE`` texts as a mapping. Raises `UsageError` for a text of another form."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals or not key:
            raise UsageError(f"--set {text}: write KEY=VALUE, such as iterations=5000.")
        found[key] = value
    return found


def describe(line: Mapping[str, Any], iterations: int) -> str:
    """A line of the log in words, with the time that is left."""
    words = [f"[{line['iteration']}/{iterations}]"]
    if "loss" in line:
        speed = line["iteration"] / max(line["seconds"], 1e-9)
        left = (iterations - line["iteration"]) / speed
        waited = line["waited_s"] / max(line["seconds"], 1e-9)
        words.append(
            f"loss {line['loss']:.5f}, rate {line['rate']:.1e}, {speed:.2f} iterations/s, "
            f"{left / 60:.0f} min left, waiting for data {waited:.1%}"
        )
    if "psnr" in line:
        words.append(f"{line['set']}: {line['psnr']:.2f} dB / {line['ssim']:.4f}")
    return " ".join(words)


def execute(options: argparse.Namespace) -> int:
    """Train to the end of the recipe. Returns 0."""
    from suite.training.recipe import load_recipe

    card = model_card(options.model)
    if options.scale not in card.scales or not card.needs_weights:
        raise UsageError(f"{card.name} has no x{options.scale} network to train.")
    recipe = load_recipe(options.recipe, overrides(options.set or []))
    require(options.device)

    import torch

    from reports.curves import write_curve
    from suite.datasets import open_dataset
    from suite.environment import available_cores
    from suite.home import find_home
    from suite.locks import hold_run
    from suite.plan import default_datasets
    from suite.training import loop
    from suite.training.patches import load_images

    torch.set_num_threads(options.threads or available_cores())
    home = find_home(options.home)
    with loop.process_group(options.device, recipe) as (rank, processes):
        print(f"Reading {options.data}", file=sys.stderr)
        images = load_images(options.data, options.scale, recipe.patch)
        out = options.out or Path("training") / f"{card.name}_x{options.scale}_{Path(options.recipe).stem}"
        job = loop.Job(
            card=card,
            scale=options.scale,
            recipe=recipe,
            images=images,
            out=out,
            validation=open_dataset(default_datasets(home)[0], options.scale, home),
            device=options.device,
            rank=rank,
            processes=processes,
            until=options.until,
        )
        print(f"{len(images.pairs)} images; checkpoint and log in {out}", file=sys.stderr)
        with hold_run(out) if rank == 0 else contextlib.nullcontext():
            result = loop.train(
                job, lambda line: print(describe(line, recipe.iterations), file=sys.stderr, flush=True)
            )
        if rank == 0:
            write_curve(list(loop.read_log(job.log)), out / "curve.svg", f"{card.title} x{options.scale}")
            print(f"Weights: {result}" if result else f"Stopped after {options.until}.", file=sys.stderr)
    return 0
