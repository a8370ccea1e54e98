"""How far an image that was upscaled in tiles is from the same image upscaled whole, on a photograph.

    python tests/benchmarks/tiles.py MODEL ... [--tile N ...] [--overlap N ...] [--side N]

Prints Markdown, in levels of 255 after clipping: the root mean square, the 99.9th percentile and the largest
of the differences, and the seam, which is what ``suite upscale`` can say without the whole.
"""

from __future__ import annotations

import argparse

import numpy as np
import skimage.data

from suite.backends import prepare
from suite.catalog import model_card
from suite.home import find_home
from suite.task import Subject
from suite.tiling import Tiling, run_tiled
from suite.upscaling import to_levels, to_tensor
from suite.weights import find_weights


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--tile", nargs="+", type=int, default=[96, 160])
    parser.add_argument("--overlap", nargs="+", type=int, default=[32])
    parser.add_argument("--side", type=int, default=256)
    options = parser.parse_args()
    photo = skimage.data.astronaut()[: options.side, : options.side]
    print("| network | weights | tile | overlap | tiles | root mean square | 99.9 % | largest | seam |")
    print("| --- " * 9 + "|")
    for name in options.models:
        card = model_card(name)
        subject = Subject(card, 4, find_weights(card, 4, find_home()))
        forward, image = prepare(subject), to_tensor(photo, card.input.range)
        whole = to_levels(forward(image), card.input.range).astype(np.float64)
        for tile in options.tile:
            for overlap in options.overlap:
                tiled = run_tiled(forward, image, 4, Tiling(tile, overlap))
                difference = np.abs(to_levels(tiled.output, card.input.range) - whole)
                root = np.sqrt(np.mean(np.square(difference)))
                most, largest = np.quantile(difference, 0.999), difference.max()
                seam = tiled.seam * 255 / card.input.range
                print(
                    f"| {name} | {subject.weights.origin} | {tile} | {overlap} | {tiled.tiles} "
                    f"| {root:.3f} | {most:.2f} | {largest:.2f} | {seam:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
