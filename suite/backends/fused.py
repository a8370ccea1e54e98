"""PyTorch, with the blocks of BSRN in code that is compiled for the processor and keeps them in its cache."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.backends.base import Forward, on_cpu_alone, place, settle
from suite.errors import SuiteError

if TYPE_CHECKING:
    from torch import Tensor, nn

COMPILERS = ("c++", "g++", "clang++")
"""Those of `bsrn.native`, which can't be asked without PyTorch; a test keeps them equal."""


@dataclass(frozen=True, slots=True)
class Fused:
    """Eager with the rewrite ``fuse-blocks``, for networks that have fused blocks."""

    description: str
    packages: tuple[str, ...] = ()
    outside: bool = False
    takes_any_operator: bool = True

    def missing(self, device: str, precision: str) -> str:
        """See `Backend.missing`."""
        if problem := on_cpu_alone(device, "fused"):
            return problem
        if precision == "fp16":
            return "fused blocks exist in fp32 and bf16: use --precision fp32 or bf16."
        if not any(map(shutil.which, COMPILERS)):
            return "fused blocks need a C++ compiler, and there is none: install g++."
        if precision == "bf16":
            from bsrn.native import CannotFuse, compile_blocks

            try:
                if not compile_blocks(64).has_bfloat16():
                    return "fused blocks in bf16 need a processor with AVX512-BF16."
            except CannotFuse as reason:
                return str(reason)
        return ""

    def prepare(
        self, network: nn.Module, device: str, precision: str, example: Tensor | None = None
    ) -> Forward:
        """Compile once a machine and width of network, which takes seconds."""
        import torch

        from bsrn.native import CannotFuse, fuse_blocks

        try:
            fused = settle(fuse_blocks(network), device, precision)
        except CannotFuse as reason:
            raise SuiteError(str(reason)) from None

        def forward(image: Tensor) -> Tensor:
            with torch.inference_mode():
                return fused(place(image, device, precision))

        return forward
