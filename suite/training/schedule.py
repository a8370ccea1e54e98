"""The learning rate as a function of the iteration."""

from __future__ import annotations

import math

from suite.training.recipe import Recipe


def learning_rate(recipe: Recipe, iteration: int) -> float:
    """Rate of an iteration, counted from 0: a linear rise, then one cosine period to the final rate.

    The cosine is that of SGDR without restarts (arXiv 1608.03983).
    """
    if iteration < recipe.warm_up:
        return recipe.rate * (iteration + 1) / recipe.warm_up
    span = max(1, recipe.iterations - 1 - recipe.warm_up)
    progress = min(1.0, (iteration - recipe.warm_up) / span)
    return recipe.final_rate + (recipe.rate - recipe.final_rate) * (1 + math.cos(math.pi * progress)) / 2
