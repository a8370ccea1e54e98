"""The catalog: what models and datasets there are. Importing it imports neither torch nor numpy."""

from suite.catalog.cards import Checkpoint, DatasetCard, InputConvention, ModelCard
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
    """The card of a model by name. Raises `suite.errors.UsageError` with the nearest name if unknown."""
    if name not in MODELS:
        raise unknown_name("model", name, MODELS)
    return MODELS[name]


def dataset_card(name: str) -> DatasetCard:
    """The card of a dataset by name, any letter case.

    Raises `suite.errors.UsageError` with the nearest name if unknown.
    """
    for card in DATASETS.values():
        if card.name.lower() == name.lower():
            return card
    raise unknown_name("dataset", name, DATASETS)
