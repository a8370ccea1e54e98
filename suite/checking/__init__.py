"""Is a network what its card claims? A table of checks, each a function from a candidate to a finding.

To add a check, write the function and enter it in `CHECKS`; a test asks for its row in ``docs/checks.md``.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from suite.checking import modes, purity, shapes, values
from suite.checking.candidate import Candidate, Finding, finding, not_applicable, note
from suite.errors import SuiteError
from suite.task import Subject
from suite.weights import load_model


@dataclass(frozen=True, slots=True)
class Check:
    """One question to a network."""

    name: str
    question: str
    run: Callable[[Candidate], Finding]


CHECKS = (
    Check("builds", "Can it be made, and do its weights fit?", shapes.builds),
    Check("scale", "Is the output as many times the size of the input as the card says?", shapes.scale),
    Check("type", "Does it give float32 for float32?", shapes.number_type),
    Check("half", "Does it run in bf16 and fp16, and how far from float32?", shapes.half_precision),
    Check("sizes", "Does it take every height and width, odd ones too?", shapes.sizes),
    Check("smallest", "Is the smallest size that it takes the card's?", shapes.smallest_size),
    Check(
        "range",
        "Are its values in the range that the card says, and is its output an image?",
        values.value_range,
    ),
    Check("finite", "Are all values finite, for black, white, noise and beyond the range?", values.finite),
    Check("content", "Does the output follow the image, every channel, near the change?", values.content),
    Check("translation", "How far does it change when the image moves by whole pixels?", values.translation),
    Check("tiles", "How far does a part differ from the same part of the whole?", values.tiles),
    Check("repeatable", "Does the same image twice give the same output?", purity.repeatable),
    Check("memory", "Is an output free of the images before it?", purity.memory),
    Check("new-size", "Is an output free of the sizes before it?", purity.new_size),
    Check("batch", "Are two images together as each alone?", purity.batch),
    Check("input-kept", "Does a pass leave its input as it was?", purity.input_kept),
    Check("weights-kept", "Does a pass leave parameters and buffers as they were?", purity.weights_kept),
    Check("evaluation", "Is everything in evaluation mode?", modes.evaluation),
    Check("gradients", "Are gradients switched off?", modes.gradients),
    Check("parameters", "Does every parameter have an influence on the output?", modes.parameters_used),
)

SIDES = (32, 48, 64, 96, 128)
"""Sides of the images that checks use: the first that the network takes."""


def candidate_of(subject: Subject) -> Candidate:
    """A network of the catalog with its weights, to be checked."""
    return Candidate(subject, functools.partial(load_model, subject.card, subject.scale, subject.weights))


def examine(candidate: Candidate) -> Iterator[tuple[Check, Finding]]:
    """Every check in turn with what it found.

    A check that fails itself is a finding, and the others go on; only a network that cannot be made ends it.
    A finding that the card states is ``known``.
    """
    first, *others = CHECKS
    made = _carried_out(first, candidate)
    yield first, made
    if made.status == "finding":
        yield from ((check, not_applicable("the network cannot be made")) for check in others)
        return
    candidate = dataclasses.replace(candidate, size=_working_side(candidate))
    for check in others:
        yield check, _carried_out(check, candidate)


def _carried_out(check: Check, candidate: Candidate) -> Finding:
    try:
        found = check.run(candidate)
    except SuiteError as error:
        found = finding(str(error))
    except (Exception, SystemExit) as error:  # of a network's code; the next check must still be made
        found = finding(f"it fails: {shapes.first_line(error)}")
    reason = candidate.subject.card.known.get(check.name)
    if reason is None:
        return found
    if found.status == "finding":
        return Finding("known", f"{found.words}. The card says: {reason}")
    return note(f"{found.words}. The card says that it does not pass: {reason}")


def _working_side(candidate: Candidate) -> int:
    """The first of `SIDES` that the network takes, at least what its card asks for."""
    least = candidate.subject.card.input.min_size
    sides = [side for side in SIDES if side >= least] or [least]
    network = candidate.make()
    return next((side for side in sides if shapes.takes(candidate, network, side, side)), sides[0])
