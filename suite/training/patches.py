"""Training data: images decoded once, LR made by the exact bicubic, aligned random patches.

Which patches an iteration sees depends on the seed and the iteration alone, so a resumed run sees what an
uninterrupted one would have seen, and several processes share out the patches of one.
"""

from __future__ import annotations

import hashlib
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from suite.errors import SuiteError
from suite.images import Rgb, crop_to_multiple, image_files, read_rgb, shrink
from suite.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class TrainingImages:
    """HR and LR images of a folder, as uint8 in memory."""

    pairs: tuple[tuple[Rgb, Rgb], ...]
    """``(lr, hr)``, ``(H, W, 3)`` and ``(scale * H, scale * W, 3)``."""
    scale: int
    digest: str
    """SHA-256 of the pixels of the HR images, in the order of their names."""


def load_images(folder: Path, scale: int, patch: int) -> TrainingImages:
    """Read all images of a folder and make their LR versions.

    Raises `SuiteError` for a folder without images, a damaged image, and an image too small for a patch.
    """
    digest = hashlib.sha256()
    pairs = []
    for file in image_files(folder):
        hr = crop_to_multiple(read_rgb(file), scale)
        if min(hr.shape[:2]) < patch * scale:
            raise SuiteError(
                f"{file} is {hr.shape[1]}x{hr.shape[0]} pixels; patches of {patch} at x{scale} need "
                f"{patch * scale} each way: remove it or choose smaller patches."
            )
        digest.update(f"{hr.shape}".encode() + hr.tobytes())
        pairs.append((shrink(hr, scale), hr))
    if not pairs:
        raise SuiteError(f"{folder} holds no images: name a folder of HR images.")
    return TrainingImages(tuple(pairs), scale, digest.hexdigest())


def draw(
    images: TrainingImages, iteration: int, batch: int, patch: int, seed: int, share: slice = slice(None)
) -> tuple[Rgb, Rgb]:
    """The patches of an iteration: ``(B, patch, patch, 3)`` and ``(B, scale * patch, ..., 3)`` uint8.

    Images are drawn by their number of patch positions; each patch is flipped and turned at random.
    ``share`` picks this process's part of the batch.
    """
    generator = np.random.default_rng((seed, iteration))
    positions = np.array([(lr.shape[0] - patch + 1) * (lr.shape[1] - patch + 1) for lr, _ in images.pairs])
    chosen = generator.choice(len(images.pairs), batch, p=positions / positions.sum())
    low: list[Rgb] = []
    high: list[Rgb] = []
    for index in chosen:
        lr, hr = images.pairs[index]
        top = int(generator.integers(lr.shape[0] - patch + 1))
        left = int(generator.integers(lr.shape[1] - patch + 1))
        turns, flip = int(generator.integers(4)), bool(generator.integers(2))
        for image, scale, out in ((lr, 1, low), (hr, images.scale, high)):
            part = image[top * scale : (top + patch) * scale, left * scale : (left + patch) * scale]
            part = np.rot90(part, turns)
            out.append(part[:, ::-1] if flip else part)
    return np.stack(low[share]), np.stack(high[share])


class Loader:
    """Draws the patches of coming iterations in a thread. Use as a context manager and iterate."""

    def __init__(
        self, images: TrainingImages, recipe: Recipe, first: int, share: slice = slice(None)
    ) -> None:
        self.waited_s = 0.0
        """Time that the consumer spent waiting for patches."""
        self._queue: queue.Queue[tuple[int, Rgb, Rgb] | BaseException | None] = queue.Queue(maxsize=4)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._work, args=(images, recipe, first, share), name="patches", daemon=True
        )

    def __enter__(self) -> Loader:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def __iter__(self) -> Iterator[tuple[int, Rgb, Rgb]]:
        """``(iteration, low, high)`` from the first iteration to the last of the recipe."""
        while True:
            begin = time.perf_counter()
            item = self._queue.get()
            self.waited_s += time.perf_counter() - begin
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item

    def _work(self, images: TrainingImages, recipe: Recipe, first: int, share: slice) -> None:
        try:
            for iteration in range(first, recipe.iterations):
                low, high = draw(images, iteration, recipe.batch, recipe.patch, recipe.seed, share)
                self._put((iteration, low, high))
            self._put(None)
        except BaseException as error:  # handed to the consumer, which raises it
            self._put(error)

    def _put(self, item: tuple[int, Rgb, Rgb] | BaseException | None) -> None:
        while not self._stop.is_set():
            try:
                return self._queue.put(item, timeout=0.2)
            except queue.Full:
                continue
