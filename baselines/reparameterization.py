"""Re-parameterisation: blocks of several linear branches for training that become one convolution after it.

A branch is linear as long as no activation stands in it, so a sequence of convolutions is a convolution and
a sum of convolutions is one too (RepVGG, arXiv 2101.03697; Diverse Branch Block, arXiv 2103.13425; ECB,
ACM MM 2021). What happens at the border decides whether that is exact: where a 3x3 convolution follows a
layer with a bias, the row that pads it must hold what that layer makes of zeros, not zeros. Here the input is
padded before the first layer, which gives just that.

All kernels are of odd size and stride 1, and the folded convolution pads so as to keep the size.
"""

from __future__ import annotations

import copy
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Form = Literal["inference", "training"]
"""``inference``: plain convolutions, what costs and checkpoints refer to. ``training``: with all branches."""


class Kernel(NamedTuple):
    """A convolution as numbers: ``weight`` is ``(out, in, k, k)``, ``bias`` is ``(out,)``."""

    weight: Tensor
    bias: Tensor


class Foldable(nn.Module):
    """A module of the training form that knows its equivalent in the inference form."""

    def folded(self) -> nn.Module:
        """What stands for this module in the inference form: the same function, up to rounding."""
        raise NotImplementedError


def fold(network: nn.Module) -> nn.Module:
    """A copy of a network with each `Foldable` module replaced by its folded one.

    Takes a network in the training form (evaluation mode is what the result equals) and gives its inference
    form; the network itself is left as it is.
    """
    if isinstance(network, Foldable):
        return network.folded().train(network.training)
    result = copy.deepcopy(network)
    for name, child in result.named_children():
        setattr(result, name, fold(child))
    return result


def kernel_of(layer: nn.Module) -> Kernel:
    """A convolution (also a grouped one) or a batch normalisation in evaluation mode as a dense kernel."""
    if isinstance(layer, nn.BatchNorm2d):
        assert layer.running_mean is not None and layer.running_var is not None
        factor = layer.weight / (layer.running_var + layer.eps).sqrt()
        return Kernel(torch.diag(factor)[:, :, None, None], layer.bias - factor * layer.running_mean)
    assert isinstance(layer, nn.Conv2d)
    bias = layer.bias if layer.bias is not None else layer.weight.new_zeros(layer.out_channels)
    groups = layer.weight.chunk(layer.groups)
    inputs = layer.in_channels // layer.groups
    dense = [
        F.pad(group, (0, 0, 0, 0, i * inputs, layer.in_channels - (i + 1) * inputs))
        for i, group in enumerate(groups)
    ]
    return Kernel(torch.cat(dense), bias)


def sequence(first: Kernel, *others: Kernel) -> Kernel:
    """The convolution that equals convolutions one after another, at most one of them wider than 1x1.

    Raises ``ValueError`` if two are wider: at the border such a sequence is no convolution.
    """
    result = first
    for kernel in others:
        if min(result.weight.shape[-1], kernel.weight.shape[-1]) > 1:
            raise ValueError("two kernels wider than 1x1 in sequence do not fold into one convolution")
        # One of the two is 1x1, so (y, x) and (u, v) together run over the size of the wider one.
        weight = torch.einsum("omyx,miuv->oiyuxv", kernel.weight, result.weight)
        size = max(result.weight.shape[-1], kernel.weight.shape[-1])
        bias = kernel.bias + torch.einsum("omyx,m->o", kernel.weight, result.bias)
        result = Kernel(weight.reshape(*weight.shape[:2], size, size), bias)
    return result


