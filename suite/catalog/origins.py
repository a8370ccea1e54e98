"""Where the files of the catalog come from, from ``origins.toml``: one address and one digest a file."""

from __future__ import annotations

import functools
import importlib.resources
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import quote

from suite.catalog.cards import DatasetCard, ModelCard
from suite.toml import tomllib

HOST = "https://raw.githubusercontent.com"
"""Serves a file of a repository at a commit."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A file that others published: where it is, what it must be, where it goes."""

    path: str
    """Below the data home, such as ``weights/BSRN/net_g_BSRN_x4.pth``."""
    repository: str
    commit: str
    source_path: str
    """Inside the repository."""
    licence: str
    """Licence of the repository, or ``none stated``."""
    bytes: int
    """Size of the published file; with ``pixels``, the most that it may have."""
    sha256: str = ""
    """Digest of the published file; empty where only its pixels are known."""
    pixels: str = ""
    """Digest of the decoded image: see `suite.fetch.pixel_digest`."""
    converted: str = ""
    """Digest of the file that is kept, where the published one is a pickled module and is converted."""

    @property
    def group(self) -> str:
        """The family or set: ``BSRN`` of ``weights/BSRN/...``, ``Set5`` of ``data/Set5/...``."""
        return PurePosixPath(self.path).parts[1]

    def address(self, host: str = HOST) -> str:
        """The address of exactly this version of the file. ``host`` is the scheme and host to ask."""
        repository = self.repository.removeprefix("https://github.com/")
        return f"{host}/{repository}/{self.commit}/{quote(self.source_path)}"


@functools.cache
def origins() -> dict[str, Origin]:
    """All known files by their path below the data home."""
    text = (importlib.resources.files("suite.catalog") / "origins.toml").read_text("utf-8")
    found = [
        Origin(
            path=f"{group['folder']}/{file['name']}",
            repository=group["repository"],
            commit=group["commit"],
            source_path=f"{group['from']}/{file.get('source', file['name'])}",
            licence=group["licence"],
            bytes=file["bytes"],
            sha256=file.get("sha256", ""),
            pixels=file.get("pixels", ""),
            converted=file.get("converted", ""),
        )
        for group in tomllib.loads(text)["group"]
        for file in group["files"]
    ]
    return {origin.path: origin for origin in found}


def of_models(cards: Iterable[ModelCard]) -> list[Origin]:
    """The official checkpoints of cards whose address is known, each once, in the order of the cards."""
    paths = [f"weights/{one.path}" for card in cards for one in card.official.values()]
    return [origins()[path] for path in dict.fromkeys(paths) if path in origins()]


def of_dataset(card: DatasetCard) -> list[Origin]:
    """The HR images of a set; none of one that comes with a package. LR images are made from them."""
    folder = f"data/{card.folder}/HR/"
    return [origin for path, origin in origins().items() if path.startswith(folder)]
