"""Weights: finding, verifying, renaming keys, loading strictly."""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.resources
import importlib.util
import json
import pickle
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.catalog.cards import Checkpoint, ModelCard
from suite.errors import SuiteError
from suite.foreign import build_foreign
from suite.home import expand
from suite.records import make_key

if TYPE_CHECKING:
    from torch import Tensor, nn

OFFICIAL = "official"
SHIPPED = "shipped"
NO_WEIGHTS = "none"
"""Origin of a network that runs with random numbers: its cost and speed are real, its images are not."""
WITHOUT_PARAMETERS = "no parameters"
"""Origin of a network that has nothing to load."""


@dataclass(frozen=True, slots=True)
class Weights:
    """The weights that one model uses at one scale, and where they come from."""

    origin: str
    """``official``, ``shipped``, ``none``, ``no parameters``, or the path that the user gave."""
    file: Path | None = None
    sha256: str = ""
    """Digest of the file; of an official file the one it must have."""
    checkpoint: Checkpoint | None = None
    """How to read an official file."""
    training: Mapping[str, Any] = field(default_factory=dict, hash=False)
    """How a file that ``suite train`` wrote was made: see `training_facts`; empty for any other."""

    @property
    def judged(self) -> bool:
        """Whether images made with these weights may be judged."""
        return self.origin != NO_WEIGHTS


def sha256_of(path: Path) -> str:
    """Hexadecimal SHA-256 of a file. Raises `SuiteError` if it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise SuiteError(f"cannot read the weights {path}: {error.strerror}.") from None
    return digest.hexdigest()


def shipped_file(card: ModelCard, scale: int) -> Path | None:
    """The weights file that comes with the package, ``weights/NAME_xSCALE.safetensors``, if there is one.

    Only the suite's own packages bring some; the user's code is not imported to look for them.
    """
    if card.foreign:
        return None
    package = card.build.partition(":")[0].partition(".")[0]
    file = importlib.resources.files(package) / "weights" / f"{card.name}_x{scale}.safetensors"
    return Path(str(file)) if file.is_file() else None


def available(card: ModelCard, scale: int, home: Path) -> str:
    """Origin of the best weights that are there: official, else shipped, else none."""
    if not card.needs_weights:
        return WITHOUT_PARAMETERS
    if scale in card.own:
        return card.own[scale].path
    official = card.official.get(scale)
    if official and (home / "weights" / official.path).is_file():
        return OFFICIAL
    return SHIPPED if shipped_file(card, scale) else NO_WEIGHTS


def find_weights(card: ModelCard, scale: int, home: Path, choice: str | None = None) -> Weights:
    """The weights to use.

    ``choice`` is ``official``, ``shipped``, a path, or None for the best that is there: official, else
    shipped, else none. Raises `SuiteError` if what was chosen does not exist.
    """
    if not card.needs_weights:
        return Weights(WITHOUT_PARAMETERS)
    official = card.official.get(scale)
    if choice is None and (own := card.own.get(scale)):
        return _own(own, card)
    choice = choice or available(card, scale, home)
    if choice == NO_WEIGHTS:
        return Weights(NO_WEIGHTS)
    if choice == OFFICIAL:
        if official is None:
            raise SuiteError(
                f"{card.name} has no official weights for x{scale}: leave out --weights official."
            )
        file = home / "weights" / official.path
        if not file.is_file():
            raise SuiteError(
                f"the official weights {file} do not exist: call 'fetch models {card.name}', "
                "put the file there, or set --home."
            )
        return Weights(OFFICIAL, file, official.sha256, official)
    if choice == SHIPPED:
        shipped = shipped_file(card, scale)
        if shipped is None:
            raise SuiteError(f"no weights for {card.name} x{scale} come with the package.")
        return Weights(SHIPPED, shipped, sha256_of(shipped), training=training_facts(shipped))
    path = expand(choice)
    if not path.is_file():
        raise SuiteError(f"--weights {choice}: no such file (or say 'official' or 'shipped').")
    return Weights(str(path), path, sha256_of(path), official, training_facts(path))


def _own(checkpoint: Checkpoint, card: ModelCard) -> Weights:
    """The file that a user's card names. Raises `SuiteError` if it is not there or not the one."""
    file = Path(checkpoint.path)
    if not file.is_file():
        raise SuiteError(f"{checkpoint.source}: the weights {file} of {card.name} do not exist.")
    found = sha256_of(file)
    if checkpoint.sha256 and checkpoint.sha256 != found:
        raise SuiteError(
            f"{checkpoint.source}: the weights {file} have the digest {found[:12]}..., not "
            f"{checkpoint.sha256[:12]}..."
        )
    return Weights(str(file), file, found, checkpoint, training_facts(file))


