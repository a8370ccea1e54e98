"""BSRN with fused blocks: compiled C++ that keeps what a block computes in the cache (`native.cpp`).

The arithmetic is that of `bsrn.network.BSRN`, in another order of additions. What is gained: a block's
intermediate features never travel to memory, activations and residuals cost no pass of their own, and nothing
is concatenated. Needs a C++ compiler, once a machine and width of network.
"""

from __future__ import annotations

import copy
import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsrn.attention import CCA, ESA
from bsrn.convolutions import BSConvU
from bsrn.network import BSRN, ESDB

COMPILERS = ("c++", "g++", "clang++")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fPIC", "-shared", "-pthread")
SOURCE = Path(__file__).with_name("native.cpp")


class CannotFuse(Exception):
    """The network, or the machine, has no fused form; the message says why in one sentence."""


def fuse_blocks(network: nn.Module) -> nn.Module:
    """A network with fused blocks that gives what ``network`` gives, on the CPU in float32.

    ``network`` is a `BSRN` as published (BSConv-U, GELU, ESA then CCA); it is not changed. The new one takes
    and gives what the old one does. Raises `CannotFuse`.
    """
    if not isinstance(network, BSRN) or not all(map(_is_published, network.blocks)):
        raise CannotFuse("only BSRN as published (BSConv-U, GELU, ESA then CCA) has fused blocks.")
    if any((p.device.type, p.dtype) != ("cpu", torch.float32) for p in network.parameters()):
        raise CannotFuse("fused blocks are made of float32 weights on the CPU.")
    channels: int = network.fuse.weight.shape[0]  # type: ignore[index, assignment]
    library = compile_blocks(channels)
    if channels % library.vector_floats():
        raise CannotFuse(f"{channels} channels are no multiple of this processor's vectors.")
    return FusedBSRN(copy.deepcopy(network), library)


def _is_published(block: nn.Module) -> bool:
    return (
        isinstance(block, ESDB)
        and isinstance(block.activation, nn.GELU)
        and block.activation.approximate == "none"
        and block.attention == "esa-cca"
        and isinstance(block.spatial, ESA)
        and isinstance(block.channel, CCA)
        and all(isinstance(conv, BSConvU) for conv in [*block.refine, block.last])
        and all(isinstance(conv, nn.Conv2d) for conv in [*block.distill, block.fuse, block.spatial.reduce])
    )


def cache_folder() -> Path:
    """Where compiled code is kept: below ``$XDG_CACHE_HOME``, else ``~/.cache``."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "efficient-sr-suite" / "native"


@functools.cache
def compile_blocks(channels: int) -> ctypes.CDLL:
    """The library for a width of the network, compiled for this processor unless that was done before.

    Raises `CannotFuse` where there is no compiler or it fails.
    """
    compiler = next(filter(None, map(shutil.which, COMPILERS)), None)
    if compiler is None:
        raise CannotFuse(
            f"fused blocks need a C++ compiler, and none of {', '.join(COMPILERS)} is on the path."
        )
    widths = (f"-DCHANNELS={channels}", f"-DKEPT={channels // 2}", f"-DMID={channels // 4}")
    command = [compiler, *FLAGS, *widths, str(SOURCE)]
    digest = hashlib.sha256(SOURCE.read_bytes())
    digest.update(repr([*command, _version(compiler), _processor()]).encode())
    target = cache_folder() / f"{digest.hexdigest()[:24]}.so"
    try:
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent) as folder:
                made = Path(folder) / target.name
                done = subprocess.run(
                    [*command, "-o", str(made)], capture_output=True, text=True, check=False
                )
                if done.returncode:
                    lines = done.stderr.strip().splitlines() or ["no message"]
                    raise CannotFuse(f"{compiler} cannot compile the fused blocks: {lines[0]}")
                made.replace(target)
        return ctypes.CDLL(str(target))
    except OSError as error:
        raise CannotFuse(f"the fused blocks cannot be kept in {target.parent}: {error}") from None


def _version(compiler: str) -> str:
    done = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False)
    return done.stdout


def _processor() -> str:
    """What ``-march=native`` depends on."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() + platform.machine()
    return next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")


