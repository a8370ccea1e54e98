"""Proves that a backend gives what eager gives, before any of its figures counts.

The proof runs in a process of its own: what is measured later finds a process in which nothing has run.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

from suite.backends import DEPLOY, Forward, backend_by_name, prepare, versions
from suite.backends.agreement import Agreement, compare, usual_pairs
from suite.errors import SuiteError
from suite.isolation import PATIENCE_S, State, Worker
from suite.task import Say, Subject
from suite.weights import load_model


@dataclass(frozen=True, slots=True)
class Proven:
    """A subject that may be measured, since its backend gives what eager gives."""

    subject: Subject
    rewrites: tuple[str, ...] = ()
    """Of ``suite.deployment``, applied before the network goes to its backend."""
    details: dict[str, Any] = field(default_factory=dict, hash=False)
    """What a record keeps of the proof, as plain JSON: ``{"backend": {...}}``; empty for eager."""

    def prepare(self) -> Forward:
        """The network ready to run, in this process. Raises `SuiteError`."""
        return prepare(self.subject, self.rewrites)


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
        agreement, deployment = worker.call(examine, subject)
    require_agreement(agreement)
    details = {"versions": versions(backend.packages), "agreement": agreement.plain()}
    if subject.backend.endswith(DEPLOY):
        details["deployment"] = deployment
    return Proven(subject, tuple(deployment.get("rewrites", ())), {"backend": details})


def require_agreement(agreement: Agreement) -> None:
    """Raise `SuiteError` for a backend that does not keep its limit."""
    if not agreement.equal:
        raise SuiteError(
            f"its output differs from that of eager fp32 {agreement.summary}: {agreement.limit}."
        )


def examine(state: State, subject: Subject) -> tuple[Agreement, dict[str, Any]]:
    """Run both backends on a photograph; runs in a worker, in whose state the network stays as ``forward``.

    Gives what they differ by and, of a backend with `DEPLOY`, how the form of the network was found.
    """
    eager = prepare(dataclasses.replace(subject, backend="eager", precision="fp32"))
    deployment: dict[str, Any] = {}
    if subject.backend.endswith(DEPLOY):
        from suite.backends.rewriting import fastest_form, plain

        network = load_model(subject.card, subject.scale, subject.weights)
        deployment = plain(fastest_form(network, subject))
    state["forward"] = prepare(subject, deployment.get("rewrites", ()))
    return compare(subject, state["forward"], eager, usual_pairs(subject)), deployment
