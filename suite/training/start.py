"""Initial weights from which a short schedule gets far: the network starts as an interpolation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from suite.errors import SuiteError

if TYPE_CHECKING:
    from torch import Tensor, nn


def start_as_interpolation(network: nn.Module, scale: int) -> None:
    """Change the initial weights so that the untrained network interpolates the image linearly.

    The first convolution passes the three colours through in its first three channels; the upsampling
    convolution turns them into every output phase by bilinear weights; the last convolution of the deep
    path starts at zero, so that the blocks add nothing at first but learn from the first step on. All
    other weights keep their random values.

    The network has ``head``, ``tail`` and ``upsample[0]`` as those of this project do. Raises `SuiteError`
    otherwise.
    """
    import torch
    from torch import nn

    parts = dict(network.named_children())
    if not {"head", "tail", "upsample"} <= parts.keys():
        raise SuiteError("start = 'interpolation' needs a network with head, tail and upsample.")
    last = next(layer for layer in parts["upsample"].modules() if isinstance(layer, nn.Conv2d))
    with torch.no_grad():
        _pass_colours(parts["head"])
        for parameter in _last_layer(parts["tail"]).parameters():
            parameter.zero_()
        last.weight.mul_(0.1)
        if last.bias is not None:
            last.bias.zero_()
        for phase in range(scale * scale):
            kernel = torch.outer(_taps(phase // scale, scale), _taps(phase % scale, scale))
            for colour in range(3):
                last.weight[colour * scale * scale + phase, :3] = 0
                last.weight[colour * scale * scale + phase, colour] = kernel


def _pass_colours(head: nn.Module) -> None:
    """Make the first three channels after the first convolution the colours of the image."""
    from torch import nn

    from bsrn.convolutions import BSConvU

    if isinstance(head, nn.Conv2d):
        for colour in range(3):
            _as_identity(head, colour, colour)
    elif isinstance(head, BSConvU):
        mixing = next(layer for layer in head.pointwise.modules() if isinstance(layer, nn.Conv2d | nn.Linear))
        copies = mixing.weight.shape[1] // 3
        for colour in range(3):
            mixing.weight[colour] = 0
            mixing.weight[colour, colour::3] = 1 / copies
            if mixing.bias is not None:
                mixing.bias[colour] = 0
            _as_identity(head.depthwise, colour, 0)
    else:
        raise SuiteError(f"start = 'interpolation' does not know a head of type {type(head).__name__}.")


def _as_identity(layer: nn.Conv2d, out: int, into: int) -> None:
    """Make one output channel of a 3x3 convolution a copy of one of its inputs."""
    layer.weight[out] = 0
    layer.weight[out, into, 1, 1] = 1
    if layer.bias is not None:
        layer.bias[out] = 0


def _last_layer(module: nn.Module) -> nn.Module:
    """The layer of a convolution that works last."""
    from torch import nn

    return [layer for layer in module.modules() if isinstance(layer, nn.Conv2d | nn.Linear)][-1]


def _taps(phase: int, scale: int) -> Tensor:
    """Weights of the neighbours before, at and after an input pixel for one output phase, linearly."""
    import torch

    offset = (phase + 0.5) / scale - 0.5
    return torch.tensor([max(0.0, -offset), 1 - abs(offset), max(0.0, offset)])
