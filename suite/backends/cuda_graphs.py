"""A CUDA graph: all kernels of a forward pass, recorded once and started together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from suite.backends.base import Forward, missing_device, place, settle

if TYPE_CHECKING:
    from torch import Tensor, nn

WARM_UP = 3
"""Passes before recording, in which cuDNN chooses its algorithms."""
MOST = 8
"""Sizes whose graphs are kept, each with the memory of a forward pass; the oldest goes first."""


@dataclass(frozen=True, slots=True)
class CudaGraphs:
    """PyTorch's own kernels without the time that starting each of them takes."""

    description: str
    packages: tuple[str, ...] = ()
    outside: bool = False
    takes_any_operator: bool = False

    def missing(self, device: str, precision: str) -> str:
        """See `Backend.missing`."""
        if device != "cuda":
            return "CUDA graphs need a CUDA device: use --device cuda."
        return missing_device(device)

    def prepare(
        self, network: nn.Module, device: str, precision: str, example: Tensor | None = None
    ) -> Forward:
        """Record at the first image of each size; another image of that size starts the graph again.

        The output lies in the graph's own memory, so it is copied for the caller.
        """
        import torch

        network = settle(network, device, precision)
        graphs: dict[tuple[int, ...], tuple[Any, Tensor, Tensor]] = {}

        def record(image: Tensor) -> tuple[Any, Tensor, Tensor]:
            inside = image.clone()
            aside = torch.cuda.Stream()  # type: ignore[no-untyped-call]
            aside.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(aside):
                for _ in range(WARM_UP):
                    network(inside)
            torch.cuda.current_stream().wait_stream(aside)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                output = network(inside)
            return graph, inside, output

        def forward(image: Tensor) -> Tensor:
            with torch.inference_mode():
                image = place(image, device, precision)
                size = tuple(image.shape)
                if size not in graphs:
                    while len(graphs) >= MOST:
                        del graphs[next(iter(graphs))]
                    graphs[size] = record(image)
                graph, inside, output = graphs[size]
                inside.copy_(image)
                graph.replay()
                return output.clone()

        return forward
