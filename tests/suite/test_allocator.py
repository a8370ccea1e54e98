"""What happens to freed memory: kept in measuring processes, so that a pass causes no page faults."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from suite import allocator
from suite.environment import describe
from suite.errors import UsageError

FAULTS = """
import resource, torch
from suite.allocator import apply_treatment
apply_treatment()
def work():
    blocks = [torch.ones(10_000_000) for _ in range(2)]  # 40 MB each: above glibc's moving threshold
    return sum(block[0].item() for block in blocks)
for _ in range(16):  # pieces must find their places
    work()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    work()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

needs_glibc = pytest.mark.skipif(not allocator._is_glibc(), reason="the C library is not glibc")


@pytest.fixture(autouse=True)
def nobody_has_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (allocator.VARIABLE, *allocator._FOREIGN):
        monkeypatch.delenv(name, raising=False)


def faults() -> int:
    done = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    return int(done.stdout)


@needs_glibc
def test_kept_memory_is_not_fetched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = faults()
    monkeypatch.setenv(allocator.VARIABLE, "system")
    pages = 5 * 2 * 40_000_000 // os.sysconf("SC_PAGE_SIZE")
    if (system := faults()) < pages // 10:
        pytest.skip("the system gives memory in larger pages here, so nothing can be counted")
    assert kept < system / 20


@needs_glibc
@needs_glibc
def test_the_largest_blocks_can_be_returned_for_a_while() -> None:
    script = """
import resource, torch
from suite.allocator import apply_treatment, largest_returned
apply_treatment()
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
def held():
    before = resident()
    torch.ones(50_000_000)  # 200 MB
    return resident() - before
with largest_returned():
    print(held() < 20_000_000)
print(held() > 180_000_000)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]


def test_memory_is_kept_unless_somebody_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    assert allocator.treatment() == "keep"
    monkeypatch.setenv("LD_PRELOAD", "libjemalloc.so")
    assert allocator.treatment() == "system"
    monkeypatch.setenv(allocator.VARIABLE, "keep")
    assert allocator.treatment() == "keep"


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allocator, "_is_glibc", lambda: False)
    monkeypatch.setenv(allocator.VARIABLE, "keep")
    assert allocator.treatment() == "system"
    allocator.apply_treatment()


def test_another_word_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(allocator.VARIABLE, "jemalloc")
    with pytest.raises(UsageError, match="SUITE_ALLOCATOR=jemalloc: write keep or system"):
        allocator.treatment()


@needs_glibc
def test_environments_with_other_treatments_are_unlike(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = describe.__wrapped__()
    monkeypatch.setenv(allocator.VARIABLE, "system")
    system = describe.__wrapped__()
    assert (kept["allocator"], system["allocator"]) == ("keep", "system")
    assert kept["id"] != system["id"]
