"""Ways to execute a network. Each takes a network and gives a function from tensor to tensor."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from suite.allocator import apply_treatment
from suite.errors import SuiteError, unknown_name

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from suite.task import Subject

Forward = Callable[["Tensor"], "Tensor"]
"""``(N, C, H, W)`` float32 on the CPU, to ``(N, C, scale * H, scale * W)`` on the device."""

PRECISIONS = ("fp32", "fp16", "bf16")
DEVICES = ("cpu", "cuda")


class Backend(Protocol):
    """A way to execute a network."""

    description: str

    def prepare(self, network: nn.Module, device: str, precision: str) -> Forward:
        """The network as a function. Raises `SuiteError` if it cannot run that way here."""


class Eager:
    """PyTorch as it is."""

    description = "PyTorch, operator by operator"

    def prepare(self, network: nn.Module, device: str, precision: str) -> Forward:
        """Move the network to the device and precision; inputs follow it. fp32 is fp32, never TF32."""
        import torch

        require(device)
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.backends.cudnn.allow_tf32 = False
        network = network.to(device=device, dtype=data_type(precision))

        def forward(image: Tensor) -> Tensor:
            with torch.inference_mode():
                return network(place(image, device, precision))

        return forward


def data_type(precision: str) -> torch.dtype:
    """PyTorch's type of a precision of `PRECISIONS`."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]


def place(image: Tensor, device: str, precision: str) -> Tensor:
    """An input on its device in its precision; the same tensor if it is there already."""
    return image.to(device=device, dtype=data_type(precision))


def require(device: str) -> None:
    """Raise `SuiteError` if a device is not there."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise SuiteError("--device cuda: PyTorch finds no CUDA device here; use --device cpu.")


BACKENDS: dict[str, Backend] = {"eager": Eager()}


def backend_by_name(name: str) -> Backend:
    """A backend. Raises `suite.errors.UsageError` with the nearest name if unknown."""
    if name not in BACKENDS:
        raise unknown_name("backend", name, BACKENDS)
    return BACKENDS[name]


def prepare(subject: Subject) -> Forward:
    """Load a subject's network and weights and make it ready to run in its configuration.

    Sets the number of threads of this process and what it does with freed memory. Raises `SuiteError`.
    """
    import torch

    from suite.weights import load_model

    apply_treatment()
    torch.set_num_threads(subject.threads)
    network = load_model(subject.card, subject.scale, subject.weights)
    return backend_by_name(subject.backend).prepare(network, subject.device, subject.precision)


def synchronize(device: str) -> None:
    """Wait until a device has done all it was given; the CPU always has."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()
