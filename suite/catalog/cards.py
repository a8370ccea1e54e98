"""What is declared about a model and about a dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class InputConvention:
    """The values a network is fed and gives back."""

    colour: Literal["rgb", "y"] = "rgb"
    """``rgb``: three planes. ``y``: studio-range luma (16..235 of 255) alone, not rounded; see
    ``suite.upscaling``."""
    range: float = 1.0
    """The value that stands for 255: 1.0 or 255.0. A wrong one does not crash, it costs many dB."""
    min_size: int = 1
    """Smallest height and width of an input, in pixels."""
    mean: tuple[float, ...] = ()
    """What is taken from each channel before the network and added after it, in units of the range; empty
    where the network does that itself or not at all."""

    @property
    def channels(self) -> int:
        """Channels of the input."""
        return 3 if self.colour == "rgb" else 1


@dataclass(frozen=True, slots=True)
class Reach:
    """How far an output pixel of a network sees, each way: so many pixels of the input and of the output."""

    input: int
    """Reach of the layers that work at the size of the input, enlarging included."""
    output: int
    """Reach of the layers that work at the size of the output."""
    block: int = 384
    """Largest side of the blocks in which a large image is evaluated, in pixels of the output."""

    def halo(self, scale: int) -> int:
        """Pixels of the input around a block that determine the block's output."""
        return self.input + -(-self.output // scale) + 1  # where scale does not divide, one more is touched


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An official weights file: where it lies, what it must be, how its keys become ours."""

    path: str
    """Below ``weights/`` of the data home, such as ``BSRN/net_g_BSRN_x4.pth``."""
    sha256: str
    source: str
    """Repository that published the file."""
    licence: str
    """Licence of that repository, or ``none stated``."""
    entry: str | None = None
    """Key under which the file holds the state dict, if it is not the state dict itself."""
    renames: tuple[tuple[str, str], ...] = ()
    """Pairs of a regular expression and its replacement, applied to each key in turn."""
    unused: tuple[str, ...] = ()
    """Regular expressions of keys that belong to the network of another scale and are left out."""


@dataclass(frozen=True, slots=True)
class ModelCard:
    """A network under the name that commands and tables use."""

    name: str
    title: str
    """Name in tables and plots."""
    family: str
    year: int
    scales: tuple[int, ...]
    build: str
    """``package.module:attribute`` or ``/folder/file.py:attribute``, called as
    ``attribute(scale=..., **arguments)``."""
    arguments: Mapping[str, Any] = field(default_factory=dict, hash=False)
    input: InputConvention = field(default_factory=InputConvention)
    official: Mapping[int, Checkpoint] = field(default_factory=dict, hash=False)
    """The authors' file by scale."""
    citation: str = ""
    needs_weights: bool = True
    """False for a network without parameters, which can be judged as it is."""
    scale_argument: str | None = "scale"
    """Name under which ``build`` takes the scale; empty if it takes none; None to look at its signature."""
    own: Mapping[int, Checkpoint] = field(default_factory=dict, hash=False)
    """Weights files that a user's card names, by scale; their paths are absolute."""
    root: str = ""
    """Folder from which the network's modules import one another; empty for installed ones."""
    foreign: bool = False
    """Whether the network is not the suite's: its code then never runs in the driver's process."""
    reach: Reach | None = None
    """Declared of networks that need much memory and see only so far: large images go through them in blocks
    (see ``suite.tiling``); None where the whole image is shown."""
    known: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Checks of ``suite check`` that the network does not pass by its nature, by name, with the reason."""


@dataclass(frozen=True, slots=True)
class DatasetCard:
    """A test set under the name that commands and tables use."""

    name: str
    title: str
    images: int
    """Number of images that the set must hold; another number is an error."""
    scales: tuple[int, ...] = (2, 3, 4)
    folder: str | None = None
    """Below ``data/`` of the data home; None for images that come with a Python package."""
    package_images: tuple[str, ...] = ()
    """Names of the images inside ``skimage.data`` where there is no folder."""
    digests: Mapping[int, str] = field(default_factory=dict, hash=False)
    """Digest of the pixels of the known copy, by scale (see ``suite.datasets``)."""
    note: str = ""
    """What a reader of figures on this set must know."""
    citation: str = ""
