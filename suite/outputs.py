"""Pictures of networks' outputs, kept in the folder of a run to compare networks side by side.

They lie under ``images/`` in the run, each as a PNG file named by the SHA-256 of its bytes, and the record of
quality names them. They are no part of a record's key: a record without them is completed when they are asked
for, without measuring it again.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from suite.datasets import Pair
from suite.errors import SuiteError
from suite.files import atomically
from suite.images import Rgb, read_rgb
from suite.regions import Region
from suite.task import Outcome, Task
from suite.upscaling import Levels, quantize

LIMIT = 32 * 2**20
"""Bytes that the pictures of a run take on disk. What comes after is measured but leaves no picture."""
FOLDER = "images"
FULL = f"the pictures of the run have reached {LIMIT // 2**20} MiB"
"""Why pictures are left out that no longer fit; they are not tried again while the folder is there."""

_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Kept:
    """The pictures of one region, by the digests of their files, which are their names."""

    region: Region
    hr: str
    """The whole HR image."""
    lr: str
    """The whole LR image."""
    output: str
    """The region of the output."""


class Pictures:
    """Gathers the pictures of one network while its outputs go by."""

    def __init__(self, regions: Sequence[Region]) -> None:
        self._regions = regions
        self._kept: list[Kept] = []
        self._files: dict[str, bytes] = {}

    @property
    def images(self) -> set[str]:
        """Names of the images concerned."""
        return {region.image for region in self._regions}

    def take(self, pair: Pair, output: Levels) -> None:
        """Keep what is wanted of one image. The output is rounded to 8 bit, as when it is stored."""
        wanted = [region for region in self._regions if region.image == pair.name]
        if not wanted:
            return
        hr, lr, whole = self._add(pair.hr), self._add(pair.lr), quantize(output)
        self._kept += [Kept(region, hr, lr, self._add(region.of(whole))) for region in wanted]

    def join(self, other: Pictures) -> None:
        """Take over what was gathered of other images."""
        self._kept += other._kept
        self._files |= other._files

    def _add(self, image: Rgb) -> str:
        stream = io.BytesIO()
        Image.fromarray(image).save(stream, "PNG")
        name = hashlib.sha256(stream.getvalue()).hexdigest()
        self._files[name] = stream.getvalue()
        return name

    def added_to(self, outcome: Outcome) -> Outcome:
        """An outcome with its pictures, if its task asks for any."""
        if not outcome.task.regions:
            return outcome
        said = {"kept": [dataclasses.asdict(kept) for kept in self._kept], "left_out": ""}
        details = {**outcome.details, "pictures": said}
        return dataclasses.replace(outcome, details=details, pictures=tuple(self._files.values()))


def kept_in(details: Mapping[str, Any]) -> tuple[Kept, ...]:
    """The pictures that the details of a record name; none where those are not as they should be."""
    try:
        entries = details["pictures"]["kept"]
        found = [Kept(**{**entry, "region": Region(**entry["region"])}) for entry in entries]
    except (KeyError, TypeError):
        return ()
    return tuple(kept for kept in found if _is_sound(kept))


def left_out(details: Mapping[str, Any]) -> str:
    """Why a record has no pictures though they were asked for; empty if it has them or nobody asked."""
    said = details.get("pictures")
    return str(said.get("left_out", "")) if isinstance(said, Mapping) else ""


def _is_sound(kept: Kept) -> bool:
    region = kept.region
    numbers = (region.x, region.y, region.width, region.height)
    return (
        isinstance(region.image, str)
        and all(type(number) is int and 0 <= number < 2**20 for number in numbers)
        and min(region.width, region.height) > 0
        and all(isinstance(name, str) and _NAME.fullmatch(name) for name in (kept.hr, kept.lr, kept.output))
    )


def lacks_pictures(task: Task, details: Mapping[str, Any], run: Path) -> bool:
    """Whether a task asks for pictures that the details of its record do not name or that are not there."""
    if left_out(details) == FULL and (run / FOLDER).is_dir():
        return False
    kept = kept_in(details)

    def is_there(region: Region) -> bool:
        return any(
            all(path_of(run, name).is_file() for name in (one.hr, one.lr, one.output))
            for one in kept
            if one.region.holds(region) and one.region.chosen == region.chosen
        )

    return not all(map(is_there, task.regions))


def path_of(run: Path, name: str) -> Path:
    """Where a picture lies in the folder of a run."""
    return run / FOLDER / f"{name}.png"


def details_stored(run: Path, outcome: Outcome) -> dict[str, Any]:
    """Write the pictures of an outcome into the folder of a run; its details, which say so if that failed.

    Pictures that are there already stay. Never raises: what was measured is worth more than its pictures.
    """
    problem = _store(run, outcome.pictures) if outcome.pictures else ""
    if not problem:
        return outcome.details
    return {**outcome.details, "pictures": {"kept": [], "left_out": problem}}


def _store(run: Path, pictures: Sequence[bytes]) -> str:
    """Write what is missing. Why not, if that can't be done."""
    files = {path_of(run, hashlib.sha256(picture).hexdigest()): picture for picture in pictures}
    try:
        new = {path: picture for path, picture in files.items() if not path.exists()}
        taken = sum(path.stat().st_size for path in (run / FOLDER).glob("*.png"))
        if taken + sum(map(len, new.values())) > LIMIT:
            return FULL
        for path, picture in new.items():
            atomically(path, lambda place, picture=picture: _write(place, picture))  # type: ignore[misc]
    except (OSError, SuiteError) as error:
        return str(error).rstrip(".")
    return ""


def copy_pictures(runs: Sequence[Path], out: Path) -> list[str]:
    """Put the pictures of other runs into the folder of a run, as far as they fit; what was left out and why.

    Copied is what is named by its own digest; anything else in the folders is no picture of a run.
    """
    problems: dict[str, int] = {}
    for run in runs:
        for path in sorted((run / FOLDER).glob("*.png")):
            if not _NAME.fullmatch(path.stem) or path_of(out, path.stem).exists():
                continue
            try:
                content = path.read_bytes()
            except OSError as error:
                content, problem = b"", f"cannot read {path}: {error.strerror}"
            else:
                sound = hashlib.sha256(content).hexdigest() == path.stem
                problem = _store(out, [content]) if sound else f"{path} is not what was stored"
            if problem:
                problems[problem] = problems.get(problem, 0) + 1
    return [f"{number} picture(s) left out: {problem}." for problem, number in problems.items()]


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def load(run: Path, name: str) -> Rgb:
    """A picture of a run. Raises `SuiteError` if it is missing, damaged, or not the one that was stored."""
    path = path_of(run, name)
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except FileNotFoundError:
        raise SuiteError(f"{path} is missing: call 'run' again.") from None
    except OSError as error:
        raise SuiteError(f"cannot read {path}: {error.strerror}.") from None
    if digest != name:
        raise SuiteError(f"{path} is not what was stored: remove it and call 'run' again.")
    return read_rgb(path)
