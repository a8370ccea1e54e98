"""Code that is not the suite's: importing it, calling it, and the digest that stands for it in a key."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from suite.catalog.cards import ModelCard
from suite.errors import SuiteError
from suite.isolation import one_line

if TYPE_CHECKING:
    from torch import nn

SCALE_NAMES = ("scale", "upscale", "upscale_factor", "scale_factor")
"""Names under which networks take their scale; the first that a signature has is used."""

_SKIPPED = frozenset({"site-packages", "node_modules", "__pycache__", "venv", "env", "build", "dist"})
_MOST_FILES = 5000


def build_foreign(card: ModelCard, scale: int) -> nn.Module:
    """The network of a user's card at a scale, as its code makes it. Imports that code.

    Raises `SuiteError` in one line for whatever that code raises, and for what is no network.
    """
    from torch import nn

    target, _, attribute = card.build.rpartition(":")
    _enter(card.root)
    try:
        found: Any = _import(target)
    except (Exception, SystemExit) as error:  # foreign code may raise anything, and may want to exit
        raise SuiteError(f"{card.name}: importing {target} failed with {one_line(error)}") from None
    for part in attribute.split("."):
        if not hasattr(found, part):
            raise SuiteError(f"{card.name}: {target} has no attribute {attribute}.")
        found = getattr(found, part)
    if isinstance(found, nn.Module):
        return found
    if not callable(found):
        raise SuiteError(f"{card.name}: {card.build} is no network and cannot be called to make one.")
    try:
        network = found(**_scale(found, card, scale), **card.arguments)
    except (Exception, SystemExit) as error:
        raise SuiteError(f"{card.name}: calling {attribute} failed with {one_line(error)}") from None
    if not isinstance(network, nn.Module):
        raise SuiteError(f"{card.name}: {attribute} gave {type(network).__name__} instead of a network.")
    return network


_OURS = frozenset({"suite", "reports", "bsrn", "baselines"})
"""Packages that stay, also where they lie in the working folder from which a network is imported."""

_ROOTS: list[str] = []
"""Folders on the import path that are somebody's network's, one at a time."""


def _enter(root: str) -> None:
    """Put a network's folder first on the import path, in place of that of the network before.

    Its modules are forgotten too: two projects may each have a ``block.py``.
    """
    for old in [old for old in _ROOTS if old != root]:
        _ROOTS.remove(old)
        with contextlib.suppress(ValueError):
            sys.path.remove(old)
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and Path(old) in Path(file).parents and name.partition(".")[0] not in _OURS:
                del sys.modules[name]
    if root and root not in _ROOTS:
        _ROOTS.append(root)
        sys.path.insert(0, root)


def _import(target: str) -> ModuleType:
    """A module by its name or from its file, whose neighbours it can import either way."""
    if not target.endswith(".py"):
        return importlib.import_module(target)
    # In a package of its own, so that no name of the suite's hides it; relative imports find its folder.
    file = Path(target)
    package = f"_foreign_{hashlib.sha256(str(file.parent).encode()).hexdigest()[:12]}"
    if package not in sys.modules:
        folder = ModuleType(package)
        folder.__path__ = [str(file.parent)]
        sys.modules[package] = folder
    return importlib.import_module(f"{package}.{file.stem}")


def _scale(build: Callable[..., Any], card: ModelCard, scale: int) -> dict[str, int]:
    """The argument that carries the scale: the one that the card names, else one of `SCALE_NAMES`."""
    if card.scale_argument is not None:
        return {card.scale_argument: scale} if card.scale_argument else {}
    try:
        names = inspect.signature(build).parameters
    except (TypeError, ValueError):
        return {}
    name = next((name for name in SCALE_NAMES if name in names and name not in card.arguments), None)
    return {} if name is None else {name: scale}


@functools.cache
def foreign_digest(build: str, root: str) -> str:
    """SHA-256 over the Python files below ``root``, or of the package or module that ``build`` names.

    Found without importing anything; empty if there is no such module, which building it will say. Raises
    `SuiteError` for a folder with so many files that it cannot be the network's.
    """
    target = build.rpartition(":")[0]
    if target.endswith(".py"):
        files = list(_python_files(Path(root)))
    else:
        top = target.partition(".")[0]
        spec = importlib.machinery.PathFinder.find_spec(top, [root, *sys.path] if root else None)
        if spec is None:
            return ""
        folders = list(spec.submodule_search_locations or ())
        files = [file for folder in folders for file in _python_files(Path(folder))]
        files += [Path(spec.origin)] if spec.origin and not folders else []
    digest = hashlib.sha256()
    for number, file in enumerate(sorted(files)):
        if number >= _MOST_FILES:
            raise SuiteError(
                f"more than {_MOST_FILES} Python files lie below {root}: name the network's own folder "
                "as path in a model card."
            )
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _python_files(folder: Path) -> Iterator[Path]:
    """The Python files below a folder, without hidden ones, installed packages and build results."""
    for entry in folder.iterdir():
        if entry.name.startswith(".") or entry.name in _SKIPPED:
            continue
        if entry.is_dir() and not entry.is_symlink():
            yield from _python_files(entry)
        elif entry.suffix == ".py":
            yield entry
