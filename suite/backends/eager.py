"""PyTorch as it is, in its usual layout of memory or with the channels of a pixel side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from suite.backends.base import Forward, missing_device, place, settle

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Eager:
    """PyTorch, operator by operator."""

    description: str
    channels_last: bool = False
    """Whether weights and images are laid out as ``(N, H, W, C)`` in memory."""
    packages: tuple[str, ...] = ()
    outside: bool = False
    takes_any_operator: bool = True

    def missing(self, device: str, precision: str) -> str:
        """See `Backend.missing`."""
        return missing_device(device)

    def prepare(
        self, network: nn.Module, device: str, precision: str, example: Tensor | None = None
    ) -> Forward:
        """Move the network to the device and precision; inputs follow it."""
        import torch

        layout = torch.channels_last if self.channels_last else torch.preserve_format
        network = settle(network, device, precision)
        if self.channels_last:
            network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

        def forward(image: Tensor) -> Tensor:
            with torch.inference_mode():
                return network(place(image, device, precision).contiguous(memory_format=layout))

        def as_it_is(image: Tensor) -> Tensor:
            with torch.inference_mode():
                return network(place(image, device, precision))

        return forward if self.channels_last else as_it_is
