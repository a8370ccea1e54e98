"""The counts of other tools: fvcore, both back ends of ptflops, the NTIRE 2022 script.

The tools' own code counts, but no arithmetic is done: networks and images are tensors that have all
properties of tensors on the CPU except data. What a tool says is what it says of a real forward pass.
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import nn
from torch._subclasses.fake_tensor import (
    FakeCopyMode,
    FakeTensor,
    FakeTensorMode,
    unset_fake_temporarily,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from suite.errors import SuiteError
from suite.task import Size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

aten = torch.ops.aten


@contextlib.contextmanager
def without_data(network: nn.Module, size: Size) -> Iterator[tuple[nn.Module, Tensor]]:
    """A copy of a network and an image of it, both on the CPU and without data, while the context lasts.

    The layout in memory is that of real tensors, because PyTorch chooses operators by it (a linear layer
    is one operator on contiguous data, two on other data).
    """
    mode = FakeTensorMode(allow_non_fake_inputs=True)
    with FakeCopyMode(mode):
        twin = copy.deepcopy(network)
    with torch.no_grad(), mode, _Unseen():  # type: ignore[no-untyped-call]
        yield twin, torch.empty(1, *size)


class _Unseen(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Executes operators on tensors without data so that a tool sees no more than in a real pass.

    The shape of a result is computed in Python. What that calls must not get into a trace (fvcore) nor
    through functions that a tool has replaced (ptflops).
    """

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
        if tensors and not any(isinstance(tensor, FakeTensor) for tensor in tensors):
            with unset_fake_temporarily():  # sizes, which are tensors in a trace, have their values
                return func(*args, **kwargs)
        if func is aten._convolution.default:
            func, args = aten.convolution.default, args[:9]
        elif func is aten.convolution.default and torch._C._get_tracing_state() is not None:
            return self._traced_convolution(args)
        with _untraced(), _unreplaced():
            return func(*args, **kwargs)

    def _traced_convolution(self, args: Sequence[Any]) -> Any:
        """A convolution with what its CPU kernel would write into the trace: ``_convolution``."""
        _exclude_tracer(False)
        try:
            with self:
                return aten._convolution.default(*args, False, False, False, False)
        finally:
            _exclude_tracer(True)


def _exclude_tracer(excluded: bool) -> None:
    torch._C._dispatch_tls_set_dispatch_key_excluded("Tracer", excluded)


@contextlib.contextmanager
def _untraced() -> Iterator[None]:
    """No trace is written, and sizes are numbers."""
    state = torch._C._get_tracing_state()
    if state is None:
        yield
        return
    excluded = torch._C._dispatch_tls_is_dispatch_key_excluded("Tracer")
    _exclude_tracer(False)  # else PyTorch refuses to change the state
    torch._C._set_tracing_state(None)  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch._C._set_tracing_state(state)  # type: ignore[attr-defined]
        _exclude_tracer(excluded)


@contextlib.contextmanager
def _unreplaced() -> Iterator[None]:
    """Calls of functions that ptflops has replaced are taken out of its lists again."""
    lists = [getattr(function, "collector", []) for function in (F.relu, torch.add)]
    lengths = [len(one) for one in lists]
    try:
        yield
    finally:
        for one, length in zip(lists, lengths, strict=True):
            del one[length:]


def fvcore_macs(network: nn.Module, size: Size) -> int:
    """``FlopCountAnalysis(...).total()`` of fvcore, whose "flops" are multiply-accumulates."""
    from fvcore.nn import FlopCountAnalysis

    logger = logging.getLogger("fvcore.nn.jit_analysis")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with without_data(network, size) as (twin, image):
            analysis = FlopCountAnalysis(twin, image)
            analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
            return int(analysis.total())
    finally:
        logger.setLevel(level)


def ptflops_macs(network: nn.Module, size: Size, backend: str = "pytorch") -> int:
    """The count of ptflops. Raises `SuiteError` if it fails.

    ``backend`` is ``pytorch``, its default (hooks on modules and functions), or ``aten`` (operators).
    """
    import ptflops

    said = io.StringIO()
    with (
        contextlib.redirect_stdout(said),
        contextlib.redirect_stderr(said),
        without_data(network, size) as (twin, image),
    ):
        macs, _ = ptflops.get_model_complexity_info(
            twin,
            size,
            as_strings=False,
            print_per_layer_stat=False,
            backend=backend,
            input_constructor=lambda _: image,
        )
    if macs is None:
        raise SuiteError("ptflops could not count this network.")
    return int(macs)


def ptflops_aten_macs(network: nn.Module, size: Size) -> int:
    """The count of ptflops with its back end ``aten``."""
    return ptflops_macs(network, size, "aten")


def ntire_counts(network: nn.Module, size: Size) -> tuple[int, int]:
    """``macs_ntire`` and ``activations_ntire`` of one input: the NTIRE 2022 script's conventions.

    The script hooks modules: convolutions count kernel elements at every output position (also
    transposed ones, which is ``stride^2`` times too much) without bias, ReLU-like activations one per
    element, batch normalisation one or (with affine parameters) two, and a linear layer
    ``batch * input.shape[1] * output.shape[1]``, which is right for a matrix of features only. Its
    activations are the outputs of ``nn.Conv2d`` and ``nn.ConvTranspose2d``. ``network`` is on the meta
    device.
    """
    counts = [0, 0]

    def hook(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        match module:
            case nn.Conv2d() | nn.ConvTranspose2d():
                kernel = math.prod(module.kernel_size) * module.in_channels // module.groups
                counts[0] += kernel * output.numel()
                counts[1] += output.numel()
            case nn.BatchNorm2d():
                counts[0] += output.numel() * (2 if module.affine else 1)
            case nn.Linear():
                counts[0] += output.shape[0] * inputs[0].shape[1] * output.shape[1]
            case nn.ReLU() | nn.PReLU() | nn.ELU() | nn.LeakyReLU() | nn.ReLU6():
                counts[0] += output.numel()

    hooks = [module.register_forward_hook(hook) for module in network.modules()]
    try:
        with torch.no_grad():
            network(torch.empty((1, *size), device="meta"))
    finally:
        for handle in hooks:
            handle.remove()
    return counts[0], counts[1]
