"""ONNX Runtime on the CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.backends.base import Forward, example_of, missing_packages, on_cpu_alone
from suite.backends.onnx_file import INPUT, as_arrays, to_onnx

if TYPE_CHECKING:
    from torch import Tensor, nn


def open_session(data: bytes, threads: int) -> Any:
    """A session of a model on the CPU, with all optimisations and a stated number of threads.

    Threads don't spin while they wait, or they would take time from whatever runs between two passes.
    """
    import onnxruntime  # type: ignore[import-untyped]

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


@dataclass(frozen=True, slots=True)
class OnnxRuntime:
    """The network as an ONNX model in ONNX Runtime, in float32."""

    description: str
    packages: tuple[str, ...] = ("onnx", "onnxruntime")
    outside: bool = True
    takes_any_operator: bool = False

    def missing(self, device: str, precision: str) -> str:
        """See `Backend.missing`."""
        if precision != "fp32":
            return (
                f"ONNX Runtime has no {precision} convolution for the CPU: use --precision fp32, "
                "or the backend openvino."
            )
        return missing_packages(self.packages) or on_cpu_alone(device, "onnxruntime")

    def prepare(
        self, network: nn.Module, device: str, precision: str, example: Tensor | None = None
    ) -> Forward:
        """Write the network as ONNX and open it."""
        import torch

        model = to_onnx(network, example_of(example, "onnxruntime"))
        session = open_session(model.data, torch.get_num_threads())
        return as_arrays(lambda array: session.run(None, {INPUT: array})[0])
