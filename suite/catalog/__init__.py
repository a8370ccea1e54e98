"""The catalog: what models and datasets there are. Importing it imports neither torch nor numpy."""

from suite.catalog.cards import Checkpoint, DatasetCard, InputConvention, ModelCard
from suite.catalog.custom import custom_card, installed_names
from suite.catalog.datasets import DATASETS
from suite.catalog.models import MODELS
from suite.errors import unknown_name

__all__ = [
    "DATASETS",
    "MODELS",
    "Checkpoint",
    "DatasetCard",
    "InputConvention",
    "ModelCard",
    "dataset_card",
    "model_card",
]


def model_card(name: str) -> ModelCard:
    """The card of a model: by its name, or one of the user's (see `suite.catalog.custom.custom_card`).

    Raises `suite.errors.UsageError` with the nearest name if unknown.
    """
    if name in MODELS:
        return MODELS[name]
    if (card := custom_card(name)) is not None:
        return card
    raise unknown_name("model", name, [*MODELS, *installed_names()])


def dataset_card(name: str) -> DatasetCard:
    """The card of a dataset by name, any letter case.

    Raises `suite.errors.UsageError` with the nearest name if unknown.
    """
    for card in DATASETS.values():
        if card.name.lower() == name.lower():
            return card
    raise unknown_name("dataset", name, DATASETS)
