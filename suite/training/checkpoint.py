"""Checkpoints of a training run, and the file with the trained weights, written all at once or not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suite.errors import SuiteError
from suite.files import atomically, write_text
from suite.weights import read_state

if TYPE_CHECKING:
    from torch import Tensor


def save_checkpoint(file: Path, state: Mapping[str, Any]) -> None:
    """Write the whole state of a run."""
    import torch

    atomically(file, lambda path: torch.save(dict(state), path))


def load_checkpoint(file: Path, determining: Mapping[str, Any]) -> dict[str, Any] | None:
    """The state of a run to go on with, or None if there is none.

    Raises `SuiteError` if the file belongs to another recipe, network or data.
    """
    if not file.is_file():
        return None
    state = read_state(file)
    found = json.loads(state.get("determining", "{}"))
    changed = sorted(key for key in {*found, *determining} if found.get(key) != determining.get(key))
    if changed:
        raise SuiteError(
            f"{file} was made with another {changed[0]} ({found.get(changed[0])}, now "
            f"{determining.get(changed[0])}): choose another --out folder, or repeat the first options."
        )
    return state


def save_weights(file: Path, weights: Mapping[str, Tensor], card: Mapping[str, Any]) -> None:
    """Write trained weights as ``.safetensors``, with the card inside and beside it as JSON."""
    from safetensors.torch import save_file

    text = json.dumps(card, indent=1, ensure_ascii=False)
    tensors = {key: value.detach().cpu().contiguous() for key, value in weights.items()}
    atomically(file, lambda path: save_file(tensors, path, metadata={"card": text}))
    write_text(file.with_suffix(".json"), text + "\n")
