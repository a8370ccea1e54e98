"""The machine's own ceilings: what this process can multiply and move at best, measured here and now.

Rates of arithmetic count a multiply-accumulate as two operations, as the roofline model does (Williams,
Waterman and Patterson, Roofline: an insightful visual performance model, Communications of the ACM 52(4),
2009). Bandwidth is counted as in STREAM (McCalpin, 1995): bytes of the arrays that are read and written,
each once.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from suite.backends import data_type, synchronize
from suite.isolation import State

SECONDS = 0.2
"""How long each figure is looked for; the best time of all repetitions counts."""
LONG = 0.5
"""Seconds of a first repetition after which there is no second: this is not what the machine is made for."""
MATRICES = {"cpu": (256, 512, 1024), "cuda": (2048, 4096, 8192)}
"""Sides of the square matrices of which the best rate is taken."""
CHANNELS = {"cpu": (32, 64, 128), "cuda": (64, 128, 256)}
"""Channels in and out of the 3x3 convolutions of which the best rate is taken, on 128x128 positions."""
LEAST_BYTES, MOST_BYTES = 64 << 20, 512 << 20
"""Bounds of the size of an array for the bandwidth."""
CACHES = 4
"""An array is this many times as large as the last-level cache, within the bounds."""
PRECISIONS = ("fp32", "bf16", "fp16")


def best_seconds(work: Callable[[], Any], device: str, seconds: float = SECONDS) -> float:
    """Shortest time of one repetition: of three or more, for ``seconds``, unless the first takes `LONG`."""
    best, begun, count = float("inf"), time.perf_counter(), 0
    while count < 3 or time.perf_counter() - begun < seconds:
        synchronize(device)
        start = time.perf_counter()
        work()
        synchronize(device)
        best = min(best, time.perf_counter() - start)
        count += 1
        if best > LONG:
            break
    return best


def last_level_cache(root: Path = Path("/sys/devices/system/cpu/cpu0/cache")) -> int:
    """Bytes of the largest cache of the first processor; 32 MiB where the system does not say."""
    sizes = []
    for file in root.glob("index*/size"):
        text = file.read_text().strip()
        unit = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 1)
        if (number := text.rstrip("KMG")).isdigit():
            sizes.append(int(number) * unit)
    return max(sizes, default=32 << 20)


def array_bytes(cache: int) -> int:
    """Size of an array that no cache of this size holds, within the bounds and what memory there is."""
    wanted = min(max(LEAST_BYTES, CACHES * cache), MOST_BYTES)
    try:
        free = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_AVPHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return wanted
    return max(LEAST_BYTES, min(wanted, free // 8))


def product_rate(device: str, precision: str) -> float:
    """Best rate of square matrix products, operations a second. Raises ``RuntimeError`` if there are none."""
    import torch

    best = 0.0
    for side in MATRICES[device]:
        a, b = (torch.ones((side, side), device=device, dtype=data_type(precision)) for _ in "ab")
        out = torch.empty_like(a)
        seconds = best_seconds(lambda a=a, b=b, out=out: torch.mm(a, b, out=out), device)  # type: ignore[misc]
        best = max(best, 2 * side**3 / seconds)
        if seconds > LONG:
            break
    return best


def convolution_rate(device: str, precision: str) -> float:
    """Best rate of 3x3 convolutions, operations a second. Raises ``RuntimeError`` if there are none."""
    import torch
    import torch.nn.functional as F

    best, side = 0.0, 128
    for channels in CHANNELS[device]:
        image = torch.ones((1, channels, side, side), device=device, dtype=data_type(precision))
        weight = torch.ones((channels, channels, 3, 3), device=device, dtype=data_type(precision))
        seconds = best_seconds(lambda x=image, w=weight: F.conv2d(x, w, padding=1), device)  # type: ignore[misc]
        best = max(best, 2 * 9 * channels**2 * side**2 / seconds)
        if seconds > LONG:
            break
    return best


def bandwidths(device: str) -> dict[str, float]:
    """Bytes a second of a copy and of the triad ``a = b + s c``, on arrays that no cache holds."""
    import torch

    size = array_bytes(last_level_cache()) if device == "cpu" else MOST_BYTES
    a, b, c = (torch.ones(size // 4, device=device) for _ in "abc")
    return {
        "copy": 2 * size / best_seconds(lambda: a.copy_(b), device),
        "triad": 3 * size / best_seconds(lambda: torch.add(b, c, alpha=3.0, out=a), device),
        "array_bytes": size,
    }


def measure(state: State, device: str, threads: Sequence[int]) -> list[dict[str, Any]]:
    """The ceilings of a device for each number of threads, as plain JSON; runs in a worker.

    Rates are in operations and bytes a second. A precision in which the machine cannot multiply has none.
    """
    import torch

    before, found = torch.get_num_threads(), []
    with torch.inference_mode():
        for count in threads:
            torch.set_num_threads(count)
            found.append({"threads": count, "bandwidth": bandwidths(device), **_rates(device)})
    torch.set_num_threads(before)
    return found


def _rates(device: str) -> dict[str, dict[str, float]]:
    rates: dict[str, dict[str, float]] = {"product": {}, "convolution": {}}
    for name, rate in (("product", product_rate), ("convolution", convolution_rate)):
        for precision in PRECISIONS:
            try:
                rates[name][precision] = rate(device, precision)
            except RuntimeError:  # no such kernel here; what it says changes from version to version
                continue
    return rates
