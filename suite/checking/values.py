"""Checks on what an output shows: the range of values, what it follows, where it depends on what."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import Tensor

from suite.backends import backend_by_name
from suite.catalog.protocols import protocol_by_id
from suite.checking.candidate import Candidate, Finding, finding, not_applicable, note, ok, photograph
from suite.images import Rgb, enlarge, shrink
from suite.measures.psnr_ssim import compare
from suite.upscaling import Levels, quantize, to_input, upscale

BELOW_BICUBIC = 0.5
"""How many dB a network may lie below interpolation on a photograph."""
OTHER_RANGE = 0.1
"""How many dB better the other range must be to be taken for the right one."""
GREY_OFF = 16.0
"""How many levels mid-grey may become brighter or darker."""
NEAR = 3
"""Pixels of the input around a changed one within which the output must change."""


def value_range(candidate: Candidate) -> Finding:
    """A photograph is upscaled about as well as by interpolation or better, and grey stays grey."""
    subject = candidate.subject
    if not subject.weights.judged:
        return not_applicable("random weights give no image")
    side = min(40, 256 // subject.scale)
    original = photograph(side * subject.scale, side * subject.scale)
    image = shrink(original, subject.scale)

    def quality(levels: Levels) -> float:
        return compare(quantize(levels), original, subject.scale, protocol_by_id("ntire-rgb"))[0]

    stated = subject.card.input.range
    other = 255.0 if stated == 1 else 1.0
    found, swapped = (quality(_upscaled(candidate, image, value)) for value in (stated, other))
    bicubic = quality(np.clip(enlarge(image.astype(np.float64), subject.scale), 0, 255).astype(np.float32))
    grey = _upscaled(candidate, np.full((candidate.size, candidate.size, 3), 128, np.uint8), stated)
    middle = float(
        grey[grey.shape[0] // 4 : -grey.shape[0] // 4, grey.shape[1] // 4 : -grey.shape[1] // 4].mean()
    )
    words = (
        f"{found:.2f} dB on a photograph (bicubic {bicubic:.2f}, with range {other:g} {swapped:.2f}); "
        f"grey of 128 becomes {middle:.1f}"
    )
    if swapped > max(found + OTHER_RANGE, bicubic - BELOW_BICUBIC):
        return finding(f"{words}: the card's range {stated:g} looks wrong")
    if found < bicubic - BELOW_BICUBIC:
        return finding(f"{words}: worse than interpolation")
    return finding(words) if abs(middle - 128) > GREY_OFF else ok(words)


def _upscaled(candidate: Candidate, image: Rgb, range_: float) -> Levels:
    convention = dataclasses.replace(candidate.subject.card.input, range=range_)
    card = dataclasses.replace(candidate.subject.card, input=convention)
    subject = dataclasses.replace(candidate.subject, card=card)
    forward = backend_by_name("eager").prepare(candidate.make(), "cpu", "fp32")
    return upscale(forward, subject, image, "a photograph")


def finite(candidate: Candidate) -> Finding:
    """Black, white, noise and a chessboard give finite values; so do values far beyond the range."""
    side, network = candidate.size, candidate.make()
    chess = np.indices((side, side)).sum(axis=0) % 2 * 255
    pictures = {
        "black": np.zeros((side, side)),
        "white": np.full((side, side), 255),
        "a chessboard": chess,
    }
    images = {
        name: to_input(candidate.subject, np.repeat(plane[..., None], 3, axis=2).astype(np.uint8), name)
        for name, plane in pictures.items()
    }
    images["noise"] = candidate.noise(side, side)
    bad = [name for name, image in images.items() if not _all_finite(candidate.run(network, image))]
    if bad:
        return finding(f"not finite for {' and '.join(bad)}")
    far = [
        factor for factor in (-100, 100) if not _all_finite(candidate.run(network, images["noise"] * factor))
    ]
    if far:
        return note(f"finite for {', '.join(images)}; not for noise times {' and '.join(map(str, far))}")
    return ok(f"finite for {', '.join(images)}, and for noise 100 times beyond the range")


def _all_finite(output: Tensor) -> bool:
    return bool(torch.isfinite(output).all())


def content(candidate: Candidate) -> Finding:
    """Another image gives another output; a changed sample of each channel changes the output near it."""
    side, scale, network = candidate.size, candidate.subject.scale, candidate.make()
    image = candidate.photo(side, side)
    output = candidate.run(network, image)
    if torch.equal(output, candidate.run(network, candidate.photo(side, side, part=2))):
        return finding("two images of one size give the same output")
    middle, limit = side // 2, candidate.subject.card.input.range
    near = slice((middle - NEAR) * scale, (middle + NEAR + 1) * scale)
    farthest = 0
    for channel in range(image.shape[1]):
        changed = image.clone()
        sample = changed[0, channel, middle, middle]
        changed[0, channel, middle, middle] = 0.0 if sample > limit / 2 else limit
        difference = (candidate.run(network, changed) - output).abs().amax(dim=(0, 1))
        if not difference.any():
            return finding(f"a changed sample of channel {channel} changes nothing")
        if not difference[near, near].any():
            return finding(f"a changed sample of channel {channel} changes nothing near it, but elsewhere")
        peak = divmod(int(difference.argmax()), difference.shape[1])
        farthest = max(farthest, *(abs(position // scale - middle) for position in peak))
    words = (
        f"the output follows every channel; the largest change lies {farthest} pixels from its cause at most"
    )
    return ok(words) if farthest <= NEAR else note(words)


def translation(candidate: Candidate) -> Finding:
    """How far an output changes, away from the edges, when the image moves by four pixels."""
    side, scale, network = candidate.size, candidate.subject.scale, candidate.make()
    image = candidate.photo(side + 4, side + 4)
    first = candidate.run(network, image[..., :side, :side])
    second = candidate.run(network, image[..., 4:, 4:])
    return _interior(
        candidate, first[..., 4 * scale :, 4 * scale :], second, "an image that moves by 4 pixels"
    )


def tiles(candidate: Candidate) -> Finding:
    """How far an output changes, away from the edges, when the image is a part of a larger one."""
    side, scale, network = candidate.size, candidate.subject.scale, candidate.make()
    image = candidate.photo(2 * side, 2 * side)
    begin = side // 2
    whole = candidate.run(network, image)
    part = candidate.run(network, image[..., begin : begin + side, begin : begin + side])
    return _interior(
        candidate, whole[..., begin * scale :, begin * scale :], part, "a part of a larger image"
    )


def _interior(candidate: Candidate, first: Tensor, second: Tensor, what: str) -> Finding:
    """Two outputs that begin at the same place: the middle of what both have, compared."""
    margin = candidate.size // 4 * candidate.subject.scale
    height, width = (min(first.shape[axis], second.shape[axis]) - margin for axis in (-2, -1))
    difference = (first[..., margin:height, margin:width] - second[..., margin:height, margin:width]).double()
    root = candidate.levels(difference.square().mean().sqrt())
    peak = candidate.levels(difference)
    return ok(f"{what} differs inside by up to {peak:.3g} levels (root mean square {root:.2g})")
