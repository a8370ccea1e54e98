"""How a measuring process treats memory that a network has freed: kept for the next pass.

glibc returns large blocks to the system when they are freed and fetches them anew, page by page, when they
are wanted again. From which size on depends on what the process happened to free before (its threshold moves,
see ``mallopt(3)``), so that two processes with one network can differ for life. A network with many large
intermediate results then spends a third of its time on page faults. Processes that run networks therefore
keep what is freed, as long-running programs and other allocators do; `VARIABLE` set to ``system`` leaves the
C library as it is.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
from collections.abc import Iterator
from typing import Literal, get_args

from suite.errors import UsageError

VARIABLE = "SUITE_ALLOCATOR"
Treatment = Literal["keep", "system"]

_FOREIGN = ("GLIBC_TUNABLES", "LD_PRELOAD", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")
"""Whoever sets one of these has chosen already."""

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Numbers of ``mallopt``'s parameters, from ``malloc.h``."""
_LARGEST_BLOCK = 1 << 30
_RETURNED = 1 << 27
_LARGEST_INT = 2**31 - 1


def treatment() -> Treatment:
    """What is done here: ``keep``, or ``system`` where the C library is another or somebody chose already.

    Raises `UsageError` if `VARIABLE` has another value.
    """
    wanted = os.environ.get(VARIABLE, "")
    if wanted and wanted not in get_args(Treatment):
        raise UsageError(f"{VARIABLE}={wanted}: write {' or '.join(get_args(Treatment))}.")
    if wanted == "system" or not _is_glibc():
        return "system"
    if not wanted and any(name in os.environ for name in _FOREIGN):
        return "system"
    return "keep"


def apply_treatment() -> None:
    """Make this process do what `treatment` says; once or several times."""
    if treatment() == "keep":
        library = ctypes.CDLL(None)
        library.mallopt(_MMAP_THRESHOLD, _LARGEST_BLOCK)
        library.mallopt(_TRIM_THRESHOLD, _LARGEST_INT)


@contextlib.contextmanager
def largest_returned() -> Iterator[None]:
    """Have the largest blocks (`_RETURNED`) given back when they are freed, here, while this lasts.

    Where a network asks for many of unlike sizes, as MemNet does for its concatenations, those that were kept
    fit nothing that comes later, and the process grows to twice what is in use.
    """
    if treatment() != "keep":
        yield
        return
    ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _RETURNED)
    try:
        yield
    finally:
        apply_treatment()


def _is_glibc() -> bool:
    return platform.system() == "Linux" and hasattr(ctypes.CDLL(None), "gnu_get_libc_version")
