"""What a machine has and lacks for measuring, as findings; nothing is changed.

Each check is a function of its own that yields findings. Without ``digests`` they take about two seconds,
most of it the import of PyTorch.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from suite import environment
from suite.catalog import DATASETS, MODELS
from suite.catalog.cards import DatasetCard
from suite.errors import SuiteError
from suite.home import holds

OPTIONAL = {
    "onnxruntime": "for the backend of that name",
    "openvino": "for the backend of that name",
    "playwright": "for the browser tests",
}
"""Packages that are not required, and what they are for."""
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
GIB = 2**30
LITTLE_DISK = GIB // 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the examination."""

    status: Literal["ok", "note", "problem"]
    """``note``: works, but a reader of figures or a user should know. ``problem``: something will fail."""
    subject: str
    text: str
    advice: str = ""
    """What to do about it; empty where there is nothing to do."""


def examine(home: Path, out: Path, *, digests: bool = False) -> Iterator[Finding]:
    """All findings: software, machine, data home, output folder.

    ``digests`` reads every image and weights file of the home, which takes minutes.
    """
    yield from software()
    yield from optional_software()
    yield from machine()
    yield from load()
    yield from accelerator()
    yield from data(home, digests=digests)
    yield from weights(home, digests=digests)
    yield writable(out)


def software() -> Iterator[Finding]:
    """The suite and the packages that it needs, each imported or found."""
    import platform

    yield Finding("ok", "suite", environment.code_version())
    yield Finding("ok", "python", f"{platform.python_version()} on {environment.system()}")
    for name in environment.PACKAGES:
        module = "PIL" if name == "pillow" else name
        try:
            found = importlib.util.find_spec(module) is not None
            if module == "torch":  # the one whose shared libraries fail to load where others do not
                importlib.import_module(module)
            version = importlib.metadata.version(name) if found else ""
        except Exception as error:  # whatever a broken installation raises
            what = next(iter(str(error).splitlines()), "")
            yield Finding(
                "problem", name, f"cannot be imported ({type(error).__name__}: {what})", _install(name)
            )
            continue
        if version:
            yield Finding("ok", name, version)
        else:
            yield Finding("problem", name, "is not installed", _install(name))


def _install(name: str) -> str:
    return f"install it again: pip install -c constraints.txt {name}"


def optional_software() -> Iterator[Finding]:
    """Packages and programs that only some commands use."""
    for name, purpose in OPTIONAL.items():
        try:
            yield Finding("ok", name, importlib.metadata.version(name))
        except importlib.metadata.PackageNotFoundError:
            yield Finding("note", name, f"is not installed; {purpose} only", f"pip install {name}")
    browser = next(filter(None, map(shutil.which, CHROMIUM)), None)
    if browser:
        yield Finding("ok", "chromium", browser)
    else:
        yield Finding("note", "chromium", "is not on the path; the browser tests are skipped without it")


def machine() -> Iterator[Finding]:
    """Processor, cores, threads, governor, memory and the settings that move a runtime."""
    cores, present = environment.available_cores(), os.cpu_count() or 1
    yield Finding("ok", "processor", environment.cpu_name())
    allowed = environment.affinity()
    text = f"{cores} of {present}" if present != cores else str(cores)
    yield Finding("ok", "cores", text + (f" (processors {spans(allowed)})" if allowed else ""))
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        if value := os.environ.get(name):
            text = f"{name}={value}; runs use --threads all the same, which is in every record"
            yield Finding("note", "threads", text)
    for name in environment.SETTINGS:
        if value := os.environ.get(name):
            yield Finding(
                "note", "setting", f"{name}={value} moves runtimes; it is part of the environment's id"
            )
    governor = environment.governor()
    if governor in ("", "performance"):
        yield Finding("ok", "governor", governor or "not stated by the system")
    else:
        advice = "set it to performance before timings that matter"
        yield Finding("note", "governor", f"{governor} changes the clock with the load", advice)
    memory = environment.memory_gib()
    yield Finding("ok", "memory", f"{memory} GiB" if memory else "not stated by the system")


def load() -> Iterator[Finding]:
    """Whether somebody else uses the processors now."""
    busy = environment.busy_share(0.3)
    averages = environment.load_average()
    text = (
        f"{busy:.0%} of the processors in use by others" if busy is not None else "not stated by the system"
    )
    text += f"; load average {', '.join(f'{value:.1f}' for value in averages)}" if averages else ""
    if busy is not None and busy > environment.BUSY:
        yield Finding(
            "note", "load", text, "wait or stop what runs before timing; other measures do not mind"
        )
    else:
        yield Finding("ok", "load", text)


