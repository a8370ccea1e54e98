"""A bare checkpoint file: which network of the catalog it belongs to, known by its tensors."""

from __future__ import annotations

import dataclasses
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.catalog.cards import Checkpoint, ModelCard
from suite.catalog.models import MODELS
from suite.errors import SuiteError, UsageError
from suite.weights import build, read_state, rename, training_card, used

if TYPE_CHECKING:
    from torch import Tensor

Shapes = dict[str, tuple[int, ...]]


def recognise(file: Path) -> ModelCard:
    """The card of the network that a checkpoint fits exactly, with the file as its weights at that scale.

    Where none of the catalog's fits, spandrel (extra ``zoo``) is asked if it is installed. Raises
    `UsageError` for a missing file and `SuiteError` for one that is damaged or fits nothing.
    """
    if not file.is_file():
        raise UsageError(f"the checkpoint {file} {'is no file' if file.exists() else 'does not exist'}.")
    trained = training_card(file)  # an ablation has the same tensors as the network; the file's card knows
    if (name := trained.get("model")) in MODELS and trained.get("scale") in MODELS[name].scales:
        return _with_file(MODELS[name], trained["scale"], file)
    state = read_state(file)
    for card, scale, checkpoint in _candidates():
        inner, entry = _inner(state, checkpoint)
        if inner and _fits(inner, checkpoint, card, scale):
            return _with_file(card, scale, file, entry, checkpoint)
    if importlib.util.find_spec("spandrel") is None:
        raise SuiteError(
            f"{file} fits no network of the catalog: write a model card for it, or install the extra 'zoo', "
            "which recognises more."
        )
    from suite.zoo import spandrel_card

    return spandrel_card(file)


def _with_file(
    card: ModelCard, scale: int, file: Path, entry: str | None = None, naming: Checkpoint | None = None
) -> ModelCard:
    """The card with a file as its weights at the only scale."""
    renames, unused = (naming.renames, naming.unused) if naming else ((), ())
    own = Checkpoint(str(file.resolve()), "", str(file), "", entry, renames, unused)
    return dataclasses.replace(card, scales=(scale,), own={scale: own}, official={})


def _candidates() -> Iterator[tuple[ModelCard, int, Checkpoint | None]]:
    """Networks at a scale with the naming of their official file, then with the suite's own naming."""
    for card in MODELS.values():
        for scale in card.scales if card.needs_weights else ():
            if scale in card.official:
                yield card, scale, card.official[scale]
            yield card, scale, None


def _inner(state: dict[str, Any], checkpoint: Checkpoint | None) -> tuple[dict[str, Any], str | None]:
    """The state dict inside a file, and the key under which it lies, if any."""
    for entry in (checkpoint.entry if checkpoint else None, "params_ema", "params", "state_dict"):
        if entry and isinstance(state.get(entry), dict):
            return state[entry], entry
    return state, None


def _fits(state: dict[str, Any], checkpoint: Checkpoint | None, card: ModelCard, scale: int) -> bool:
    """Whether every tensor of a network has its counterpart of the same shape, and none is left over."""
    if checkpoint is not None:
        try:
            state = rename(used(state, checkpoint.unused), checkpoint.renames)
        except ValueError:
            return False
    expected = _shapes(card, scale)
    return state.keys() == expected.keys() and all(
        tuple(getattr(tensor, "shape", ())) == expected[key] for key, tensor in state.items()
    )


_KNOWN: dict[tuple[str, int], Shapes] = {}


def _shapes(card: ModelCard, scale: int) -> Shapes:
    """Names and shapes of a network's tensors; built once, without memory for their values."""
    import torch

    if (card.name, scale) not in _KNOWN:
        with torch.device("meta"):
            tensors: dict[str, Tensor] = build(card, scale).state_dict()
        _KNOWN[card.name, scale] = {key: tuple(tensor.shape) for key, tensor in tensors.items()}
    return _KNOWN[card.name, scale]
