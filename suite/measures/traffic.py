"""Memory traffic: how many bytes an operator must read and write at least, whatever executes it.

An idealised count from shapes alone: every tensor that an operator takes is read once and every one that it
gives is written once, as if nothing stayed in a cache between two operators and everything inside of one.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch.utils._pytree import tree_leaves

if TYPE_CHECKING:
    from torch import Tensor

UNWRITTEN = frozenset({"empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided"})
"""Operators that reserve memory and put nothing into it."""

UNREAD = frozenset(
    {"copy_", "fill_", "zero_", "new_full", "new_ones", "new_zeros", "full_like", "ones_like", "zeros_like"}
)
"""Operators that do not read their first argument: they overwrite it or ask it for its properties alone."""

_Place = tuple[int, int, tuple[int, ...], tuple[int, ...]]


def bytes_moved(func: Any, args: Any, kwargs: Any, output: Any) -> int:
    """Bytes that an operator reads from its arguments and writes to its output.

    A tensor that is given twice is read once. An operator that only gives a view of an argument moves
    nothing; one that works in place reads and writes. Works on tensors without data.
    """
    name = func.overloadpacket.__name__
    if name in UNWRITTEN:
        return 0
    targets = {argument.name for argument in func._schema.arguments if argument.is_out}
    named = {key: value for key, value in kwargs.items() if key not in targets}
    inputs, outputs = list(_tensors((args, named))), list(_tensors(output))
    storages = {_storage(tensor) for tensor in inputs}
    mutable = func._schema.is_mutable
    written = {_place(t): t for t in outputs if mutable or _storage(t) not in storages}
    if outputs and not written:
        return 0
    read = {_place(t): t for t in inputs[name in UNREAD :]}
    return sum(map(extent, read.values())) + sum(map(extent, written.values()))


def extent(tensor: Tensor) -> int:
    """Bytes of memory that a tensor stands for: an expanded dimension is there once."""
    pairs = zip(tensor.shape, tensor.stride(), strict=True)
    elements = math.prod(size if stride or not size else 1 for size, stride in pairs)
    return min(elements * tensor.element_size(), tensor.untyped_storage().nbytes())


def _tensors(values: Any) -> Iterator[Tensor]:
    return (leaf for leaf in tree_leaves(values) if isinstance(leaf, torch.Tensor))


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _place(tensor: Tensor) -> _Place:
    """What tells two tensors apart that lie in one storage."""
    return (_storage(tensor), int(tensor.storage_offset()), tuple(tensor.shape), tuple(tensor.stride()))
