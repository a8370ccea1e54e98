"""Recipes: every number that determines a training run, from TOML files in the package."""

from __future__ import annotations

import dataclasses
import importlib.resources
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from suite.errors import SuiteError, UsageError, unknown_name
from suite.toml import tomllib

MOST = 2**31 - 1
"""The largest number that a recipe may hold."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a network is trained."""

    iterations: int
    batch: int
    """Patches an iteration, over all processes together."""
    patch: int
    """Height and width of a low-resolution patch, in pixels."""
    rate: float
    """Peak of the learning rate."""
    final_rate: float
    """Learning rate of the last iteration; a cosine leads there from the peak."""
    warm_up: int = 0
    """Iterations in which the rate rises from zero, linearly."""
    beta1: float = 0.9
    beta2: float = 0.999
    """Adam's decay rates."""
    clip: float = 0.0
    """Largest norm of the gradient; 0 leaves it alone."""
    ema: float = 0.0
    """Decay of the moving average of the weights that is saved; 0 saves the weights themselves."""
    start: str = "default"
    """``default``: the layers' own initial weights. ``interpolation``: the network starts as a bilinear
    interpolation (see `suite.training.start`)."""
    precision: str = "fp32"
    """``fp32``, or ``bf16`` for autocast on CUDA."""
    seed: int = 0
    validate_every: int = 1000
    save_every: int = 500
    schedule: str = "paper"
    """``short`` marks results that must not be set beside published ones without saying so."""

    def __post_init__(self) -> None:
        """Raise `UsageError` for a value that cannot be."""
        for name, value in dataclasses.asdict(self).items():
            if isinstance(value, str):
                continue
            least = 1 if name in ("iterations", "batch", "patch", "validate_every", "save_every") else 0
            if isinstance(value, float) and not math.isfinite(value):
                raise UsageError(f"{name} is {value}: it must be finite.")
            if value < least:
                raise UsageError(f"{name} is {value}: it must be at least {least}.")
            if value > MOST:
                raise UsageError(f"{name} is {value}: it must be at most {MOST}.")
        if not 0 <= self.final_rate <= self.rate:
            raise UsageError(
                f"final_rate is {self.final_rate}: it must lie between 0 and rate ({self.rate})."
            )
        for name in ("beta1", "beta2", "ema"):
            if not getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}: it must be at least 0 and below 1.")
        for name, known in (
            ("start", ("default", "interpolation")),
            ("precision", ("fp32", "bf16")),
            ("schedule", ("paper", "short")),
        ):
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)


def names() -> list[str]:
    """Names of the recipes that come with the package."""
    folder = importlib.resources.files("suite.training") / "recipes"
    return sorted(
        entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")
    )


def load_recipe(name: str, overrides: Mapping[str, str] | None = None) -> Recipe:
    """A recipe by name or by the path of a TOML file, with values replaced by ``overrides``.

    Raises `UsageError` for an unknown name, an unknown key or a value of the wrong type.
    """
    if name.endswith(".toml"):
        try:
            text = Path(name).read_text(encoding="utf-8")
        except OSError as error:
            raise SuiteError(f"cannot read the recipe {name}: {error.strerror}.") from None
        except ValueError as error:
            raise UsageError(f"the recipe {name} is not TOML: {error}.") from None
    elif name in names():
        text = (importlib.resources.files("suite.training") / "recipes" / f"{name}.toml").read_text("utf-8")
    else:
        raise unknown_name("recipe", name, names())
    try:
        values: dict[str, Any] = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the recipe {name} is not TOML: {error}.") from None
    try:
        return _typed({**values, **(overrides or {})})
    except UsageError as error:
        raise UsageError(f"the recipe {name}: {error}") from None


def _typed(values: Mapping[str, Any]) -> Recipe:
    """A recipe from raw values; texts, as from a command line, become the field's type."""
    types = {field.name: field.type for field in dataclasses.fields(Recipe)}
    converters: dict[str, type] = {"int": int, "float": float, "str": str}
    typed = {}
    for key, value in values.items():
        if key not in types:
            raise unknown_name("recipe value", key, types)
        try:
            typed[key] = converters[str(types[key])](value)
        except (TypeError, ValueError, OverflowError):
            raise UsageError(f"{key} is {value!r}: it must be of type {types[key]}.") from None
    missing = [
        field.name
        for field in dataclasses.fields(Recipe)
        if field.default is dataclasses.MISSING and field.name not in typed
    ]
    if missing:
        raise UsageError(f"it lacks {', '.join(missing)}.")
    return Recipe(**typed)
