"""Checks on what training leaves behind: modes, gradients, parameters that take no part."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from suite.checking.candidate import Candidate, Finding, finding, names_in_words, not_applicable, note, ok

DRAWS = (0.0, 0.0, 0.1, 0.2, 0.3, 0.5)
"""Standard deviations of what is added to all parameters before each look for gradients."""


def evaluation(candidate: Candidate) -> Finding:
    """No module is in training mode, before a pass or after it, and none uses the statistics of a batch."""
    network = candidate.make()
    left = _in_training(network)
    candidate.run(network, candidate.photo(candidate.size, candidate.size))
    left += [name for name in _in_training(network) if name not in left]
    if left:
        return finding(f"in training mode: {names_in_words(left)}")
    by_batch = [
        name
        for name, module in network.named_modules()
        if isinstance(module, _BatchNorm) and module.running_mean is None
    ]
    if by_batch:
        return finding(f"normalises by the statistics of the batch: {names_in_words(by_batch)}")
    return ok("no module is in training mode")


def _in_training(network: nn.Module) -> list[str]:
    return [
        f"{name or 'the network'} ({type(module).__name__})"
        for name, module in network.named_modules()
        if module.training
    ]


def gradients(candidate: Candidate) -> Finding:
    """Neither parameters nor output require gradients when it is only run."""
    network = candidate.make()
    with torch.no_grad():
        output = network(candidate.photo(candidate.size, candidate.size))
    asking = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    if output.requires_grad:
        return finding("the output requires gradients although they are switched off, which costs memory")
    return finding(f"require gradients: {names_in_words(asking)}") if asking else ok("switched off")


def parameters_used(candidate: Candidate) -> Finding:
    """Every parameter has an influence on the output.

    One that no gradient reaches, even after all parameters were moved at random, takes no part.
    """
    network = candidate.make()
    original = {name: parameter.clone() for name, parameter in network.named_parameters()}
    if not original:
        return not_applicable("it has no parameters")
    idle, idle_as_it_is = set(original), set(original)
    generator = torch.Generator().manual_seed(0)
    for number, spread in enumerate(DRAWS):
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                move = torch.randn(parameter.shape, generator=generator) * spread
                parameter.copy_(original[name] + move)
        image = candidate.noise if number % 2 else candidate.photo
        idle -= _reached(network, image(candidate.size, candidate.size))
        if spread == 0:
            idle_as_it_is = set(idle)
        if not idle:
            break
    without_gradient = {name for name in idle if _moves_output(candidate, name)}
    if unused := sorted(idle - without_gradient):
        return finding(f"{len(unused)} of {len(original)} tensors take no part: {names_in_words(unused)}")
    if without_gradient:
        return note(
            f"no gradient reaches {names_in_words(sorted(without_gradient))}, though the output depends on it"
        )
    if idle_as_it_is:
        return note(f"without influence on the images tried: {names_in_words(sorted(idle_as_it_is))}")
    return ok(f"all {len(original)} tensors take part")


def _reached(network: nn.Module, image: Tensor) -> set[str]:
    """Names of the parameters that a gradient other than zero reaches from a random sum of the output."""
    network.requires_grad_(True)
    network.zero_grad(set_to_none=True)
    output = network(image)
    if not output.requires_grad:
        return set()
    generator = torch.Generator().manual_seed(1)
    (output * torch.randn(output.shape, generator=generator)).sum().backward()
    return {
        name
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and bool(parameter.grad.any())
    }


def _moves_output(candidate: Candidate, name: str) -> bool:
    """Whether the output changes when one parameter is replaced by random numbers."""
    network, image = candidate.make(), candidate.photo(candidate.size, candidate.size)
    before = candidate.run(network, image)
    parameter = dict(network.named_parameters())[name]
    with torch.no_grad():
        parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(2)))
    return not torch.equal(before, candidate.run(network, image))
