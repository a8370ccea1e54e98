"""What every backend is made of: the protocol, precisions and devices, and what several of them need."""

from __future__ import annotations

import importlib.metadata
import importlib.util
from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from suite.errors import SuiteError

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

Forward = Callable[["Tensor"], "Tensor"]
"""``(N, C, H, W)`` float32 on the CPU, to ``(N, C, scale * H, scale * W)`` on the device."""

PRECISIONS = ("fp32", "fp16", "bf16")
DEVICES = ("cpu", "cuda")


class Backend(Protocol):
    """A way to execute a network."""

    @property
    def description(self) -> str:
        """What it is, in one line."""

    @property
    def packages(self) -> tuple[str, ...]:
        """Packages that it needs and that not every environment has; their versions enter the key."""

    @property
    def outside(self) -> bool:
        """Whether the network leaves PyTorch: a copy of it runs elsewhere, whose memory PyTorch can't see."""

    @property
    def takes_any_operator(self) -> bool:
        """Whether it runs operators that are not PyTorch's own, as some exact forms on the CPU have them."""

    def missing(self, device: str, precision: str) -> str:
        """Why it can't run here in that configuration, as a sentence; empty if it can.

        Answers without importing torch for what is asked by ``list``: the CPU in ``fp32``.
        """

    def prepare(
        self, network: nn.Module, device: str, precision: str, example: Tensor | None = None
    ) -> Forward:
        """The network as a function, with as many threads as PyTorch has in this process.

        ``example`` is an input like those to come, ``(1, C, H, W)`` float32 on the CPU; what leaves PyTorch
        is found by passing it. Raises `SuiteError` if it cannot run that way here.
        """


def data_type(precision: str) -> torch.dtype:
    """PyTorch's type of a precision of `PRECISIONS`."""
    import torch

    return {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]


def place(image: Tensor, device: str, precision: str) -> Tensor:
    """An input on its device in its precision; the same tensor if it is there already."""
    return image.to(device=device, dtype=data_type(precision))


def test_image(size: tuple[int, int, int], value_range: float) -> Tensor:
    """``(1, C, H, W)`` float32 noise of a fixed seed around the middle of the value range.

    Moderate amplitude, since some networks leave all bounds on noise of full amplitude.
    """
    import torch

    noise = torch.rand((1, *size), generator=torch.Generator().manual_seed(0))
    return (0.5 + 0.4 * (noise - 0.5)) * value_range


def require(device: str) -> None:
    """Raise `SuiteError` if a device is not there."""
    if problem := missing_device(device):
        raise SuiteError(problem)


def missing_device(device: str) -> str:
    """Why a device is not there, as a sentence; empty if it is. The CPU always is."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            return "--device cuda: PyTorch finds no CUDA device here; use --device cpu."
    return ""


def synchronize(device: str) -> None:
    """Wait until a device has done all it was given; the CPU always has."""
    if device == "cuda":
        import torch

        torch.cuda.synchronize()


def settle(network: nn.Module, device: str, precision: str) -> nn.Module:
    """The network on its device in its precision, where fp32 is fp32 and never TF32."""
    import torch

    require(device)
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    return network.to(device=device, dtype=data_type(precision))


def missing_packages(names: tuple[str, ...]) -> str:
    """Which packages are not installed and how to get them, as a sentence; empty if all are there."""
    absent = [name for name in names if importlib.util.find_spec(name) is None]
    if not absent:
        return ""
    verb = "is" if len(absent) == 1 else "are"
    return f"{' and '.join(absent)} {verb} not installed: pip install 'efficient-sr-suite[backends]'."


def versions(names: tuple[str, ...]) -> dict[str, str]:
    """Installed versions of packages; those that are absent are left out."""
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def on_cpu_alone(device: str, name: str) -> str:
    """Why a backend that runs on processors can't run on a device; empty if it can."""
    return "" if device == "cpu" else f"the backend {name} runs on the CPU alone here: use --device cpu."


def example_of(example: Tensor | None, name: str) -> Tensor:
    """The example that a backend cannot do without. Raises `SuiteError` if there is none."""
    if example is None:
        raise SuiteError(f"the backend {name} needs an example of the input to find out what is computed.")
    return example
