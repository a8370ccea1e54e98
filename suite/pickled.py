"""Parameters of a network that was published as a pickled module, read without running any of its code.

Some authors saved the module itself rather than its state dict, in PyTorch's format of before 1.6: a row of
pickles (magic number, version, the machine's facts, the object, the keys of its storages), then the storages,
each as a 64-bit number of elements and the elements. Loading such a file the usual way runs what it names.
Here an empty shell stands for every class and function that it names, and only arrays come out.
"""

from __future__ import annotations

import hashlib
import io
import pickle
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suite.errors import SuiteError
from suite.files import atomically

MAGIC = 0x1950A86A20F9469CFC6C
VERSION = 1001
TYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "LongStorage": "<i8"}


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    size: tuple[int, ...]
    stride: tuple[int, ...]


class _Shell:
    """In place of an object of any class: what it was made from, and its state. Does nothing."""

    arguments: tuple[Any, ...]
    state: Any

    def __new__(cls, *arguments: Any) -> _Shell:
        shell = super().__new__(cls)
        shell.arguments, shell.state = arguments, None
        return shell

    def __init__(self, *arguments: Any) -> None:
        """Nothing: pickles make some objects without it."""

    def __call__(self, *arguments: Any) -> _Shell:
        return _Shell(*arguments)

    def __setstate__(self, state: Any) -> None:
        self.state = state


def _tensor(storage: _Storage, offset: int, size: Any, stride: Any, *_: Any) -> _Tensor:
    return _Tensor(storage, int(offset), tuple(map(int, size)), tuple(map(int, stride)))


def _new(kind: type[_Shell], *arguments: Any) -> _Shell:
    return kind(*arguments)


_MEANT: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("copyreg", "__newobj__"): _new,
    ("copy_reg", "__newobj__"): _new,
    ("torch._utils", "_rebuild_tensor"): _tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
}
"""The names that mean something here. All others become shells."""


class _Unpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.storages: dict[str, str] = {}
        """Type of each storage by its key, as numpy names it."""

    def find_class(self, module: str, name: str) -> Any:
        known = _MEANT.get((module, name))
        return type(name, (_Shell,), {"__module__": module}) if known is None else known

    def persistent_load(self, pid: Any) -> Any:
        """A storage, or the class of a module, which comes with its source text."""
        if pid[0] == "module":
            return pid[1]
        if pid[0] != "storage" or (len(pid) > 5 and pid[5] is not None):
            raise ValueError("it holds something else than tensors of their own")
        self.storages[str(pid[2])] = TYPES[pid[1].__name__]
        return _Storage(str(pid[2]))


def read_parameters(file: Path) -> dict[str, NDArray[Any]]:
    """Parameters and buffers of the module in a file, by the names that its state dict would have.

    The file holds the module, or a mapping with one module in it. No code of the file is run. Raises
    `SuiteError` for a file of another form.
    """
    try:
        stream = io.BytesIO(file.read_bytes())
        if _Unpickler(stream).load() != MAGIC or _Unpickler(stream).load() != VERSION:
            raise ValueError("it has another format")
        _Unpickler(stream).load()
        reader = _Unpickler(stream)
        tensors = dict(_tensors(_module(reader.load()), ""))
        storages = dict(_storages(stream, _Unpickler(stream).load(), reader.storages))
        return {name: _array(tensor, storages[tensor.storage.key]) for name, tensor in tensors.items()}
    except OSError as error:
        raise SuiteError(f"cannot read {file}: {error.strerror}.") from None
    except Exception as error:  # a pickle may lead its reader into any
        raise SuiteError(f"{file} is no pickled module that can be converted: {error}.") from None


def _module(held: Any) -> _Shell:
    values = list(held.values()) if isinstance(held, dict) else [held]
    modules = [one for one in values if isinstance(one, _Shell) and "_modules" in (one.state or ())]
    if len(modules) != 1:
        raise ValueError(f"it holds {len(modules)} modules")
    return modules[0]


def _tensors(module: _Shell, prefix: str) -> Iterator[tuple[str, _Tensor]]:
    for group in ("_parameters", "_buffers"):
        for name, value in module.state[group].items():
            tensor = value.arguments[0] if isinstance(value, _Shell) else value  # a parameter holds a tensor
            if tensor is not None:
                yield prefix + name, tensor
    for name, inner in module.state["_modules"].items():
        yield from _tensors(inner, f"{prefix}{name}.")


def _storages(
    stream: io.BytesIO, keys: list[Any], types: Mapping[str, str]
) -> Iterator[tuple[str, NDArray[Any]]]:
    """The storages by key, in the order in which they lie in the file."""
    for key in map(str, keys):
        count, kind = int.from_bytes(stream.read(8), "little"), np.dtype(types[key])
        yield key, np.frombuffer(stream.read(count * kind.itemsize), kind, count)


def _array(tensor: _Tensor, storage: NDArray[Any]) -> NDArray[Any]:
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.size, tensor.stride, strict=True))
    if min((tensor.offset, *tensor.size, *tensor.stride)) < 0 or last >= storage.size:
        raise ValueError("a tensor lies outside its storage")
    strides = [step * storage.itemsize for step in tensor.stride]
    view = np.lib.stride_tricks.as_strided(storage[tensor.offset :], tensor.size, strides, writeable=False)
    return view.copy(order="C")


def convert(file: Path, target: Path, sha256: str) -> None:
    """Write the parameters of a pickled module as safetensors, in one step.

    Raises `SuiteError`, and writes nothing, if the result does not have the digest.
    """
    from safetensors.numpy import save

    content = save(read_parameters(file))
    if hashlib.sha256(content).hexdigest() != sha256:
        raise SuiteError(f"{target.name}: the published module gives other parameters than the known ones.")
    atomically(target, lambda temporary: _write(temporary, content))


def _write(file: Path, content: bytes) -> None:
    file.write_bytes(content)
