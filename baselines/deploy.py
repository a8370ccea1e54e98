"""Deployment forms of all networks: the rewrites of ``bsrn.deploy``, and those that only baselines need."""

from __future__ import annotations

from torch import nn

from baselines.carn import MeanShift
from baselines.etds import DualStreamETDS
from baselines.reparameterization import Foldable, fold
from bsrn import deploy
from bsrn.deploy import Rewrite


def _fold_branches(network: nn.Module) -> nn.Module | None:
    modules = list(network.modules())
    if not any(isinstance(module, Foldable) for module in modules):
        return None
    if any(isinstance(module, DualStreamETDS) for module in modules):
        return None  # its inference form clips the output, which is not the same function
    return fold(network).requires_grad_(False)


def _mean_as_convolution(network: nn.Module) -> nn.Module | None:
    shifts = [name for name, module in network.named_modules() if isinstance(module, MeanShift)]
    for name in shifts:
        layer = nn.Conv2d(3, 3, 1)
        layer.load_state_dict(network.get_submodule(name).state_dict())
        network.set_submodule(name, layer.requires_grad_(False))
    return network if shifts else None


REWRITES: tuple[Rewrite, ...] = (
    Rewrite(
        "fold-branches",
        "a re-parameterised network in training form becomes its inference form",
        _fold_branches,
    ),
    Rewrite(
        "mean-as-convolution",
        "adding a mean colour becomes a 1x1 convolution, which others can take in",
        _mean_as_convolution,
    ),
    *deploy.REWRITES,
)
"""All rewrites, in the order in which they are applied."""
