"""What machine and what software a figure was measured with."""

from __future__ import annotations

import functools
import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path
from typing import Any

from suite import __version__
from suite.records import make_key

PACKAGES = ("torch", "numpy", "scipy", "fvcore", "ptflops", "pillow")
"""Packages whose version can move a figure."""


def available_cores() -> int:
    """Number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def cpu_name() -> str:
    """The processor's model name as the operating system gives it."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def memory_gib() -> float | None:
    """Physical memory in GiB, to one decimal; None where the system does not say."""
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
    except (AttributeError, ValueError, OSError):
        return None


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
    """Name of the accelerator behind a device such as ``cuda``; empty for the CPU."""
    if device != "cuda":
        return ""
    import torch

    return torch.cuda.get_device_name()


@functools.cache
def describe(device: str = "cpu") -> dict[str, Any]:
    """The environment as plain JSON.

    ``id`` is a digest of all that can move a runtime: machine, system, Python and packages. Two runs with
    the same id may be compared with one another. The version of the suite's code is given beside it.
    """
    found: dict[str, Any] = {
        "cpu": cpu_name(),
        "cores": available_cores(),
        "memory_gib": memory_gib(),
        "governor": governor(),
        "accelerator": accelerator(device),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": packages(),
    }
    return {"id": make_key(found)[:8], **found, "code": code_version()}
