"""Walking through a forward pass operator by operator: the one walk that counting and timing share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

_COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd


class Walk(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operator as the network calls it, and inside of it those that are executed.

    Inference mode shows composite operators whole (``conv2d``, ``matmul``, ``einsum``); they are taken apart,
    but for those that ``whole`` holds. What a walk does at each step stands in its subclasses.
    """

    def __init__(self, whole: Collection[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._whole = whole
        self._inside = False

    def begin(self, func: Any, args: Sequence[Any]) -> None:
        """The network calls an operator."""
        raise NotImplementedError

    def execute(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        """Execute an operator that the one that was called consists of, perhaps itself."""
        raise NotImplementedError

    def end(self, output: Any) -> None:
        """The operator that was called has its result."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func.namespace == "prim":  # a question about a tensor, such as its device
            return func(*args, **(kwargs or {}))
        if self._inside:
            return self._take_apart(func, args, kwargs or {})
        self._inside = True
        try:
            self.begin(func, args)
            output = self._take_apart(func, args, kwargs or {})
            self.end(output)
            return output
        finally:
            self._inside = False

    def _take_apart(self, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
        # Interpolation is one operator to a reader of a list.
        if (
            func.overloadpacket not in self._whole
            and not operator_name(func).startswith("upsample")
            and func.has_kernel_for_dispatch_key(_COMPOSITE)
        ):
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
        return self.execute(func, args, kwargs)


def operator_name(func: Any) -> str:
    """Name of an operator; one from outside PyTorch has the name of its library before it.

    A convolution whose padding is given as a word is ``conv2d.padding``, which other tools tell apart.
    """
    name = str(func.overloadpacket.__name__)
    if func._overloadname == "padding":
        return f"{name}.padding"
    return name if func.namespace == "aten" else f"{func.namespace}.{name}"
