"""``suite upscale``: images through a network, written as PNG."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from suite.backends import AUTO, BACKENDS, DEPLOY, DEVICES, PRECISIONS, Forward, backend_by_name, require
from suite.catalog import model_card
from suite.cli import common
from suite.errors import SuiteError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

    from suite.task import Subject
    from suite.tiling import Tiling

HELP = "enlarge images by a network"
DEFAULT_TILE = 256
"""Side of the tiles that a message proposes where the memory is too small for a whole image."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``upscale``."""
    parser.add_argument("model", metavar="MODEL", help="see: list models")
    parser.add_argument("images", nargs="+", type=common.path, metavar="IMAGE", help="image file of any kind")
    parser.add_argument(
        "--out",
        type=common.path,
        required=True,
        metavar="DIR",
        help="folder for NAME_xSCALE.png of each image",
    )
    parser.add_argument("--scale", type=common.positive, default=4, metavar="S", help="default: 4")
    parser.add_argument(
        "--weights",
        metavar="official|shipped|PATH",
        help="default: official where the file is there, else shipped",
    )
    parser.add_argument(
        "--tile",
        type=common.positive,
        metavar="N",
        help="show the network squares of N pixels of the input, so that memory does not grow with the image",
    )
    parser.add_argument(
        "--overlap", type=common.positive, metavar="N", help="pixels that two squares share (default: 32)"
    )
    parser.add_argument(
        "--backend",
        default="eager",
        metavar="NAME",
        help=f"{' '.join(BACKENDS)}, NAME{DEPLOY} or {AUTO}; see: list backends (default: eager)",
    )
    parser.add_argument("--device", default="cpu", choices=DEVICES, help="default: cpu")
    parser.add_argument("--precision", default="fp32", choices=PRECISIONS, help="default: fp32")
    common.add_threads(parser)
    parser.add_argument("--force", action="store_true", help="replace files that are there")
    common.add_home(parser)


def execute(options: argparse.Namespace) -> int:
    """Enlarge each image. Returns 1 if one could not be, after the others are done, else 0."""
    card = model_card(options.model)
    if options.scale not in card.scales:
        raise UsageError(f"{card.name} has no x{options.scale} network.")
    if options.backend != AUTO:
        backend_by_name(options.backend)
    if options.overlap and not options.tile:
        raise UsageError("--overlap says what tiles share: give --tile too.")
    targets = _targets(options.images, options.out, options.scale)
    tiling = _tiling(options, card.input.min_size)
    require(options.device)

    from suite.environment import available_cores
    from suite.home import find_home
    from suite.task import Subject
    from suite.weights import find_weights

    weights = find_weights(card, options.scale, find_home(options.home), options.weights)
    if not weights.judged:
        raise SuiteError(f"there are no weights for {card.name} x{options.scale}: set --weights or --home.")
    subject = Subject(
        card=card,
        scale=options.scale,
        weights=weights,
        backend=options.backend,
        device=options.device,
        precision=options.precision,
        threads=options.threads or available_cores(),
    )
    forward = _proven(subject)
    print(f"{card.title} x{options.scale}, weights: {weights.origin}", file=sys.stderr)
    failed = False
    for source, target in zip(options.images, targets, strict=True):
        try:
            if target.exists() and not options.force:
                raise SuiteError(f"{target} is there already: use --force to replace it.")
            print(f"{target}: {_enlarge(source, target, forward, subject, tiling)}", flush=True)
        except SuiteError as error:
            print(f"suite upscale: {error}", file=sys.stderr, flush=True)
            failed = True
    return 1 if failed else 0


def _proven(subject: Subject) -> Forward:
    """The network in its backend, after that was compared with eager; says what came of it."""
    from suite.backends.choice import choose
    from suite.backends.proof import prove

    if subject.backend == AUTO:
        subject = dataclasses.replace(subject, backend="eager")
        subject = dataclasses.replace(subject, backend=choose(subject).backend)
    proven = prove(subject)
    if proven.details:
        difference = proven.details["backend"]["agreement"]["difference"]
        print(
            f"{subject.backend} differs from eager fp32 by up to {difference:.1e} of the value range.",
            file=sys.stderr,
        )
    return proven.prepare()


def _targets(images: Sequence[Path], out: Path, scale: int) -> list[Path]:
    """The file of each image. Raises `UsageError` where two would be one, or one is an image of the list."""
    targets: dict[Path, Path] = {}
    sources = {image.resolve() for image in images}
    for image in images:
        target = out / f"{image.stem}_x{scale}.png"
        if target in targets:
            raise UsageError(f"{targets[target]} and {image} would both become {target}: call them apart.")
        if target.resolve() in sources:
            raise UsageError(
                f"{image} would become {target}, which is to be enlarged itself: choose another --out."
            )
        targets[target] = image
    return list(targets)


def _tiling(options: argparse.Namespace, min_size: int) -> Tiling | None:
    """How to cut images, if at all. Raises `UsageError` for a cut that cannot be."""
    from suite.tiling import DEFAULT_OVERLAP, Tiling

    if not options.tile:
        return None
    if options.tile < min_size:
        raise UsageError(f"--tile {options.tile}: {options.model} needs at least {min_size} pixels each way.")
    return Tiling(options.tile, options.overlap or DEFAULT_OVERLAP)


def _enlarge(source: Path, target: Path, forward: Forward, subject: Subject, tiling: Tiling | None) -> str:
    """Enlarge one image into a file. Gives what was done, in words. Raises `SuiteError`."""
    from suite.pictures import enlarged, read_picture, write_png
    from suite.tiling import run_tiled
    from suite.upscaling import upscale

    picture = read_picture(source)
    height, width = picture.colour.shape[:2]
    words = [f"{width * subject.scale}x{height * subject.scale}, from {width}x{height}"]

    def in_tiles(image: Tensor) -> Tensor:
        if tiling is None:
            return forward(image)
        tiled = run_tiled(forward, image, subject.scale, tiling)
        if tiled.tiles > 1:
            seam = tiled.seam * 255 / subject.card.input.range
            words.append(f"{tiled.tiles} tiles, which differ by up to {seam:.1f} levels where they meet")
        return tiled.output

    try:
        levels = upscale(in_tiles, subject, picture.colour, str(source))
        write_png(target, enlarged(picture, levels, subject.scale), picture.profile)
    except (MemoryError, RuntimeError) as error:
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise
        hint = "use smaller tiles" if tiling else f"add --tile {DEFAULT_TILE}"
        raise SuiteError(f"{source} ({width}x{height}) does not fit into memory: {hint}.") from None
    return "; ".join([*words, *picture.notes])
