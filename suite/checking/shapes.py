"""Checks on sizes, shapes and number types."""

from __future__ import annotations

import torch
from torch import nn

from suite.backends import backend_by_name
from suite.checking.candidate import Candidate, Finding, finding, note, ok

FIRST_SIDE, LAST_SIDE = 24, 40
MULTIPLES = range(2, 9)
"""What a network may need multiples of, each with two or more between the first and the last side."""


def builds(candidate: Candidate) -> Finding:
    """The network can be made, and its weights fit."""
    network = candidate.make()
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return ok(f"{parameters:,} parameters, weights: {candidate.subject.weights.origin}")


def scale(candidate: Candidate) -> Finding:
    """The output has the channels of the input and ``scale`` times its size."""
    image = candidate.photo(candidate.size, candidate.size)
    shape, expected = tuple(candidate.run(candidate.make(), image).shape), candidate.expected(image)
    text = f"{tuple(image.shape)} becomes {shape}"
    return ok(text) if shape == expected else finding(f"{text} instead of {expected}")


def number_type(candidate: Candidate) -> Finding:
    """Given float32, it gives float32."""
    output = candidate.run(candidate.make(), candidate.photo(candidate.size, candidate.size))
    return ok("float32") if output.dtype == torch.float32 else finding(f"gives {output.dtype} for float32")


def half_precision(candidate: Candidate) -> Finding:
    """How it runs in bf16 and fp16, compared with float32."""
    image = candidate.photo(candidate.size, candidate.size)
    exact = candidate.run(candidate.make(), image)
    words, clean = [], True
    for precision in ("bf16", "fp16"):
        try:
            forward = backend_by_name("eager").prepare(candidate.make(), "cpu", precision)
            difference = candidate.levels(forward(image).float() - exact)
        except (Exception, SystemExit) as error:  # of the network's code, or an operator without halves
            words.append(f"{precision} does not run ({first_line(error)})")
            clean = False
            continue
        finite = difference == difference
        clean &= finite
        words.append(
            f"{precision} differs by up to {difference:.2f} levels"
            if finite
            else f"{precision} is not finite"
        )
    return (ok if clean else note)("; ".join(words))


def first_line(error: BaseException) -> str:
    """The kind of an error and the first line of what it says."""
    return f"{type(error).__name__}: {(str(error).splitlines() or [''])[0]}"[:160]


def takes(candidate: Candidate, network: nn.Module, height: int, width: int) -> bool:
    """Whether the network gives an output of the right shape for an image of a size."""
    pixels = torch.rand(1, candidate.subject.card.input.channels, height, width)
    image = pixels * candidate.subject.card.input.range
    try:
        return tuple(candidate.run(network, image).shape) == candidate.expected(image)
    except (Exception, SystemExit):  # what networks raise for a size that they cannot take is theirs
        return False


def sizes(candidate: Candidate) -> Finding:
    """Heights from 24 to 40 in steps of one, with widths from 40 to 24 (more if the card needs more)."""
    more = max(0, candidate.subject.card.input.min_size - FIRST_SIDE)
    low, high = FIRST_SIDE + more, LAST_SIDE + more
    network = candidate.make()
    asked = [(side, low + high - side) for side in range(low, high + 1)]
    taken = {size for size in asked if takes(candidate, network, *size)}
    if len(taken) == len(asked):
        return ok(f"takes heights and widths from {low} to {high}")
    squares = {side for side in range(low, high + 1) if takes(candidate, network, side, side)}
    taken |= {(side, side) for side in squares}
    tried = {*asked, *((side, side) for side in range(low, high + 1))}
    fits = (n for n in MULTIPLES if taken == {size for size in tried if size[0] % n == size[1] % n == 0})
    if multiple := next(fits, None):
        return finding(f"takes only heights and widths that are multiples of {multiple}")
    height, width = next(size for size in asked if size not in taken)
    return finding(f"cannot take {len(tried - taken)} of {len(tried)} sizes, such as {width}x{height}")


def smallest_size(candidate: Candidate) -> Finding:
    """The smallest square that it takes, compared with the card's ``min_size``."""
    network, stated = candidate.make(), candidate.subject.card.input.min_size
    sides = range(1, max(candidate.size, stated) + 1)
    smallest = next((side for side in sides if takes(candidate, network, side, side)), None)
    if smallest is None:
        return finding(f"takes no square up to {sides[-1]} pixels")
    if smallest > stated:
        return finding(f"needs at least {smallest} pixels each way; the card states {stated}")
    for height, width in ((stated, stated), (stated, candidate.size), (candidate.size, stated)):
        if not takes(candidate, network, height, width):
            return finding(f"cannot take {width}x{height}, which the card's {stated} allows")
    if smallest < stated:
        return note(f"takes {smallest} pixels each way already; the card states {stated}")
    return ok(f"{smallest} pixels each way, as the card states")
