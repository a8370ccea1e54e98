"""Checks that an output depends on the image alone, and that a pass changes nothing."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from suite.checking.candidate import Candidate, Finding, finding, names_in_words, note, ok


def _compare(candidate: Candidate, first: Tensor, second: Tensor, same: str, differs: str) -> Finding:
    """Two outputs that should be one: equal, nearly (a note), or not."""
    if torch.equal(first, second):
        return ok(f"{same}, bit by bit")
    if first.shape != second.shape:
        return finding(f"{differs}: shapes {tuple(first.shape)} and {tuple(second.shape)}")
    difference = candidate.levels(first.double() - second.double())
    if difference <= candidate.tolerance(first):
        return ok(f"{same} within {difference:.1e} levels")
    return finding(f"{differs} by up to {difference:.3g} levels")


def repeatable(candidate: Candidate) -> Finding:
    """The same image twice gives the same output."""
    network, image = candidate.make(), candidate.photo(candidate.size, candidate.size)
    first, second = candidate.run(network, image), candidate.run(network, image)
    found = _compare(candidate, first, second, "the same twice", "one image gives two outputs, which differ")
    if found.status == "ok" and not torch.equal(first, second):
        return note(f"{found.words}: not deterministic")
    return found


def memory(candidate: Candidate) -> Finding:
    """Images in between, of the same and of another size, do not change the output of an image."""
    network, side = candidate.make(), candidate.size
    image = candidate.photo(side, side)
    before = candidate.run(network, image)
    candidate.run(network, candidate.photo(side, side, part=2))
    candidate.run(network, candidate.noise(side, side + 8))
    after = candidate.run(network, image)
    return _compare(
        candidate, before, after, "keeps nothing between calls", "other images in between change the output"
    )


def new_size(candidate: Candidate) -> Finding:
    """A size that comes after another gives what it gives to a network that has seen none."""
    used, side = candidate.make(), candidate.size
    candidate.run(used, candidate.photo(side, side))
    image = candidate.photo(side, side + 8)
    return _compare(
        candidate,
        candidate.run(used, image),
        candidate.run(candidate.make(), image),
        "the same as from a new network",
        "the size of the first image changes the output of the next",
    )


def batch(candidate: Candidate) -> Finding:
    """Two images together give what each gives alone."""
    side = candidate.size
    images = torch.cat([candidate.photo(side, side), candidate.photo(side, side, part=2)])
    network = candidate.make()
    together = candidate.run(network, images)
    alone = torch.cat([candidate.run(candidate.make(), image[None]) for image in images])
    return _compare(
        candidate, together, alone, "a batch is as its images", "images of a batch change each other"
    )


def input_kept(candidate: Candidate) -> Finding:
    """The image that it is given is not changed."""
    image = candidate.photo(candidate.size, candidate.size)
    before = image.clone()
    candidate.run(candidate.make(), image)
    if torch.equal(before, image):
        return ok("unchanged")
    return finding(f"the input is changed in place by up to {candidate.levels(before - image):.3g} levels")


def weights_kept(candidate: Candidate) -> Finding:
    """Parameters and buffers are the same after a pass."""
    network = candidate.make()
    before = {name: value.clone() for name, value in _state(network).items()}
    candidate.run(network, candidate.photo(candidate.size, candidate.size))
    after = _state(network)
    new = sorted(after.keys() - before.keys())
    changed = sorted(
        name for name, value in before.items() if name not in after or not torch.equal(value, after[name])
    )
    if changed:
        return finding(f"a pass changes {names_in_words(changed)}")
    return finding(f"a pass adds {names_in_words(new)}") if new else ok(f"{len(before)} tensors unchanged")


def _state(network: nn.Module) -> dict[str, Tensor]:
    return {**dict(network.named_parameters()), **dict(network.named_buffers())}