def accelerator() -> Iterator[Finding]:
    """The CUDA device, if PyTorch finds one."""
    try:
        import torch

        found = environment.accelerator("cuda") if torch.cuda.is_available() else ""
    except Exception:  # said by `software` already
        return
    yield Finding("ok", "accelerator", found or "none that PyTorch can use; --device cpu")


def data(home: Path, *, digests: bool) -> Iterator[Finding]:
    """The test sets of the catalog below the home."""
    if not home.is_dir():
        advice = "put data there, or set --home or $SUITE_HOME; without it, runs measure on photos"
        yield Finding("note", "home", f"{home} does not exist", advice)
    else:
        yield Finding("ok", "home", str(home))
    absent = [card.name for card in DATASETS.values() if not holds(home, card)]
    for card in DATASETS.values():
        if card.name not in absent:
            yield _dataset(card, home, digests=digests)
    if absent:
        yield Finding(
            "note", "data", f"not there: {', '.join(absent)}", f"put HR images in {home}/data/NAME/HR"
        )


def _dataset(card: DatasetCard, home: Path, *, digests: bool) -> Finding:
    """Whether a test set is whole at every scale and, if asked for, pixel for pixel the known one."""
    from suite.datasets import open_dataset

    parts, unknown = [], []
    try:
        for scale in card.scales:
            dataset = open_dataset(card.name, scale, home)
            count = len(dataset.files)
            parts.append(f"x{scale} LR {dataset.lr_origin}")
            if digests and dataset.known is False:
                unknown.append(f"x{scale}")
    except SuiteError as error:
        message, _, advice = str(error).partition(": ")
        return Finding("problem", card.name, message, advice or "complete the folder or remove it")
    except ImportError as error:  # said by `software` already
        return Finding("problem", card.name, f"cannot be read ({error})", "install what is missing")
    text = f"{count} images, {', '.join(parts)}"
    if unknown:
        advice = "figures on it may differ from published ones; get the known copy to compare with those"
        return Finding("note", card.name, f"{text}; not the known copy at {', '.join(unknown)}", advice)
    return Finding("ok", card.name, f"{text}{'; pixels as known' if digests and card.digests else ''}")


def weights(home: Path, *, digests: bool) -> Iterator[Finding]:
    """The authors' weights below the home, and those that come with the package."""
    from suite.weights import sha256_of, shipped_file

    files = {checkpoint.path: checkpoint for card in MODELS.values() for checkpoint in card.official.values()}
    there = [path for path in files if (home / "weights" / path).is_file()]
    text = f"{len(there)} of {len(files)} files are there"
    wrong: list[Finding] = []
    if digests:
        for path in there:
            try:
                if sha256_of(home / "weights" / path) != files[path].sha256:
                    advice = f"fetch it again from {files[path].source}"
                    wrong.append(Finding("problem", "weights", f"{path} is not the official file", advice))
            except SuiteError as error:
                wrong.append(Finding("problem", "weights", str(error), "make the file readable"))
        text += f", {len(there) - len(wrong)} with the digest they must have"
    if len(there) < len(files):
        absent = [path for path in files if path not in there]
        names = f"not there: {_shortened(absent)}"
        yield Finding("note", "official weights", f"{text}; {names}", f"put them below {home}/weights")
    else:
        yield Finding("ok", "official weights", text)
    yield from wrong
    shipped = [card.name for card in MODELS.values() if any(shipped_file(card, s) for s in card.scales)]
    yield Finding("ok", "shipped weights", ", ".join(shipped) or "none")


def _shortened(names: Sequence[str], most: int = 4) -> str:
    """The first names and the number of the others."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def writable(out: Path) -> Finding:
    """Whether a run could write its records, and has room for them."""
    place = out.absolute()
    while not place.exists() and place != place.parent:
        place = place.parent
    if not place.is_dir():
        return Finding("problem", "output", f"{place} is not a folder", "name another with --out")
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding("problem", "output", f"{place} cannot be written", "name another folder with --out")
    free = shutil.disk_usage(place).free
    text = f"{out} can be written; {free / GIB:.1f} GiB free"
    if free < LITTLE_DISK:
        return Finding("note", "output", text, "make room: a full disk stops a run")
    return Finding("ok", "output", text)


def spans(numbers: Sequence[int]) -> str:
    """Numbers in ascending order with runs drawn together.

    >>> spans([0, 1, 2, 5])
    '0-2, 5'
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