class FusedESDB(nn.Module):
    """The weights of one block in the order and layout of `native.cpp`, and the small rest of its attentions.

    Their precision never changes: what ``to(torch.bfloat16)`` does to a network must not round them twice.
    """

    def __init__(self, block: Any, vector: int) -> None:  # an ESDB; PyTorch types its parts as any module
        super().__init__()
        channels, mid = block.fuse.out_channels, _padded(block.spatial.reduce.out_channels, vector)
        kept = _padded(block.last.depthwise.out_channels, vector)
        separable, esa = block.refine, block.spatial
        parts = _matrix(block.fuse).reshape(4, -1, channels)
        products = [
            *(_matrix(conv.pointwise) for conv in separable),
            _matrix(block.last.pointwise, outputs=kept),
            *(_matrix(conv, outputs=kept) for conv in block.distill),
            F.pad(parts, (0, 0, 0, kept - parts.shape[1])).flatten(0, 1),
            _matrix(esa.reduce, outputs=mid),
            _matrix(esa.shortcut, mid, mid),
            _matrix(esa.expand, inputs=mid),
        ]
        others = [
            *(_bias(conv.pointwise, channels) for conv in separable),
            *(_kernel(conv.depthwise, channels) for conv in separable),
            *(_bias(conv.depthwise, channels) for conv in separable),
            _bias(block.last.pointwise, kept),
            _kernel(block.last.depthwise, kept),
            _bias(block.last.depthwise, kept),
            *(_bias(conv, kept) for conv in block.distill),
            _bias(block.fuse, channels),
            _bias(esa.reduce, mid),
            _bias(esa.shortcut, mid),
            _bias(esa.expand, channels),
        ]
        self.weights = {low: [*(_packed(one, low) for one in products), *others] for low in (False, True)}
        self.mid, self.padded_mid = esa.reduce.out_channels, mid
        self.spatial: Any = esa
        self.channel: Any = block.channel

    def pointers(self, low: bool) -> ctypes.Array[ctypes.c_void_p]:
        """The struct ``Block`` of `native.cpp`, for products in bfloat16 if ``low`` is set."""
        addresses = (None if one is None else one.data_ptr() for one in self.weights[low])
        return (ctypes.c_void_p * len(self.weights[low]))(*addresses)

    def context(self, reduced: Tensor) -> Tensor:
        """The spatial attention at low resolution, as in `ESA`: ``(1, mid, H, W)`` to ``(1, mid, h, w)``."""
        return self.spatial.body(F.max_pool2d(self.spatial.strided(reduced), kernel_size=7, stride=3))

    def factors(self, mean: Tensor, deviation: Tensor) -> Tensor:
        """The factors of `CCA` from its statistics, each ``(C,)``."""
        layers, kind = self.channel, self.channel.reduce.weight.dtype
        contrast = (deviation + mean)[None, :, None, None].to(kind)
        return torch.sigmoid(layers.expand(layers.activation(layers.reduce(contrast)))).flatten().float()


