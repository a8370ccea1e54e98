"""How fast PSNR and SSIM are on one core, beside scikit-image. Not collected by default; run it with

    python tests/benchmarks/bench_ssim.py
    python -m pytest -s tests/benchmarks/bench_ssim.py

Prints the medians of interleaved rounds. Fails where the two differ, never because of a slow machine.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from skimage.metrics import structural_similarity

from suite.measures.psnr_ssim import psnr, ssim

ONE_CORE = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM")}
"""Read by the libraries when they are loaded, so the work is done in a process that begins with it."""
HEIGHT, WIDTH = 768, 1024
ROUNDS = 15
Plane = NDArray[np.float64]


def pair() -> tuple[Plane, Plane]:
    """Two float64 planes in 0..255: waves with noise, and the same with other noise."""
    draw = np.random.default_rng(0)
    rows, columns = np.mgrid[:HEIGHT, :WIDTH]
    smooth = 128 + 90 * np.sin(rows / 23) * np.cos(columns / 31)
    first, second = (np.clip(smooth + draw.normal(0, 9, smooth.shape), 0, 255) for _ in range(2))
    return first, second


def ours(first: Plane, second: Plane) -> float:
    """PSNR and SSIM; gives SSIM."""
    psnr(first, second)
    return ssim(first, second)


def theirs(first: Plane, second: Plane) -> float:
    """SSIM alone, with the same settings."""
    return float(
        structural_similarity(
            first, second, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255
        )
    )


def seconds(function: Callable[[Plane, Plane], float], planes: tuple[Plane, Plane]) -> float:
    """Time of one call."""
    begin = time.perf_counter()
    function(*planes)
    return time.perf_counter() - begin


def measure() -> str:
    """Check that both give the same and time them in turn; the result in words."""
    planes = pair()
    assert abs(ours(*planes) - theirs(*planes)) < 1e-6
    times = [(seconds(ours, planes), seconds(theirs, planes)) for _ in range(ROUNDS)]
    mine, reference = (statistics.median(column) * 1000 for column in zip(*times, strict=True))
    ratio = statistics.median(slow / fast for fast, slow in times)
    return (
        f"{WIDTH}x{HEIGHT}, one core, {ROUNDS} rounds: PSNR and SSIM {mine:.1f} ms, "
        f"SSIM of scikit-image {reference:.1f} ms, ratio {ratio:.2f}"
    )


def test_equal_and_how_fast() -> None:
    command = [sys.executable, __file__]
    result = subprocess.run(command, env=os.environ | ONE_CORE, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    print(f"\n{result.stdout.strip()}")


if __name__ == "__main__":
    if any(os.environ.get(name) != value for name, value in ONE_CORE.items()):
        sys.exit(subprocess.run([sys.executable, __file__], env=os.environ | ONE_CORE).returncode)
    print(measure())
