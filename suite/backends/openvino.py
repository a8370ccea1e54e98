"""OpenVINO on the CPU."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.backends.base import Forward, example_of, missing_packages, on_cpu_alone
from suite.backends.onnx_file import as_arrays, to_onnx

if TYPE_CHECKING:
    from torch import Tensor, nn

HINTS = {"fp32": "f32", "bf16": "bf16", "fp16": "f16"}
"""What the processor calculates in. Without the hint OpenVINO takes bf16 for float32 where it has it."""


@functools.cache
def capabilities() -> frozenset[str]:
    """What OpenVINO finds that the processor calculates in, such as ``FP32`` and ``BF16``."""
    import openvino  # type: ignore[import-untyped]

    found = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    return frozenset(map(str, found))


@dataclass(frozen=True, slots=True)
class OpenVino:
    """The network as an ONNX model in OpenVINO."""

    description: str
    packages: tuple[str, ...] = ("onnx", "openvino")
    outside: bool = True
    takes_any_operator: bool = False

    def missing(self, device: str, precision: str) -> str:
        """See `Backend.missing`."""
        if problem := missing_packages(self.packages) or on_cpu_alone(device, "openvino"):
            return problem
        if precision != "fp32" and precision.upper() not in capabilities():
            return f"this processor does not calculate in {precision}: use --precision fp32."
        return ""

    def prepare(
        self, network: nn.Module, device: str, precision: str, example: Tensor | None = None
    ) -> Forward:
        """Write the network as ONNX and compile it; one image at a time has all threads."""
        import openvino
        import torch

        model = to_onnx(network, example_of(example, "openvino"))
        core = openvino.Core()
        compiled = core.compile_model(
            core.read_model(model.data),
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": HINTS[precision],
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "NUM_STREAMS": 1,
                "ENABLE_HYPER_THREADING": True,
                "ENABLE_CPU_PINNING": False,
            },
        )
        request = compiled.create_infer_request()
        return as_arrays(lambda array: request.infer({0: array}, share_inputs=True)[0])
