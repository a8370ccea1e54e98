"""Ways to execute a network. Each takes a network and gives a function from tensor to tensor.

``NAME+deploy`` is the backend of that name with the network in its fastest exact form (``suite.deployment``).
``auto`` is none: it stands for the fastest that gives what eager gives, which `suite.backends.choice` finds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from suite.allocator import apply_treatment
from suite.backends.base import (
    DEVICES,
    PRECISIONS,
    Backend,
    Forward,
    data_type,
    place,
    require,
    synchronize,
    test_image,
    versions,
)
from suite.backends.compiled import Compiled
from suite.backends.cuda_graphs import CudaGraphs
from suite.backends.eager import Eager
from suite.backends.fused import Fused
from suite.backends.onnxruntime import OnnxRuntime
from suite.backends.openvino import OpenVino
from suite.errors import unknown_name

if TYPE_CHECKING:
    from torch import Tensor

    from suite.task import Subject

__all__ = (
    "AUTO",
    "BACKENDS",
    "CANDIDATES",
    "DEPLOY",
    "DEVICES",
    "PRECISIONS",
    "STEPWISE",
    "Backend",
    "Forward",
    "backend_by_name",
    "data_type",
    "example_input",
    "place",
    "prepare",
    "require",
    "synchronize",
    "test_image",
    "versions",
)

AUTO = "auto"
CANDIDATES = ("eager", "channels-last", "fused", "cuda-graphs", "onnxruntime", "openvino")
"""What `AUTO` tries. Compiling and rewriting take minutes: whoever wants them names them."""
DEPLOY = "+deploy"
"""What follows the name of a backend that gets the network rewritten."""
STEPWISE = ("eager", "channels-last")
"""Backends that execute one operator of PyTorch after the other, so that each can be timed."""
EXAMPLE = 64
"""Side of the images with which a network is passed to another program, in pixels."""

BACKENDS: dict[str, Backend] = {
    "eager": Eager("PyTorch, operator by operator"),
    "channels-last": Eager(
        "the same with the channels of a pixel side by side in memory", channels_last=True
    ),
    "fused": Fused("PyTorch, with BSRN's blocks in code compiled for this processor"),
    "compile": Compiled("torch.compile, which builds code for the network"),
    "cuda-graphs": CudaGraphs("PyTorch's kernels, recorded once and started together"),
    "onnxruntime": OnnxRuntime("ONNX Runtime on the CPU"),
    "openvino": OpenVino("OpenVINO on the CPU"),
}


def backend_by_name(name: str) -> Backend:
    """The backend of a name, with or without `DEPLOY`; `AUTO` is none.

    Raises `suite.errors.UsageError` with the nearest name if unknown.
    """
    base = name.removesuffix(DEPLOY)
    if base not in BACKENDS:
        raise unknown_name("backend", base, [*BACKENDS, AUTO])
    return BACKENDS[base]


def example_input(subject: Subject) -> Tensor:
    """``(1, C, H, W)`` float32 noise that a network takes: 64x64 pixels, or the least that it needs."""
    convention = subject.card.input
    side = max(EXAMPLE, convention.min_size)
    return test_image((convention.channels, side, side), convention.range)


def prepare(subject: Subject, rewrites: Sequence[str] = ()) -> Forward:
    """Load a subject's network and weights and make it ready to run in its configuration.

    ``rewrites`` are those of ``suite.deployment`` that are applied first: which ones a backend with `DEPLOY`
    gets is found by `suite.backends.proof`. Sets the number of threads of this process and what it does with
    freed memory. Raises `SuiteError`.
    """
    import torch

    from suite.weights import load_model

    apply_treatment()
    torch.set_num_threads(subject.threads)
    network = load_model(subject.card, subject.scale, subject.weights)
    if rewrites:
        from suite.deployment import apply

        network = apply(network, rewrites)
    backend = backend_by_name(subject.backend)
    example = example_input(subject) if backend.outside else None
    return backend.prepare(network, subject.device, subject.precision, example)
