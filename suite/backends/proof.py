"""Proves that a backend gives what eager gives, before any of its figures counts.

The proof runs in a process of its own: what is measured later finds a process in which nothing has run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from suite.backends import Forward, backend_by_name, prepare, versions
from suite.backends.agreement import Agreement, compare, usual_pairs
from suite.datasets import Pair
from suite.errors import SuiteError
from suite.isolation import PATIENCE_S, State, Worker
from suite.task import Say, Subject


@dataclass(frozen=True, slots=True)
class Proven:
    """A subject that may be measured, since its backend gives what eager gives."""

    subject: Subject
    details: dict[str, Any] = field(default_factory=dict, hash=False)
    """What a record keeps of the proof, as plain JSON: ``{"backend": {...}}``; empty for eager."""

    def prepare(self) -> Forward:
        """The network ready to run, in this process. Raises `SuiteError`."""
        return prepare(self.subject)


_KNOWN: dict[Subject, Proven | SuiteError] = {}
"""What was found out in this process: several measures of one subject ask for it."""


def prove(subject: Subject, patience: float = PATIENCE_S, say: Say = lambda words: None) -> Proven:
    """Compare a subject's backend with eager float32, whose own figures need no proof.

    Raises `SuiteError` if it can't run here or if its output differs. What was found once is not looked for
    again in this process.
    """
    if subject.backend == "eager":
        return Proven(subject)
    if subject not in _KNOWN:
        try:
            _KNOWN[subject] = _prove(subject, patience, say)
        except SuiteError as error:
            _KNOWN[subject] = error
    found = _KNOWN[subject]
    if isinstance(found, SuiteError):
        raise found
    return found


def _prove(subject: Subject, patience: float, say: Say) -> Proven:
    backend = backend_by_name(subject.backend)
    if problem := backend.missing(subject.device, subject.precision):
        raise SuiteError(problem)
    say(f"comparing {subject.backend} with eager")
    with Worker(f"{subject.backend} against eager of {subject.title}", patience) as worker:
        agreement = worker.call(examine, subject)
    require_agreement(agreement)
    return Proven(
        subject, {"backend": {"versions": versions(backend.packages), "agreement": agreement.plain()}}
    )


def require_agreement(agreement: Agreement) -> None:
    """Raise `SuiteError` for a backend that does not keep its limit."""
    if not agreement.equal:
        raise SuiteError(
            f"its output differs from that of eager fp32 {agreement.summary}: {agreement.limit}."
        )


def examine(state: State, subject: Subject, pairs: Sequence[Pair] = ()) -> Agreement:
    """Run both backends on pairs of images, the usual ones if none are given; runs in a worker.

    Leaves the subject's network in the state as ``forward``.
    """
    eager = prepare(dataclasses.replace(subject, backend="eager", precision="fp32"))
    state["forward"] = prepare(subject)
    return compare(subject, state["forward"], eager, pairs or usual_pairs(subject))