def training_card(file: Path) -> dict[str, Any]:
    """The card inside a file that ``suite train`` wrote; empty for any other file.

    Reads the head of the file alone.
    """
    try:
        with file.open("rb") as stream:
            size = int.from_bytes(stream.read(8), "little")
            if file.suffix != ".safetensors" or size > 10_000_000:
                return {}
            card = json.loads(json.loads(stream.read(size))["__metadata__"]["card"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return card if isinstance(card, dict) else {}


def training_facts(file: Path) -> dict[str, Any]:
    """What a reader must know of the training behind a file that ``suite train`` wrote; empty for any other.

    ``schedule`` (``short`` or ``paper``), ``seed``, ``iterations``, and ``recipe``: a digest of all that
    determines the training but network and seed, so that files of one recipe can be compared.
    """
    card = training_card(file)
    if not card:
        return {}
    recipe = card.get("recipe")
    recipe = recipe if isinstance(recipe, dict) else {}
    same = {key: value for key, value in recipe.items() if key not in _FREE}
    determining = {"recipe": same, "scale": card.get("scale"), "data": card.get("data_sha256")}
    return {
        "schedule": str(card.get("schedule", "")),
        "seed": _whole(recipe.get("seed")),
        "iterations": _whole(card.get("iterations")),
        "recipe": make_key(determining)[:8],
    }


def _whole(value: Any) -> int | None:
    """A whole number that a file claims, if it is one."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


_FREE = ("seed", "validate_every", "save_every")
"""Values of a recipe that say nothing about how well a network is trained."""


def _neighbours(module: str) -> set[Path]:
    """Source files of the modules of a module's package that it imports, and those import in turn."""
    files: set[Path] = set()
    waiting, seen = [module], {module}
    while waiting:
        spec = importlib.util.find_spec(waiting.pop())
        if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
            continue
        files.add(file := Path(spec.origin))
        for node in ast.walk(ast.parse(file.read_bytes())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            new = {name for name in names if name.startswith(module.partition(".")[0] + ".")} - seen
            waiting += sorted(new)
            seen |= new
    return files


@functools.cache
def source_digest(build: str) -> str:
    """SHA-256 over the source of a card's network.

    That is its module, those of its package that this one imports, and ``bsrn``, whose parts others use.
    Found without importing the module; empty if there is no such module, which building it will say.
    """
    module = build.partition(":")[0]
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return ""
    folder = Path(str(importlib.resources.files("bsrn")))
    parts = {*folder.glob("*.py"), *folder.glob("cpp/*")}
    digest = hashlib.sha256()
    for file in dict.fromkeys([Path(spec.origin), *sorted(parts | _neighbours(module))]):
        digest.update(f"{file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def build(card: ModelCard, scale: int, *, seed: int = 0) -> nn.Module:
    """The network of a card, with the initial weights of a seed, in evaluation mode.

    Raises `SuiteError` for a user's network that cannot be built.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if card.foreign:
            network = build_foreign(card, scale)
        else:
            module, _, attribute = card.build.partition(":")
            network = getattr(importlib.import_module(module), attribute)(scale=scale, **card.arguments)
    return network.eval().requires_grad_(False)


def load_model(card: ModelCard, scale: int, weights: Weights) -> nn.Module:
    """The network of a card with its weights, in evaluation mode, on the CPU in float32.

    Official files must have their digest; all files must fit the network exactly. Raises `SuiteError`.
    """
    network = build(card, scale)
    if weights.file is not None:
        if weights.origin == OFFICIAL and (found := sha256_of(weights.file)) != weights.sha256:
            raise SuiteError(
                f"{weights.file} is not the official checkpoint (sha256 {found[:12]}..., expected "
                f"{weights.sha256[:12]}...): call 'fetch models {card.name}' to have that of "
                f"{card.official[scale].source} in its place."
            )
        fit(network, read_state(weights.file), weights)
    return network


def read_state(path: Path) -> dict[str, Any]:
    """The mapping that a ``.safetensors`` or PyTorch file holds; no code in it is run.

    Raises `SuiteError` for a file that is damaged, is no checkpoint, or holds more than tensors.
    """
    import torch
    from safetensors.torch import load_file

    try:
        state = (
            load_file(path)
            if path.suffix == ".safetensors"
            else torch.load(path, map_location="cpu", weights_only=True)
        )
    except pickle.UnpicklingError:
        raise SuiteError(
            f"{path} is damaged or holds more than tensors, and is not loaded: get the file again, "
            "or save a plain state dict."
        ) from None
    except Exception:  # the loaders raise whatever a damaged file leads them into
        raise SuiteError(f"{path} is damaged or no checkpoint: get the file again.") from None
    if not isinstance(state, dict) or not all(isinstance(key, str) for key in state):
        raise SuiteError(f"{path} does not hold a state dict.")
    return state


def rename(state: dict[str, Any], renames: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The state dict with every key put through all renaming rules in turn.

    Raises ``ValueError`` if two keys become one.
    """

    def renamed(key: str) -> str:
        for pattern, replacement in renames:
            key = re.sub(pattern, replacement, key)
        return key

    result: dict[str, Any] = {}
    for key, value in state.items():
        if (new := renamed(key)) in result:
            raise ValueError(f"has two tensors for {new}")
        result[new] = value
    return result


def used(state: dict[str, Any], unused: tuple[str, ...]) -> dict[str, Any]:
    """The state dict without the keys that one of the regular expressions finds."""
    return {
        key: value for key, value in state.items() if not any(re.search(pattern, key) for pattern in unused)
    }


def fit(network: nn.Module, state: dict[str, Any], weights: Weights) -> None:
    """Load a state dict into a network, strictly; the keys may be the network's own or the official ones.

    Raises `SuiteError` that names the first keys that are missing, left over or of another kind or shape,
    or a tensor that is not finite.
    """
    expected: dict[str, Tensor] = network.state_dict()
    problems: list[str] = []
    if state.keys() != expected.keys() and weights.checkpoint is not None:
        inner = state.get(weights.checkpoint.entry) if weights.checkpoint.entry else state
        if isinstance(inner, dict):
            try:
                state = rename(used(inner, weights.checkpoint.unused), weights.checkpoint.renames)
            except ValueError as error:
                problems.append(str(error))
    problems += [f"lacks {key}" for key in expected.keys() - state.keys()]
    problems += [f"has {key}, which the network lacks" for key in state.keys() - expected.keys()]
    found = ((key, _misfit(state[key], expected[key])) for key in expected.keys() & state.keys())
    problems += [f"has {key} {problem}" for key, problem in found if problem]
    if problems and weights.checkpoint is not None and not weights.checkpoint.entry and _holds_dicts(state):
        inside = ", ".join(sorted(key for key, value in state.items() if isinstance(value, dict)))
        raise SuiteError(
            f"{weights.file} holds state dicts under {inside}: say which one as entry in a model card."
        )
    if problems:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        raise SuiteError(f"{weights.file} does not fit the network: it {min(problems)}{more}.")
    network.load_state_dict(state, strict=True)


def _holds_dicts(state: dict[str, Any]) -> bool:
    return any(isinstance(value, dict) for value in state.values())


def _misfit(value: Any, expected: Tensor) -> str:
    """Why a value cannot take the place of a tensor; empty if it can. Any floating-point type may."""
    import torch

    if not isinstance(value, torch.Tensor):
        return f"as {type(value).__name__} instead of a tensor"
    if value.shape != expected.shape:
        return f"as {tuple(value.shape)} instead of {tuple(expected.shape)}"
    plain = value.layout == torch.strided and not value.is_quantized
    if not plain or value.is_floating_point() != expected.is_floating_point() or value.is_complex():
        return f"as {value.dtype}, which cannot stand for {expected.dtype}"
    if value.is_floating_point() and not torch.isfinite(value.float()).all():
        return "with values that are not finite"
    return ""
