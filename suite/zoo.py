"""Checkpoints of networks that the catalog lacks, through spandrel (extra ``zoo``)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from suite.catalog.cards import InputConvention, ModelCard
from suite.errors import SuiteError
from suite.isolation import one_line

if TYPE_CHECKING:
    from torch import nn


def spandrel_card(file: Path) -> ModelCard:
    """The card of a checkpoint that spandrel recognises as a network that enlarges RGB images.

    Raises `SuiteError` for any other file.
    """
    import spandrel

    try:
        found = spandrel.ModelLoader(device="cpu").load_from_file(file)
    except Exception as error:  # unknown architectures, damaged files
        raise SuiteError(f"{file} fits no network known here or to spandrel: {one_line(error)}") from None
    if not isinstance(found, spandrel.ImageModelDescriptor) or found.purpose not in ("SR", "Restoration"):
        raise SuiteError(f"{file} is no super-resolution network ({found.architecture.name}).")
    if (found.input_channels, found.output_channels) != (3, 3):
        raise SuiteError(f"{file}: {found.architecture.name} does not lead from RGB to RGB.")
    return ModelCard(
        name=file.name,
        title=f"{found.architecture.name} ({file.stem})",
        family=found.architecture.name,
        year=0,
        scales=(found.scale,),
        build="suite.zoo:load",
        arguments={"file": str(file.resolve())},
        input=InputConvention(min_size=max(1, found.size_requirements.minimum)),
        citation="recognised by spandrel",
        needs_weights=False,
        scale_argument="",
        foreign=True,
    )


def load(file: str) -> nn.Module:
    """The network of a checkpoint with its weights."""
    import spandrel

    return spandrel.ModelLoader(device="cpu").load_from_file(file).model
