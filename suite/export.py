"""A network as a file that other programs run, checked against eager before it is written."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

from suite import __version__
from suite.backends import example_input, prepare
from suite.backends.agreement import Agreement, compare, usual_pairs
from suite.backends.onnx_file import INPUT, OnnxModel, as_arrays, to_onnx
from suite.backends.onnxruntime import open_session
from suite.isolation import State
from suite.task import Subject
from suite.weights import load_model

SIZES = ((64, 96), (59, 75), (24, 24), (31, 17), (47, 128))
"""Height and width of the low-resolution crops on which a file is checked."""


@dataclass(frozen=True, slots=True)
class Exported:
    """A checked file."""

    data: bytes
    opset: int
    rewrites: tuple[str, ...]
    agreement: Agreement


def export(state: State, subject: Subject, *, deploy: bool = False) -> Exported:
    """The ONNX file of a subject, run in ONNX Runtime at several sizes beside eager; runs in a worker.

    With ``deploy`` the network is rewritten into the exact form that is fastest in ONNX Runtime here. Raises
    `SuiteError` if it can't be written as ONNX; whether it agrees is in the result.
    """
    eager = prepare(dataclasses.replace(subject, backend="eager"))
    network = load_model(subject.card, subject.scale, subject.weights)
    rewrites: tuple[str, ...] = ()
    if deploy:
        from suite.backends.rewriting import fastest_form

        form = fastest_form(network, subject, portable=True)
        network, rewrites = form.network, form.names
    model = to_onnx(network, example_input(subject))
    session = open_session(model.data, subject.threads)
    forward = as_arrays(lambda array: session.run(None, {INPUT: array})[0])
    agreement = compare(subject, forward, eager, usual_pairs(subject, SIZES))
    return Exported(_described(model, subject, rewrites, agreement), model.opset, rewrites, agreement)


def _described(model: OnnxModel, subject: Subject, rewrites: tuple[str, ...], agreement: Agreement) -> bytes:
    """The file with what its user must know in its metadata, all of it text."""
    import onnx

    card, convention = subject.card, subject.card.input
    facts: dict[str, Any] = {
        "model": card.name,
        "title": card.title,
        "scale": subject.scale,
        "colour": convention.colour,
        "range": convention.range,
        "mean": list(convention.mean),
        "min_size": convention.min_size,
        "weights": subject.weights.origin,
        "weights_sha256": subject.weights.sha256,
        "rewrites": list(rewrites),
        "largest_difference": agreement.difference,
        "exporter": model.exporter,
        "citation": card.citation,
    }
    proto = onnx.load_from_string(model.data)
    proto.producer_name, proto.producer_version = "efficient-sr-suite", __version__
    proto.doc_string = (
        f"{card.title} x{subject.scale}: (1, {convention.channels}, height, width) to "
        f"(1, {convention.channels}, {subject.scale} height, {subject.scale} width)."
    )
    onnx.helper.set_model_props(
        proto, {name: v if isinstance(v, str) else json.dumps(v) for name, v in facts.items()}
    )
    data: bytes = proto.SerializeToString()
    return data
