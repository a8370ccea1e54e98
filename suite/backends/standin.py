"""Judging the images of eager by a backend that is faster and gives the same.

Quality does not ask how long a network takes, so it may be executed by whatever gives the same output: a
stand-in. The figures stay those of the network in eager, to `suite.pairs.FLOAT_ORDER`, and a record says who
made them. Time and memory are always those of the backend that was asked for.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any

from suite.backends import Forward, backend_by_name, prepare
from suite.backends.agreement import compare, crops
from suite.datasets import Dataset
from suite.errors import SuiteError, UsageError
from suite.task import Subject

VARIABLE = "SUITE_STAND_IN"
"""Set to ``none``, PyTorch itself executes whatever is to be executed in eager."""

STAND_INS = {"bsrn.network:BSRN": "fused"}
"""Backend by what builds a network."""


def are_wanted() -> bool:
    """Whether something may stand in for eager. Raises `UsageError` for an unknown value of `VARIABLE`."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted not in ("", "none"):
        raise UsageError(f"{VARIABLE}={wanted}: write none, or leave it away.")
    return not wanted


def stand_in(subject: Subject, eager: Forward, dataset: Dataset) -> tuple[Forward, dict[str, Any]] | None:
    """A faster way to what ``eager`` gives, and what a record keeps of its proof; None where there is none.

    It is proven on crops of the first pair of ``dataset``, in this process. Only eager float32 on the CPU has
    stand-ins. Raises `UsageError` as `are_wanted` does.
    """
    name = STAND_INS.get(subject.card.build)
    usual = (subject.backend, subject.device, subject.precision) == ("eager", "cpu", "fp32")
    if not are_wanted() or name is None or not usual or backend_by_name(name).missing("cpu", "fp32"):
        return None
    other = dataclasses.replace(subject, backend=name)
    try:
        forward = prepare(other)
        agreement = compare(other, forward, eager, crops(dataset.pair(0), other))
    except SuiteError:  # this one has no such form, or there is no compiler: eager does it
        return None
    return (forward, {"backend": name, **agreement.plain()}) if agreement.equal else None