class FusedBSRN(nn.Module):
    """`BSRN` with fused blocks, on the CPU. Takes and gives what `BSRN` does.

    In float32, or after ``to(torch.bfloat16)`` with the products of 1x1 convolutions, and the other layers,
    in bfloat16 and everything else in float32; the image it gives is float32 in both.
    """

    def __init__(self, network: Any, library: ctypes.CDLL) -> None:  # a BSRN
        super().__init__()
        self._library = library
        self.head: Any = _without_copies(network.head, network.copies)
        self.blocks = nn.ModuleList(FusedESDB(block, library.vector_floats()) for block in network.blocks)
        parts = _matrix(network.fuse).reshape(len(network.blocks), -1, network.fuse.out_channels)
        self.fuse = {low: [_packed(part, low) for part in parts] for low in (False, True)}
        self.fuse_bias = _bias(network.fuse, network.fuse.out_channels)
        self.activation, self.tail, self.upsample = network.activation, network.tail, network.upsample
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in the stubs

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, in the precision of the layers."""
        kind = self.head.pointwise.weight.dtype
        if image.dtype != kind or image.device.type != "cpu" or kind not in (torch.float32, torch.bfloat16):
            raise ValueError("fused blocks take float32 or bfloat16, that of their weights, on the CPU.")
        if kind == torch.bfloat16 and not self._library.has_bfloat16():
            raise CannotFuse("fused blocks in bfloat16 need a processor with AVX512-BF16.")
        outputs = [self._one(image[number : number + 1]) for number in range(len(image))]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)

    def _one(self, image: Tensor) -> Tensor:
        kind = image.dtype
        shallow = _last(self.head(_last(image)).float())
        total, *maps = (torch.empty_like(shallow) for _ in range(3))
        features = shallow
        for number in range(len(self.blocks)):
            self._block(number, features, maps[number % 2], total, kind == torch.bfloat16)
            features = maps[number % 2]
        deep = self.tail(self.activation(total).to(kind))
        return self.upsample((deep + shallow).to(kind)).float()

    def _block(self, number: int, x: Tensor, features: Tensor, total: Tensor, low: bool) -> None:
        """Write a block's result into ``features``, and its part of all blocks' fusion into ``total``."""
        block: Any = self.blocks[number]
        height, width = x.shape[-2:]
        size, ways = (_n(height), _n(width)), (ctypes.c_int(low), ctypes.c_int(torch.get_num_threads()))
        reduced = x.new_empty(1, height, width, block.padded_mid).movedim(-1, 1)
        weights = block.pointers(low)
        self._library.esdb_distil(weights, _p(x), *size, _p(features), _p(reduced), *ways)
        kind = torch.bfloat16 if low else torch.float32
        context = _last(block.context(reduced[:, : block.mid].to(kind)).float())
        moments = torch.empty(height, 2, x.shape[1], dtype=torch.float64)
        small = map(_n, context.shape[-2:])
        self._library.esdb_attend(
            weights, *map(_p, (features, reduced, context)), *small, *size, _p(moments), *ways
        )
        means, squares = moments.unbind(1)
        mean = means.mean(0)
        variance = squares.sum(0) / (height * width) + (means - mean).square().mean(0)
        scale = block.factors(mean.float(), variance.clamp(min=0).sqrt().float())
        given = (x, scale, self.fuse[low][number], self.fuse_bias)
        first = ctypes.c_int(number == 0)
        self._library.esdb_finish(*map(_p, given), _n(height * width), first, _p(features), _p(total), *ways)


def _p(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


_n = ctypes.c_long


def _last(x: Tensor) -> Tensor:
    """The same values, channels last in memory."""
    return x.contiguous(memory_format=torch.channels_last)


def _padded(channels: int, vector: int) -> int:
    return -(-channels // vector) * vector


def _matrix(conv: nn.Conv2d, inputs: int = 0, outputs: int = 0) -> Tensor:
    """The weights of a 1x1 convolution as ``(inputs, outputs)``, padded with zeros."""
    weight = conv.weight[:, :, 0, 0].t()
    more = (0, max(0, outputs - weight.shape[1]), 0, max(0, inputs - weight.shape[0]))
    return F.pad(weight.detach().float(), more)


def _packed(matrix: Tensor, low: bool) -> Tensor:
    """A matrix as the products take it: as it is, or in bfloat16 as ``(inputs / 2, outputs, 2)``."""
    return (matrix.bfloat16().reshape(-1, 2, matrix.shape[1]).transpose(1, 2) if low else matrix).contiguous()


def _kernel(conv: nn.Conv2d, channels: int) -> Tensor:
    """The weights of a depthwise 3x3 convolution as ``(9, channels)``, padded with zeros."""
    weight = conv.weight[:, 0].flatten(1).t()
    return F.pad(weight.detach().float(), (0, channels - weight.shape[1])).contiguous()


def _bias(conv: nn.Conv2d, channels: int) -> Tensor | None:
    return (
        None if conv.bias is None else F.pad(conv.bias.detach().float(), (0, channels - conv.bias.shape[0]))
    )


def _without_copies(head: Any, copies: int) -> BSConvU:
    """The first convolution for the image itself instead of several copies of it."""
    weight = head.pointwise.weight.detach()
    folded = BSConvU(weight.shape[1] // copies, weight.shape[0])
    folded.pointwise.weight = nn.Parameter(weight.unflatten(1, (copies, -1)).sum(1), requires_grad=False)
    folded.depthwise = head.depthwise
    return folded
