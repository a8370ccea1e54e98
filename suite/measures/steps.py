"""A forward pass as a list of steps: which operator, of which layer, with what it costs."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from suite.kinds import VIEWS, kind_of
from suite.measures.operators import RULES, OperatorCounter
from suite.measures.walk import operator_name

if TYPE_CHECKING:
    from torch import Tensor, nn

    from suite.backends import Forward

NETWORK = "(network)"
"""Path of what the network executes outside of its layers."""


@dataclass(frozen=True, slots=True)
class Step:
    """One operator as the network called it."""

    path: str
    """Dotted path of the innermost layer that it belongs to, or `NETWORK`."""
    layer: str
    """Class of that layer."""
    operator: str
    kind: str
    """Of the part that multiplies, else of the one that moves most: one of `suite.kinds.ORDER`."""
    params: int
    """Elements of the parameters that it is the first to read."""
    macs: int
    activations: int
    convolutions: int
    bytes_moved: int


class _Locator(OperatorCounter):  # type: ignore[no-untyped-call]
    """Counts, and notes the layer, the kind and the new parameters of each call."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.stack = [(NETWORK, type(network).__name__)]
        self.places: list[tuple[str, str]] = []
        self.kinds: list[str] = []
        self.params: list[int] = []
        self._weight = (False, 0)
        self._unread = {id(parameter): parameter.numel() for parameter in network.parameters()}

    def begin(self, func: Any, args: Sequence[Any]) -> None:
        super().begin(func, args)
        self.places.append(self.stack[-1])
        self.kinds.append(VIEWS)
        self.params.append(0)
        self._weight = (False, 0)

    def execute(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        before = self.tally.bytes_moved
        self.params[-1] += sum(
            self._unread.pop(id(leaf), 0)
            for leaf in torch.utils._pytree.tree_leaves((args, kwargs))
            if isinstance(leaf, torch.Tensor)
        )
        output = super().execute(func, args, kwargs)
        weight = (func.overloadpacket in RULES, self.tally.bytes_moved - before)
        if weight > self._weight:
            self._weight = weight
            self.kinds[-1] = kind_of(operator_name(func), args)
        return output


def walk(network: nn.Module, forward: Forward, image: Tensor) -> tuple[Step, ...]:
    """The steps of ``forward(image)``, which executes ``network``, in their order.

    The figures are those of `suite.measures.operators.tally`. Works on the meta device, too.
    """
    locator = _Locator(network)
    with _located(network, locator.stack), torch.inference_mode(), locator:
        forward(image)
    return tuple(
        Step(
            path=path,
            layer=layer,
            operator=call.name,
            kind=kind,
            params=params,
            macs=call.macs,
            activations=call.activations,
            convolutions=call.convolutions,
            bytes_moved=call.bytes_moved,
        )
        for (path, layer), kind, params, call in zip(
            locator.places, locator.kinds, locator.params, locator.tally.calls, strict=True
        )
    )


@contextlib.contextmanager
def _located(network: nn.Module, stack: list[tuple[str, str]]) -> Iterator[None]:
    """Keep the path of the layer that is being executed on top of a stack."""

    def enter(place: tuple[str, str]) -> Any:
        return lambda *_: stack.append(place)

    def leave(*_: Any) -> None:
        stack.pop()

    handles = []
    for path, module in network.named_modules():
        if path:
            handles.append(module.register_forward_pre_hook(enter((path, type(module).__name__))))
            handles.append(module.register_forward_hook(leave, always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
