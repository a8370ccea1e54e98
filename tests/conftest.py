"""Fixtures that the tests of several packages share."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command import DefaultRun, suite

TinySet = Callable[..., Path]


def pytest_configure() -> None:
    """Let PyTorch use one thread, in processes that tests start too, unless the environment says otherwise.

    Most networks here are small, and threads that wait for one another on a busy machine cost more than
    they give: seconds instead of milliseconds. The lock of this machine is the tests' own, so that they
    neither wait for somebody's measurements nor hold them up.
    """
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("SUITE_LOCKS", tempfile.mkdtemp(prefix="suite-locks-"))


@pytest.fixture(scope="session")
def home() -> Path:
    """The real data and official weights: an absolute path, whatever the working folder becomes."""
    value = os.environ.get("SUITE_HOME", "")
    folder = Path(value).resolve()
    if not value or not all((folder / name).is_dir() for name in ("data", "weights")):
        pytest.skip("needs the real data: set SUITE_HOME to a data home")
    return folder


@pytest.fixture(scope="session")
def default_run(tmp_path_factory: pytest.TempPathFactory) -> DefaultRun:
    """A run that several tests look at and none changes."""
    place = tmp_path_factory.mktemp("default")
    return DefaultRun(place, suite(place, "run", "--models", "bicubic", "--effort", "quick").stderr)


@pytest.fixture
def tiny_set(tmp_path: Path) -> TinySet:
    """A function ``(*sizes, name="tiny", grey=False)`` that makes a folder of PNG images and returns it.

    Sizes are ``(height, width)``. The images are named ``a.png``, ``b.png``, ...; they are smooth, so that
    upscaling them means something, and the same at every call.
    """

    def make(*sizes: tuple[int, int], name: str = "tiny", grey: bool = False) -> Path:
        folder = tmp_path / name
        folder.mkdir()
        noise = np.random.default_rng(0)
        for letter, (height, width) in zip("abcdefgh", sizes or ((48, 64), (45, 51)), strict=False):
            coarse = noise.integers(0, 256, (6, 8, 3), dtype=np.uint8)
            image = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
            image.convert("L" if grey else "RGB").save(folder / f"{letter}.png")
        return folder

    return make
