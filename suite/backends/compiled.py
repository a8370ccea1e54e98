"""PyTorch's own compiler, which writes C++ for processors and Triton for GPUs and builds it on the spot."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.backends.base import Forward, missing_device, missing_packages, place, settle

if TYPE_CHECKING:
    from torch import Tensor, nn

COMPILERS = ("g++", "clang++", "c++", "cl")
"""What is looked for where the variable ``CXX`` names no compiler."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """``torch.compile``; sizes become variable at the second one, so that others need no compiling."""

    description: str
    packages: tuple[str, ...] = ()
    outside: bool = False
    takes_any_operator: bool = False

    def missing(self, device: str, precision: str) -> str:
        """See `Backend.missing`."""
        if device == "cuda":
            return missing_device(device) or (
                "triton, which torch.compile needs on CUDA, is not installed: pip install triton."
                if missing_packages(("triton",))
                else ""
            )
        wanted = os.environ.get("CXX")
        if wanted and shutil.which(wanted.split()[0]) is None:
            return f"CXX names {wanted}, which is not there: torch.compile needs a C++ compiler."
        if not wanted and not any(map(shutil.which, COMPILERS)):
            return "torch.compile needs a C++ compiler, and there is none: install g++ or set CXX."
        return ""

    def prepare(
        self, network: nn.Module, device: str, precision: str, example: Tensor | None = None
    ) -> Forward:
        """Compile at the first image, and at the first of another size."""
        import torch

        torch._dynamo.reset()
        compiled = torch.compile(settle(network, device, precision))

        def forward(image: Tensor) -> Tensor:
            with torch.inference_mode():
                return compiled(place(image, device, precision))

        return forward
