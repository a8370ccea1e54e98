"""Fetching published checkpoints and test sets into the data home."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from suite.catalog.cards import DatasetCard
from suite.catalog.origins import HOST, Origin
from suite.datasets import open_dataset
from suite.download import Patience, Unreachable, Wanted, download
from suite.errors import SuiteError, UsageError
from suite.images import Rgb, image_files, read_rgb
from suite.pickled import convert
from suite.weights import sha256_of

if TYPE_CHECKING:
    import requests

MIRROR = "SUITE_MIRROR"
"""Environment variable: scheme and host that is asked in place of `HOST`, ``http`` allowed."""

Say = Callable[[Origin, int], None]
"""Told the file that is coming and how many bytes of it have come."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """What came of one file."""

    origin: Origin
    state: Literal["there", "fetched", "missing"]
    """``there``: it was, and is the known one."""
    problem: str = ""
    """Why it is missing."""


def pixel_digest(image: Rgb) -> str:
    """SHA-256 of an image: ``HEIGHTxWIDTH`` and a line end, then its RGB bytes row by row.

    The same for every lossless file of the image.
    """
    size = f"{image.shape[0]}x{image.shape[1]}\n"
    return hashlib.sha256(size.encode() + image.tobytes()).hexdigest()


def place(origin: Origin, home: Path) -> Path:
    """Where a file goes. Raises `SuiteError` for a path that leads out of the home."""
    path = PurePosixPath(origin.path)
    if path.is_absolute() or ".." in path.parts or "\\" in origin.path:
        raise SuiteError(f"{origin.path} leads out of the data home: it is not fetched.")
    return home / path


def is_there(origin: Origin, home: Path) -> bool:
    """Whether the file is in the home and is the known one; of an image, whether its pixels are there.

    Raises `SuiteError` where an image of another file type and with other pixels is in the way.
    """
    file = place(origin, home)
    if not origin.pixels:
        return file.is_file() and sha256_of(file) == (origin.converted or origin.sha256)
    if not file.parent.is_dir():
        return False
    found = [one for one in image_files(file.parent) if one.stem == file.stem]
    if any(_has_pixels(one, origin.pixels) for one in found):
        return True
    if found and found[0].name != file.name:
        raise SuiteError(f"{found[0]} is not the known image: move it away to have {file.name} fetched.")
    return False


def _has_pixels(file: Path, digest: str) -> bool:
    try:
        return pixel_digest(read_rgb(file)) == digest
    except SuiteError:
        return False


def find_host() -> str:
    """The server to ask: `HOST`, or what ``$SUITE_MIRROR`` names.

    Raises `UsageError` if that is no address.
    """
    mirror = os.environ.get(MIRROR, "")
    if mirror and (urlsplit(mirror).scheme not in ("http", "https") or not urlsplit(mirror).netloc):
        raise UsageError(f"${MIRROR} is {mirror!r}: write an address such as https://mirror.example.org.")
    return (mirror or HOST).rstrip("/")


def fetch(
    wanted: Sequence[Origin],
    home: Path,
    host: str,
    say: Say = lambda origin, received: None,
    patience: Patience | None = None,
) -> Iterator[Fetched]:
    """Bring files into the home, one after the other, and tell what came of each.

    A file that is there and is the known one is left alone; another one in its place is replaced once the
    known one has come. What fails is named and the rest goes on, unless the server does not answer.
    """
    import requests

    patience = patience or Patience()
    silent = ""
    with requests.Session() as session:
        for origin in wanted:
            try:
                if is_there(origin, home):
                    yield Fetched(origin, "there")
                elif silent:
                    yield Fetched(origin, "missing", silent)
                else:
                    _bring(origin, home, host, session, say, patience)
                    yield Fetched(origin, "fetched")
            except Unreachable as error:
                silent = str(error)
                yield Fetched(origin, "missing", silent)
            except SuiteError as error:
                yield Fetched(origin, "missing", str(error))


def _bring(
    origin: Origin, home: Path, host: str, session: requests.Session, say: Say, patience: Patience
) -> None:
    """Download a file to its place, by way of a conversion if it needs one."""
    target = place(origin, home)
    parts = urlsplit(host)
    wanted = Wanted(
        origin.address(host),
        origin.bytes,
        origin.sha256,
        check=(lambda file: _has_pixels(file, origin.pixels)) if origin.pixels else None,
        plain_host=parts.netloc if parts.scheme == "http" else "",
    )
    if not origin.converted:
        download(wanted, target, session, patience, lambda received: say(origin, received))
        return
    with tempfile.TemporaryDirectory() as folder:
        published = Path(folder) / "published"
        download(wanted, published, session, patience, lambda received: say(origin, received))
        convert(published, target, origin.converted)


def check_whole(card: DatasetCard, home: Path) -> str:
    """What is wrong with a set whose files are all there; empty if it is the known copy.

    Decodes the set at its largest scale, with the LR images that the home stores or with those made here.
    """
    try:
        dataset = open_dataset(card.name, max(card.scales), home)
        known = dataset.known
    except SuiteError as error:
        return str(error)
    if known is False:
        return f"{card.name} in {dataset.hr.parent} is not the known copy: its LR images are others."
    return ""
