"""A network as an ONNX model whose height and width are free."""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.backends.base import Forward
from suite.errors import SuiteError
from suite.isolation import one_line

if TYPE_CHECKING:
    from torch import Tensor, nn

OPSET = 17
"""Version of ONNX's operators in a traced model."""
OPSET_OF_GRAPHS = 18
"""The same where the network's graph is read instead: the lowest that PyTorch's exporter writes then."""
INPUT, OUTPUT = "image", "upscaled"
"""Names of what goes in and comes out."""


@dataclass(frozen=True, slots=True)
class OnnxModel:
    """A network that left PyTorch. ``(1, C, height, width)`` float32 in and out, height and width free."""

    data: bytes
    """The file."""
    opset: int
    exporter: str
    """How it was found: ``trace`` or ``graph``."""


def to_onnx(network: nn.Module, example: Tensor) -> OnnxModel:
    """The ONNX model of a network on the CPU in float32; ``example`` is ``(1, C, H, W)`` of its kind.

    A trace of one pass is tried first, since it takes any code and little time; what it froze, such as a
    branch by size, shows when outputs are compared. Where it fails, the network's graph is read. Raises
    `SuiteError` if neither works.
    """
    import onnx

    problems = []
    for exporter, opset, export in (("trace", OPSET, _trace), ("graph", OPSET_OF_GRAPHS, _graph)):
        try:
            with _quiet():
                data = export(network, example)
                onnx.checker.check_model(data, full_check=True)  # a trace may hold what no reader takes
            return OnnxModel(data, opset, exporter)
        except Exception as error:  # the exporters raise whatever a network leads them into
            problems.append(f"{exporter}: {one_line(error)}")
    raise SuiteError(f"the network cannot be written as ONNX ({'; '.join(problems)})")


def _trace(network: nn.Module, example: Tensor) -> bytes:
    import torch

    file = io.BytesIO()
    free = {2: "height", 3: "width"}
    torch.onnx.export(
        network,
        (example,),
        file,  # type: ignore[arg-type]  # this exporter takes a stream too
        dynamo=False,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes={INPUT: free, OUTPUT: {2: "upscaled_height", 3: "upscaled_width"}},
        opset_version=OPSET,
    )
    return file.getvalue()


def _graph(network: nn.Module, example: Tensor) -> bytes:
    import torch

    free = torch.export.Dim.DYNAMIC
    program = torch.onnx.export(
        network,
        (example,),
        dynamo=True,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({2: free, 3: free},),
        opset_version=OPSET_OF_GRAPHS,
        verbose=False,
    )
    assert program is not None
    data: bytes = program.model_proto.SerializeToString()
    return data


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporters say of their own future, and of branches that were traced, off the terminal."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), open(os.devnull, "w") as nowhere:
            warnings.simplefilter("ignore")
            with contextlib.redirect_stdout(nowhere):
                yield
    finally:
        logger.setLevel(level)


def as_arrays(run: Callable[..., object]) -> Forward:
    """A function of tensors from one that takes and gives NumPy arrays, float32."""
    import numpy as np
    import torch

    def forward(image: Tensor) -> Tensor:
        array = image.detach().float().contiguous().cpu().numpy()
        return torch.from_numpy(np.asarray(run(array)))

    return forward
