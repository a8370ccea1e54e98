"""How long does an evaluation take beside the plain loop, and does it find the same?

    python tests/benchmarks/evaluation.py [--images 20] [--model bsrn] [--dataset Urban100] [--scale 4]
                                          [--backend fused] [--threads 2] [--keep-memory]

The plain loop reads an image, passes it through PyTorch, takes PSNR and the SSIM of scikit-image, and goes on
to the next, in a process as Python starts it (``--keep-memory``: with `suite.allocator`, which has a part in
the gain). The other is the evaluation of ``run``: proving and loading the backend, once a run, is timed
apart. Each runs in a process of its own, one after the other. Prints both times, their ratio, the largest
difference of an image's PSNR and SSIM, and the peak of memory of each process.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import resource
import time
from typing import Any

import numpy as np

from suite.allocator import VARIABLE, Treatment
from suite.backends import prepare
from suite.catalog import model_card
from suite.datasets import Dataset, open_dataset
from suite.home import find_home
from suite.images import luma
from suite.isolation import State, Worker
from suite.measures import quality
from suite.task import Subject, Task
from suite.upscaling import quantize, upscale
from suite.weights import find_weights

Found = dict[str, Any]
"""Seconds, peak memory in bytes, and PSNR and SSIM by image."""


def plain_loop(state: State, subject: Subject, dataset: Dataset, images: int) -> Found:
    """Read, upscale in eager, PSNR, SSIM of scikit-image, one after the other; runs in a worker."""
    from skimage.metrics import structural_similarity

    forward, border = prepare(subject), subject.scale
    begin, psnr, ssim = time.perf_counter(), {}, {}
    for number in range(images):
        pair = dataset.pair(number)
        output = quantize(upscale(forward, subject, pair.lr, pair.name))
        x, y = (luma(image)[border:-border, border:-border] for image in (output, pair.hr))
        psnr[pair.name] = 10 * np.log10(255**2 / np.mean((x - y) ** 2))
        ssim[pair.name] = structural_similarity(
            x, y, data_range=255, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
        )
    return {"seconds": time.perf_counter() - begin, "peak": peak(), "psnr": psnr, "ssim": ssim}


def evaluation(state: State, subject: Subject, dataset: Dataset, images: int) -> Found:
    """What ``run`` does; runs in a worker."""
    task = Task("quality", subject, dataset, dataset.name, "sr-y")
    begin = time.perf_counter()
    network = quality.ready([task], lambda words: None)
    proven = time.perf_counter()
    part = quality.evaluate(network, [task], range(images), lambda words: None)
    (scores,) = part.scores.values()
    return {
        "seconds": time.perf_counter() - proven,
        "proof": proven - begin,
        "peak": peak(),
        "psnr": {name: score.psnr for name, score in zip(part.names, scores, strict=True)},
        "ssim": {name: score.ssim for name, score in zip(part.names, scores, strict=True)},
    }


def peak() -> int:
    """Most memory that this process has held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Run both and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--model", default="bsrn")
    parser.add_argument("--dataset", default="Urban100")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--backend", default="fused")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--keep-memory", action="store_true", help="for the plain loop as well")
    parser.add_argument("--home")
    options = parser.parse_args()
    home, card = find_home(options.home), model_card(options.model)
    weights = find_weights(card, options.scale, home)
    plain = Subject(card, options.scale, weights, threads=options.threads)
    fast = dataclasses.replace(plain, backend=options.backend)
    dataset = open_dataset(options.dataset, options.scale, home)
    images = min(options.images, len(dataset.files))
    found = []
    comes: Treatment = "keep" if options.keep_memory else "system"
    for name, function, subject, memory in (
        ("plain loop", plain_loop, plain, comes),
        ("evaluation", evaluation, fast, "keep"),
    ):
        os.environ[VARIABLE] = memory
        with Worker(name, 3600) as worker:
            found.append(worker.call(function, subject, dataset, images))
        seconds, gib = found[-1]["seconds"], found[-1]["peak"] / 2**30
        print(f"{name}: {seconds:.1f} s for {images} images, peak {gib:.2f} GiB", flush=True)
    first, second = found
    print(f"Proving and loading {options.backend}, once a run: {second['proof']:.1f} s")
    print(f"Ratio: {first['seconds'] / second['seconds']:.2f}")
    for metric in ("psnr", "ssim"):
        apart = max(abs(first[metric][name] - second[metric][name]) for name in first[metric])
        print(f"Largest difference of an image's {metric}: {apart:.2e}")


if __name__ == "__main__":
    main()
