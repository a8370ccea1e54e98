"""Networks of the user's: a card in TOML, code that can be imported, a file of code, a checkpoint.

Nothing of theirs is imported here: a card only says where the code lies.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from suite.catalog.cards import Checkpoint, InputConvention, ModelCard
from suite.errors import SuiteError, UsageError
from suite.toml import tomllib

ENTRY_POINTS = "efficient_sr_suite.models"
"""Group in which an installed package names model cards: each entry leads to a `ModelCard`."""

SCALES = (2, 3, 4)
"""Scales of a network whose card names none."""

CHECKPOINT_SUFFIXES = frozenset({".pth", ".pt", ".ckpt", ".safetensors"})


def custom_card(text: str) -> ModelCard | None:
    """The card that a text stands for, if it has the form of one; None for a plain name.

    Forms: ``my.toml`` (a card), ``FILE.py:ATTRIBUTE``, ``PKG.MOD:ATTRIBUTE``, a checkpoint file, or a name
    that an installed package gives in the entry points `ENTRY_POINTS`. Raises `UsageError` for a card that
    cannot be read, `SuiteError` for a package whose entry cannot be loaded.
    """
    if text.endswith(".toml"):
        return read_card(Path(text))
    if Path(text).suffix in CHECKPOINT_SUFFIXES:
        from suite.recognition import recognise

        return recognise(Path(text))
    if ":" in text:
        build, root = _build(text, Path.cwd(), text)
        return ModelCard(
            name=text,
            title=text.rpartition(":")[2],
            family="yours",
            year=0,
            scales=SCALES,
            build=build,
            root=root,
            scale_argument=None,
            foreign=True,
        )
    return _installed(text)


def installed_names() -> list[str]:
    """Names that installed packages give; their cards are not loaded."""
    import importlib.metadata  # slow to import, and most names are the catalog's

    return sorted(entry.name for entry in importlib.metadata.entry_points(group=ENTRY_POINTS))


def _installed(name: str) -> ModelCard | None:
    import importlib.metadata

    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS, name=name):
        try:
            card = entry.load()
        except Exception as error:  # a package may raise anything when it is imported
            first = (str(error).strip().splitlines() or [""])[0]
            raise SuiteError(
                f"the package behind the model {name!r} ({entry.value}) cannot be imported: "
                f"{type(error).__name__}: {first}"
            ) from None
        if not isinstance(card, ModelCard):
            raise SuiteError(f"{entry.value}, named for the model {name!r}, is no ModelCard.")
        return dataclasses.replace(card, name=name, foreign=True)
    return None


def _build(text: str, folder: Path, where: str) -> tuple[str, str]:
    """``build`` and ``root`` of a card from ``FILE.py:ATTRIBUTE`` or ``PKG.MOD:ATTRIBUTE``.

    ``where`` names the place of the text in messages.
    """
    target, _, attribute = text.rpartition(":")
    if not re.fullmatch(r"[A-Za-z_][\w.]*", attribute) or not target:
        raise UsageError(f"{where}: write FILE.py:ATTRIBUTE or PKG.MOD:ATTRIBUTE.")
    if target.endswith(".py"):
        file = (folder / Path(target).expanduser()).resolve()
        if not file.is_file():
            raise UsageError(f"{where}: the file {file} does not exist.")
        return f"{file}:{attribute}", str(file.parent)
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", target):
        raise UsageError(f"{where}: {target!r} is neither a .py file nor the name of a module.")
    return text, str(folder)


# Cards in TOML

_KINDS: dict[str, type | tuple[type, ...]] = {
    "name": str,
    "title": str,
    "family": str,
    "year": int,
    "citation": str,
    "build": str,
    "path": str,
    "scale_argument": str,
    "needs_weights": bool,
    "scales": list,
    "arguments": dict,
    "input": dict,
    "weights": dict,
}
_INPUT: dict[str, type | tuple[type, ...]] = {
    "colour": str,
    "range": (int, float),
    "min_size": int,
    "mean": list,
}
_FILE: dict[str, type | tuple[type, ...]] = {"file": str, "entry": str, "sha256": str}


_WORDS: dict[type | tuple[type, ...], str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "a table",
}


def read_card(file: Path) -> ModelCard:
    """The card in a TOML file; paths in it are relative to the file.

    Raises `UsageError` that names the file and the key for anything that a card cannot hold.
    """
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UsageError(f"the model card {file} does not exist.") from None
    except OSError as error:
        raise UsageError(f"the model card {file} cannot be read: {error.strerror}.") from None
    except (ValueError, RecursionError) as error:  # the latter from arrays in arrays in arrays
        raise UsageError(f"the model card {file} cannot be read: {error}") from None
    _check(found, _KINDS, str(file))
    for key in ("name", "build"):
        if not found.get(key):
            raise UsageError(f"{file}: a model card needs {key}.")
    folder = file.resolve().parent
    build, root = _build(found["build"], folder, f"{file}: build")
    if "path" in found:
        root = str((folder / found["path"]).resolve())
        if not Path(root).is_dir():
            raise UsageError(f"{file}: path {found['path']!r} is not a folder.")
    scales = tuple(found.get("scales", SCALES))
    if not scales or not all(type(scale) is int and scale > 0 for scale in scales):
        raise UsageError(f"{file}: scales must be whole numbers above zero, such as [2, 4].")
    name = str(found["name"])
    return ModelCard(
        name=name,
        title=found.get("title", name),
        family=found.get("family", "yours"),
        year=found.get("year", 0),
        scales=scales,
        build=build,
        arguments=found.get("arguments", {}),
        input=_convention(found.get("input", {}), f"{file}: input"),
        citation=found.get("citation", ""),
        scale_argument=found.get("scale_argument"),
        needs_weights=found.get("needs_weights", True),
        own=_weights(found.get("weights", {}), folder, scales, file),
        root=root,
        foreign=True,
    )


def _check(found: Mapping[str, Any], kinds: Mapping[str, type | tuple[type, ...]], where: str) -> None:
    """Raise `UsageError` for an unknown key or a value of the wrong type."""
    for key, value in found.items():
        if key not in kinds:
            raise UsageError(f"{where}: unknown key {key!r}; known: {', '.join(kinds)}.")
        kind = kinds[key]
        if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
            raise UsageError(f"{where}: {key} must be {_WORDS.get(kind, 'a number')}.")


def _convention(found: Mapping[str, Any], where: str) -> InputConvention:
    _check(found, _INPUT, where)
    colour, value_range = found.get("colour", "rgb"), float(found.get("range", 1.0))
    if colour not in ("rgb", "y"):
        raise UsageError(f"{where}: colour must be 'rgb' or 'y'.")
    if not value_range > 0:
        raise UsageError(f"{where}: range must be above zero: 1.0 or 255.0.")
    mean = found.get("mean", [])
    channels = 3 if colour == "rgb" else 1
    if not all(isinstance(level, int | float) for level in mean) or len(mean) not in (0, channels):
        raise UsageError(f"{where}: mean must be {channels} number(s), in units of the range.")
    if found.get("min_size", 1) < 1:
        raise UsageError(f"{where}: min_size must be at least 1.")
    return InputConvention(colour, value_range, found.get("min_size", 1), tuple(map(float, mean)))


def _weights(
    found: Mapping[str, Any], folder: Path, scales: tuple[int, ...], file: Path
) -> dict[int, Checkpoint]:
    """The files by scale: ``4 = "x4.pth"``, or a table with ``file``, ``entry`` and ``sha256``."""
    files = {}
    for key, value in found.items():
        where = f"{file}: weights.{key}"
        if not key.isdecimal() or int(key) not in scales:
            raise UsageError(f"{where}: the key must be one of the scales {', '.join(map(str, scales))}.")
        entry = {"file": value} if isinstance(value, str) else value
        if not isinstance(entry, dict):
            raise UsageError(f"{where} must be a file name or a table with file, entry and sha256.")
        _check(entry, _FILE, where)
        if "file" not in entry:
            raise UsageError(f"{where}: file is missing.")
        path = (folder / Path(entry["file"]).expanduser()).resolve()
        files[int(key)] = Checkpoint(
            str(path), entry.get("sha256", ""), source=str(file), licence="", entry=entry.get("entry")
        )
    return files
