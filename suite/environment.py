"""What machine and what software a figure was measured with."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suite import __version__
from suite.allocator import treatment
from suite.records import make_key

BUSY = 0.1
"""Share of the processors in use by others from which timings are warned about."""

PACKAGES = ("torch", "numpy", "scipy", "fvcore", "ptflops", "pillow")
"""Packages whose version can move a figure."""

SETTINGS = (
    "ATEN_CPU_CAPABILITY",
    "DNNL_MAX_CPU_ISA",
    "GLIBC_TUNABLES",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "LD_PRELOAD",
    "MALLOC_ARENA_MAX",
    "MALLOC_CONF",
    "MALLOC_MMAP_THRESHOLD_",
    "MALLOC_TOP_PAD_",
    "MALLOC_TRIM_THRESHOLD_",
    "OMP_PROC_BIND",
    "OMP_WAIT_POLICY",
    "ONEDNN_MAX_CPU_ISA",
)
"""Environment variables that can move a runtime."""


def available_cores() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def affinity() -> list[int]:
    """Numbers of the processors that this process may use, ascending; empty where the system does not say."""
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []


def load_average() -> list[float]:
    """Mean number of processes that wanted to run in the last 1, 5 and 15 minutes; empty if unknown."""
    try:
        return [round(value, 2) for value in os.getloadavg()]
    except (AttributeError, OSError):
        return []


def system() -> str:
    """Operating system, its release and the kind of processor."""
    return f"{platform.system()} {platform.release()} {platform.machine()}"


def cpu_name() -> str:
    """The processor's model name as the operating system gives it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
        facts = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if "model name" in facts:
            return facts["model name"]
        if "CPU part" in facts:  # 64-bit Arm names its core by two numbers
            return f"Arm implementer {facts.get('CPU implementer', '?')}, part {facts['CPU part']}"
    except OSError:
        pass
    return _sysctl("machdep.cpu.brand_string") or platform.processor() or platform.machine()


def _sysctl(name: str) -> str:
    """A value of macOS's ``sysctl``; empty elsewhere."""
    if platform.system() != "Darwin":
        return ""
    done = subprocess.run(["sysctl", "-n", name], capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip()


def memory_gib() -> float | None:
    """Physical memory in GiB, to one decimal; None where the system does not say."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


def busy_share(seconds: float = 0.5) -> float | None:
    """Share of all processors' time (0..1) that somebody uses while this process waits; None if unknown."""

    def times() -> tuple[int, int]:
        fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]  # all, idle and waiting for the disk

    try:
        before = times()
        time.sleep(seconds)
        after = times()
    except (OSError, ValueError, IndexError):
        return None
    total = after[0] - before[0]
    return round(1 - (after[1] - before[1]) / total, 3) if total else None


def governor() -> str:
    """Frequency governor of the first processor; empty where the system does not say."""
    try:
        return Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").read_text().strip()
    except OSError:
        return ""


def code_version() -> str:
    """Version of the suite, with the commit if it runs from a checkout (``+`` at the end: with changes)."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return __version__

    def git(*arguments: str) -> str:
        command = ["git", "-C", str(root), *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()

    try:
        changed = git("status", "--porcelain", "--untracked-files=no")
        return f"{__version__} ({git('rev-parse', '--short=10', 'HEAD')}{'+' if changed else ''})"
    except (OSError, subprocess.SubprocessError):
        return __version__


def packages() -> dict[str, str]:
    """Installed versions of `PACKAGES`."""
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def accelerator(device: str) -> str:
    """Accelerator behind a device such as ``cuda``, with its libraries; empty for the CPU."""
    if device != "cuda":
        return ""
    import torch

    cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
    return f"{torch.cuda.get_device_name()}, CUDA {torch.version.cuda}, cuDNN {cudnn}"


MOMENTARY = ("code", "affinity", "load_average")
"""What an environment states beside what can move a runtime: it differs from run to run."""
_IDENTIFYING = {
    *("cpu", "cores", "memory_gib", "governor", "accelerator", "system"),
    *("python", "packages", "settings", "allocator"),
}


def id_of(found: Mapping[str, Any]) -> str | None:
    """The id of what an environment states; None for one of an earlier or later form."""
    stated = {name: value for name, value in found.items() if name not in ("id", *MOMENTARY)}
    return make_key(stated)[:8] if stated.keys() == _IDENTIFYING else None


@functools.cache
def describe(device: str = "cpu") -> dict[str, Any]:
    """The environment as plain JSON.

    ``id`` is a digest of all that can move a runtime: machine, system, Python, packages and what is done
    with freed memory. Two runs with the same id may be compared with one another. Beside it stand the version
    of the suite's code, which processors the process may use, and the load average when it was asked for.
    """
    found: dict[str, Any] = {
        "cpu": cpu_name(),
        "cores": available_cores(),
        "memory_gib": memory_gib(),
        "governor": governor(),
        "accelerator": accelerator(device),
        "system": system(),
        "python": platform.python_version(),
        "packages": packages(),
        "settings": {name: os.environ[name] for name in SETTINGS if name in os.environ},
        "allocator": treatment(),
    }
    momentary = {"affinity": affinity(), "load_average": load_average()}
    return {"id": id_of(found), **found, "code": code_version(), **momentary}
