"""What hooks on layers and on functions would see of a forward pass, beside the operators below them."""

from __future__ import annotations

import contextlib
import functools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch

from suite.measures.operators import OperatorCounter, Shape
from suite.task import Size

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class LayerCall:
    """One call of a layer with one tensor in and one out."""

    layer: nn.Module
    input_shape: Shape
    output_shape: Shape
    inputs: int
    """Elements of the input."""
    outputs: int
    macs: int
    """Multiply-accumulates that it executed."""


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """One call of a function by the network or by a layer of PyTorch."""

    name: str
    shapes: tuple[Shape | None, ...]
    """Shape of each argument that is a tensor, None for the others; a named ``input`` comes first."""
    outputs: int


@dataclass(slots=True)
class Observation:
    """What was seen of one forward pass."""

    layers: list[LayerCall] = field(default_factory=list)
    functions: list[FunctionCall] = field(default_factory=list)
    unseen: Counter[str] = field(default_factory=Counter)
    """Multiply-accumulates outside of all of them, by operator."""


class _Observer:
    """Hooks for a pass that `OperatorCounter` counts."""

    def __init__(self) -> None:
        self.counter = OperatorCounter()
        self.seen = Observation()
        self.starts: list[int] = []
        """Number of operators before each layer or function that is being executed."""
        self.covered: set[int] = set()
        """Operators inside of a layer or function, by number."""

    def enter(self, *_: Any) -> None:
        self.starts.append(len(self.counter.tally.calls))

    def leave(self) -> int:
        """Multiply-accumulates since the last `enter`."""
        calls = self.counter.tally.calls
        inside = range(self.starts.pop(), len(calls))
        self.covered.update(inside)
        return sum(calls[i].macs for i in inside)

    def leave_layer(self, layer: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        macs, x = self.leave(), inputs[0]
        self.seen.layers.append(
            LayerCall(layer, tuple(x.shape), tuple(output.shape), x.numel(), output.numel(), macs)
        )

    def wrap(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if self.counter.executing:  # an operator's own code, which no tool would see
                return function(*args, **kwargs)
            self.enter()
            output = function(*args, **kwargs)
            self.leave()
            tensors = [kwargs["input"], *args] if "input" in kwargs else args
            shapes = tuple(tuple(a.shape) if isinstance(a, torch.Tensor) else None for a in tensors)
            self.seen.functions.append(FunctionCall(name, shapes, output.numel()))
            return output

        return wrapper


def observe(
    network: nn.Module,
    size: Size,
    hooked: Callable[[nn.Module], bool],
    functions: Sequence[tuple[Any, str]],
) -> Observation:
    """One forward pass of a network on the meta device, seen through hooks.

    ``hooked`` says which layers have one; ``functions`` are owner and name of functions and methods that
    are replaced for the time of the pass.
    """
    observer = _Observer()
    handles = []
    for layer in filter(hooked, network.modules()):
        handles += [
            layer.register_forward_pre_hook(observer.enter),
            layer.register_forward_hook(observer.leave_layer),
        ]
    try:
        with torch.inference_mode(), _replaced(observer, functions), observer.counter:
            network(torch.empty((1, *size), device="meta"))
    finally:
        for handle in handles:
            handle.remove()
    for number, call in enumerate(observer.counter.tally.calls):
        if call.macs and number not in observer.covered:
            observer.seen.unseen[call.name] += call.macs
    return observer.seen


@contextlib.contextmanager
def _replaced(observer: _Observer, functions: Sequence[tuple[Any, str]]) -> Iterator[None]:
    originals = [(owner, name, getattr(owner, name)) for owner, name in functions]
    own = [name in vars(owner) for owner, name in functions]
    for owner, name, original in originals:
        setattr(owner, name, observer.wrap(name, original))
    try:
        yield
    finally:
        for (owner, name, original), there in zip(originals, own, strict=True):
            if there:
                setattr(owner, name, original)
            else:  # inherited: the method of torch.Tensor's base class shows again
                delattr(owner, name)
