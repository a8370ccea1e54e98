"""How much faster are several workers than one? Quality on Set14 and B100 at x4, one thread each.

    SUITE_HOME=HOME python tests/benchmarks/workers.py [--models bsrn] [--datasets Set14 B100] [--workers 1 2]
                                                   [--rounds 3]

Prints for each number of workers the seconds of the whole command, its ratio to the first of the same round,
and the most memory that the driver and all its workers had at one time (proportional set sizes, summed every
second); after several rounds the median of the ratios. The figures of all runs must be equal to the last bit.
Run it on an idle machine with a core a worker.
"""

from __future__ import annotations

import argparse
import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from suite.records import Store, Value


def memory_mib(process: int) -> float:
    """Memory of a process and all its descendants, each shared page counted once, in MiB."""
    children: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with contextlib.suppress(OSError):
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(folder.name))
    total, look = 0, [process]
    while look:
        one = look.pop()
        look += children.get(one, [])
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{one}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def measure(options: argparse.Namespace, workers: int, run: Path) -> tuple[float, float]:
    """Seconds and peak memory in MiB of a run with so many workers."""
    command = [sys.executable, "-m", "suite", "run", "--models", *options.models]
    command += ["--datasets", *options.datasets, "--measures", "quality", "--threads", "1", "--no-crops"]
    command += ["--workers", str(workers), "--out", str(run), "--no-report"]
    begin, peak = time.monotonic(), 0.0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, memory_mib(process.pid))
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=1)
    if process.returncode:
        sys.exit(f"the run ended with exit status {process.returncode}")
    return time.monotonic() - begin, peak


def figures(run: Path) -> dict[str, tuple[Value, ...]]:
    """The values of a run by key."""
    return {record.key: record.values for record in Store(run).load().values()}


def main() -> None:
    """Run with each number of workers and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--models", nargs="+", default=["bsrn"])
    parser.add_argument("--datasets", nargs="+", default=["Set14", "B100"])
    parser.add_argument("--workers", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    ratios: dict[int, list[float]] = {workers: [] for workers in options.workers}
    expected = None
    with tempfile.TemporaryDirectory() as folder:
        for number in range(options.rounds):
            first = 0.0
            for workers in options.workers:
                run = Path(folder) / f"{number}-{workers}"
                seconds, peak = measure(options, workers, run)
                first = first or seconds
                ratios[workers].append(first / seconds)
                expected = expected or figures(run)
                if figures(run) != expected:
                    sys.exit(f"{workers} workers gave other figures than {options.workers[0]}")
                times = f"{ratios[workers][-1]:.2f} times as fast"
                print(f"{workers} worker(s): {seconds:.1f} s, {times}, {peak:.0f} MiB", flush=True)
    if options.rounds > 1:
        for workers, found in ratios.items():
            print(f"{workers} worker(s): {statistics.median(found):.2f} times as fast in the median")


if __name__ == "__main__":
    main()
