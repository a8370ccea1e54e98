"""BSRN with fused blocks: compiled C++ that keeps what a block computes in the cache (`cpp/`).

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

from bsrn.attention import CCA, ESA, MIN_INPUT
from bsrn.convolutions import BSConvU
from bsrn.network import BSRN, ESDB

COMPILERS = ("c++", "g++", "clang++")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-fno-math-errno", "-fPIC", "-shared", "-pthread")
SOURCE = Path(__file__).with_name("cpp") / "network.cpp"


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
    digest = hashlib.sha256()
    for file in sorted(SOURCE.parent.iterdir()):
        digest.update(file.read_bytes())
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
        library = ctypes.CDLL(str(target))
        library.bsrn_memory.restype = ctypes.c_long
        return library
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


class FusedBSRN(nn.Module):
    """`BSRN` with fused blocks, on the CPU. Takes and gives what `BSRN` does.

    In float32, or after ``to(torch.bfloat16)`` with the products of the larger 1x1 convolutions, and the last
    convolution, in bfloat16 and everything else in float32; the image it gives is float32 in both.
    """

    def __init__(self, network: Any, library: ctypes.CDLL) -> None:  # a BSRN
        super().__init__()
        self._library = library
        self._blocks = len(network.blocks)
        vector = library.vector_floats()
        # Not parameters: what ``to(torch.bfloat16)`` does to a network must not round them twice.
        self._weights = {low: _weights(network, vector, low) for low in (False, True)}
        self._channels: int = network.fuse.out_channels
        self.upsample = network.upsample.to(memory_format=torch.channels_last)

    def forward(self, image: Tensor) -> Tensor:
        """``(N, 3, H, W)`` to ``(N, 3, scale * H, scale * W)``, in the precision of the layers."""
        kind = self.upsample[0].weight.dtype
        if image.dtype != kind or image.device.type != "cpu" or kind not in (torch.float32, torch.bfloat16):
            raise ValueError("fused blocks take float32 or bfloat16, that of their weights, on the CPU.")
        if kind == torch.bfloat16 and not self._library.has_bfloat16():
            raise CannotFuse("fused blocks in bfloat16 need a processor with AVX512-BF16.")
        if min(image.shape[-2:]) < MIN_INPUT:
            raise ValueError(f"BSRN takes images of at least {MIN_INPUT} x {MIN_INPUT} pixels.")
        outputs = [self.upsample(self.features(one).to(kind)).float() for one in image.float().contiguous()]
        return outputs[0] if len(outputs) == 1 else torch.cat(outputs)

    def features(self, image: Tensor) -> Tensor:
        """What the last convolution takes, ``(1, channels, H, W)``, of a contiguous float32 image."""
        height, width = image.shape[-2:]
        size, kind = (ctypes.c_long(height), ctypes.c_long(width)), self.upsample[0].weight.dtype
        memory = image.new_empty(self._library.bsrn_memory(*size))
        features = image.new_empty(1, height, width, self._channels)
        weights = self._weights[kind == torch.bfloat16]
        self._library.bsrn_features(
            (ctypes.c_void_p * len(weights))(*map(_address, weights)),
            ctypes.c_long(self._blocks),
            ctypes.c_void_p(image.data_ptr()),
            *size,
            ctypes.c_void_p(memory.data_ptr()),
            ctypes.c_void_p(features.data_ptr()),
            ctypes.c_int(kind == torch.bfloat16),
            ctypes.c_int(torch.get_num_threads()),
        )
        return features.movedim(-1, 1)


def _weights(network: Any, vector: int, low: bool) -> list[Tensor | None]:
    """The struct ``Network`` of `cpp/network.cpp`, for products in bfloat16 if ``low`` is set."""
    channels = network.fuse.out_channels
    parts = _matrix(network.fuse).reshape(len(network.blocks), -1, channels)
    weights = [*_separable(_without_copies(network.head, network.copies), channels)]
    wide, *rest = _separable(network.tail, channels)
    weights += [_packed(wide, low), *rest, _bias(network.fuse, channels)]
    for block, part in zip(network.blocks, parts, strict=True):
        weights += [*_block_weights(block, vector, low), _packed(part, low)]
    return weights


def _block_weights(block: Any, vector: int, low: bool) -> list[Tensor | None]:
    """The struct ``Block`` of `cpp/network.cpp`, but for the last."""
    channels, kept = block.fuse.out_channels, _padded(block.last.depthwise.out_channels, vector)
    refine, esa, cca = block.refine, block.spatial, block.channel
    mid = _padded(esa.reduce.out_channels, vector)
    parts = _matrix(block.fuse).reshape(4, -1, channels)
    products = [
        *(_matrix(conv.pointwise) for conv in refine),
        _matrix(block.last.pointwise, outputs=kept),
        *(_matrix(conv, outputs=kept) for conv in block.distill),
        F.pad(parts, (0, 0, 0, kept - parts.shape[1])).flatten(0, 1),
        _matrix(esa.reduce, outputs=mid),
        _matrix(esa.shortcut, mid, mid),
        _matrix(esa.expand, inputs=mid),
    ]
    return [
        *(_packed(one, low) for one in products),
        *(_bias(conv.pointwise, channels) for conv in refine),
        *(_kernel(conv.depthwise, channels) for conv in refine),
        *(_bias(conv.depthwise, channels) for conv in refine),
        _bias(block.last.pointwise, kept),
        _kernel(block.last.depthwise, kept),
        _bias(block.last.depthwise, kept),
        *(_bias(conv, kept) for conv in block.distill),
        _bias(block.fuse, channels),
        _bias(esa.reduce, mid),
        _bias(esa.shortcut, mid),
        _bias(esa.expand, channels),
        *(weight for conv in (esa.strided, *esa.body[::2]) for weight in _separable(conv, mid, mid)),
        _matrix(cca.reduce).contiguous(),
        cca.reduce.bias.detach(),
        _matrix(cca.expand).contiguous(),
        cca.expand.bias.detach(),
    ]


def _separable(
    conv: Any, outputs: int, inputs: int = 0
) -> tuple[Tensor, Tensor | None, Tensor, Tensor | None]:
    """The struct ``Separable`` of `cpp/network.cpp`, in float32."""
    pointwise, depthwise = conv.pointwise, conv.depthwise
    return (
        _matrix(pointwise, inputs, outputs).contiguous(),
        _bias(pointwise, outputs),
        _kernel(depthwise, outputs),
        _bias(depthwise, outputs),
    )


def _address(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


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