def parallel(*kernels: Kernel) -> Kernel:
    """The convolution that equals the sum of convolutions of the same input."""
    size = max(kernel.weight.shape[-1] for kernel in kernels)
    margins = [(size - kernel.weight.shape[-1]) // 2 for kernel in kernels]
    weights = [F.pad(kernel.weight, (m, m, m, m)) for kernel, m in zip(kernels, margins, strict=True)]
    return Kernel(torch.stack(weights).sum(dim=0), torch.stack([k.bias for k in kernels]).sum(dim=0))


def joined(*kernels: Kernel) -> Kernel:
    """The sum of convolutions of different inputs, as one of their concatenation."""
    return Kernel(
        torch.cat([kernel.weight for kernel in kernels], dim=1),
        torch.stack([kernel.bias for kernel in kernels]).sum(dim=0),
    )


def stacked(*kernels: Kernel) -> Kernel:
    """The concatenated outputs of convolutions of the same input, as one convolution."""
    return Kernel(
        torch.cat([kernel.weight for kernel in kernels]), torch.cat([kernel.bias for kernel in kernels])
    )


def identity(like: Kernel) -> Kernel:
    """The 1x1 kernel that passes on its input, for as many channels as ``like`` gives out."""
    channels = like.weight.shape[0]
    eye = torch.eye(channels, dtype=like.weight.dtype, device=like.weight.device)
    return Kernel(eye[:, :, None, None], torch.zeros_like(like.bias))


def convolution(kernel: Kernel) -> nn.Conv2d:
    """The layer of a kernel: stride 1, padded so as to keep the size."""
    outputs, inputs, size, _ = kernel.weight.shape
    layer = nn.Conv2d(inputs, outputs, size, padding=size // 2).to(kernel.weight)
    layer.load_state_dict({"weight": kernel.weight.detach(), "bias": kernel.bias.detach()})
    return layer


# Branches: what a multi-branch convolution is made of

BranchKind = Literal["3x3", "1x1", "1x1-3x3", "sobel-x", "sobel-y", "laplacian", "identity"]
"""``1x1-3x3`` widens the channels in between; the three edge filters act on the channels of a 1x1
convolution, each scaled by a learned factor."""

_EDGES: dict[str, tuple[tuple[float, ...], ...]] = {
    "sobel-x": ((1, 0, -1), (2, 0, -2), (1, 0, -1)),
    "sobel-y": ((1, 2, 1), (0, 0, 0), (-1, -2, -1)),
    "laplacian": ((0, 1, 0), (1, -4, 1), (0, 1, 0)),
}


class EdgeFilter(nn.Module):
    """A fixed 3x3 filter on each channel, times a learned factor a channel, plus a learned bias.

    ``(N, channels, H, W)`` to ``(N, channels, H - 2, W - 2)``.
    """

    pattern: Tensor

    def __init__(self, channels: int, pattern: tuple[tuple[float, ...], ...]) -> None:
        super().__init__()
        self.register_buffer("pattern", torch.tensor(pattern, dtype=torch.float32))
        self.factor = nn.Parameter(1e-3 * torch.randn(channels))
        self.bias = nn.Parameter(1e-3 * torch.randn(channels))

    @property
    def weight(self) -> Tensor:
        """The filters as the weight of a depthwise convolution, ``(channels, 1, 3, 3)``."""
        return self.factor[:, None, None, None] * self.pattern

    def kernel(self) -> Kernel:
        """The filters as a dense kernel."""
        return Kernel(torch.diag(self.factor)[:, :, None, None] * self.pattern, self.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to ``(N, channels, H - 2, W - 2)``."""
        return F.conv2d(x, self.weight, self.bias, groups=len(self.factor))


def _branch(kind: BranchKind, in_channels: int, out_channels: int, expansion: int) -> nn.Module:
    """The layers of a branch but for ``identity``, which has none."""
    match kind:
        case "3x3":
            return nn.Conv2d(in_channels, out_channels, 3, padding=1)
        case "1x1":
            return nn.Conv2d(in_channels, out_channels, 1)
        case "1x1-3x3":
            middle = expansion * out_channels
            return nn.Sequential(
                nn.Conv2d(in_channels, middle, 1, padding=1), nn.Conv2d(middle, out_channels, 3)
            )
        case "identity":
            return nn.Identity()
    pointwise = nn.Conv2d(in_channels, out_channels, 1, padding=1)
    return nn.Sequential(pointwise, EdgeFilter(out_channels, _EDGES[kind]))


class MultiBranchConv(Foldable):
    """The sum of several branches, which is one 3x3 convolution: ``(N, in, H, W)`` to ``(N, out, H, W)``.

    ``kinds`` names the branches; ``identity`` needs as many outputs as inputs. ``expansion`` times as many
    channels as it gives out stand inside ``1x1-3x3``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kinds: tuple[BranchKind, ...], *, expansion: int = 2
    ) -> None:
        super().__init__()
        self.branches = nn.ModuleDict(
            {kind: _branch(kind, in_channels, out_channels, expansion) for kind in kinds}
        )

    def forward(self, x: Tensor) -> Tensor:
        """``(N, in_channels, H, W)`` to ``(N, out_channels, H, W)``."""
        return torch.stack([branch(x) for branch in self.branches.values()]).sum(dim=0)

    def folded(self) -> nn.Conv2d:
        """One 3x3 convolution."""
        kernels: list[Kernel] = []
        for branch in self.branches.values():
            if isinstance(branch, nn.Sequential):
                kernels.append(sequence(*map(_kernel_of_part, branch)))
            elif not isinstance(branch, nn.Identity):
                kernels.append(kernel_of(branch))
        if "identity" in self.branches:
            kernels.append(identity(kernels[0]))
        return convolution(parallel(*kernels))


def _kernel_of_part(part: nn.Module) -> Kernel:
    return part.kernel() if isinstance(part, EdgeFilter) else kernel_of(part)


class ResidualExpansion(Foldable):
    """A 3x3 convolution at ``expansion`` times the channels, between two 1x1 ones, in two residuals.

    One residual goes around the 3x3 convolution, one around all (the RRRB of FMEN). Takes and gives
    ``(N, channels, H, W)``.
    """

    def __init__(self, channels: int, *, expansion: int = 2) -> None:
        super().__init__()
        middle = expansion * channels
        self.expand = nn.Conv2d(channels, middle, 1, padding=1)
        self.refine = nn.Conv2d(middle, middle, 3)
        self.reduce = nn.Conv2d(middle, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``(N, channels, H, W)`` to the same shape."""
        expanded = self.expand(x)
        return self.reduce(self.refine(expanded) + expanded[..., 1:-1, 1:-1]) + x

    def folded(self) -> nn.Conv2d:
        """One 3x3 convolution."""
        refine, reduce = kernel_of(self.refine), kernel_of(self.reduce)
        inside = parallel(refine, identity(refine))
        whole = sequence(kernel_of(self.expand), inside, reduce)
        return convolution(parallel(whole, identity(reduce)))
