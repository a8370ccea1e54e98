"""The fastest exact form of a network on this machine: which rewrites pay is measured, not assumed.

The rewrites themselves are in ``bsrn.deploy`` and ``baselines.deploy``. Each keeps the result up to rounding;
what a form gives is compared with the original before its time counts.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from suite.errors import SuiteError, unknown_name

if TYPE_CHECKING:
    from torch import Tensor, nn

    from bsrn.deploy import Rewrite

Time = Callable[["nn.Module"], float]
"""Times a network: median milliseconds of a forward pass. Called many times with the same networks."""

TOLERANCE = 1e-5
"""Largest difference from the original that a form may have, as a share of the value range."""
MARGIN = 0.02
"""Share of the time that a rewrite must save to be chosen; less is taken for noise."""
ROUNDS = 5
"""Times that a form and the best so far are timed, in turn."""
SIDE = 64
"""Height and width of the image with which forms are compared where the caller gives none."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One form that was compared with the best before it."""

    names: tuple[str, ...]
    """Its rewrites."""
    against: tuple[str, ...]
    """Those of the best form before it; empty for the original."""
    milliseconds: float | None
    """Its median time; None where it was not timed, for its output differs too much."""
    ratio: float | None
    """Median over the rounds of its time divided by that of the best before it."""
    difference: float
    """Largest difference from the original's output, as a share of the value range."""
    chosen: bool


@dataclass(frozen=True, slots=True)
class Deployed:
    """A network in its fastest exact form, and how that was found."""

    network: nn.Module
    names: tuple[str, ...]
    """The rewrites that were chosen, in the order of application."""
    difference: float
    """Largest difference from the original's output, as a share of the value range."""
    trials: tuple[Trial, ...]
    note: str
    """What was found, in one sentence."""


def rewrites() -> tuple[Rewrite, ...]:
    """All rewrites, in the order in which they are applied."""
    from baselines.deploy import REWRITES

    return REWRITES


def rewrites_of(network: nn.Module, *, portable: bool = False) -> tuple[str, ...]:
    """Names of the rewrites that apply to a network, in the order of application.

    ``portable`` leaves out those whose result runs in PyTorch alone. None apply to a network whose code
    depends on the values that it sees, for it can't be traced.
    """
    known = [one for one in rewrites() if one.portable or not portable]
    return tuple(one.name for one in known if one.applies(network))


def apply(network: nn.Module, names: Sequence[str]) -> nn.Module:
    """A copy of a network with the named rewrites applied, whatever the order of the names.

    Takes ``(N, C, H, W)`` as the network does; for evaluation only. A rewrite whose pattern does not occur
    changes nothing. Raises `suite.errors.UsageError` for a name that is unknown.
    """
    known = [one.name for one in rewrites()]
    for name in names:
        if name not in known:
            raise unknown_name("rewrite", name, known)
    return _form(network, frozenset(names)).network


@dataclass(frozen=True, slots=True)
class _Form:
    """A network with rewrites applied: ``names`` are those of the asked for whose pattern occurred."""

    network: nn.Module
    names: tuple[str, ...]


def _form(network: nn.Module, names: frozenset[str]) -> _Form:
    rewritten, done = copy.deepcopy(network).eval(), []
    for one in rewrites():
        if one.name in names and (result := one.transform(rewritten)) is not None:
            rewritten = result
            done.append(one.name)
    return _Form(rewritten, tuple(done))


def difference(first: nn.Module, second: nn.Module, image: Tensor, value_range: float) -> float:
    """Largest difference of two networks' outputs for ``(N, C, H, W)``, as a share of the value range."""
    import torch

    with torch.inference_mode():
        return float((first(image) - second(image)).abs().max()) / value_range


def example(network: nn.Module, value_range: float) -> Tensor:
    """Smooth noise that a network takes, ``(1, 3, 64, 64)`` or with one channel, on its device.

    Raises `SuiteError` if it takes neither.
    """
    import torch
    import torch.nn.functional as F

    parameter = next(iter(network.parameters()), torch.empty(0))
    for channels in (3, 1):
        coarse = torch.rand((1, channels, 8, 8), generator=torch.Generator().manual_seed(0)).to(parameter)
        image = F.interpolate(coarse, (SIDE, SIDE), mode="bicubic").clamp(0, 1) * value_range
        try:
            with torch.inference_mode():
                network(image)
        except Exception:  # a network may refuse an image in any way
            continue
        return image
    raise SuiteError(f"the network takes no image of {SIDE}x{SIDE} pixels: give one that it takes.")


def deploy(
    network: nn.Module,
    time: Time,
    *,
    image: Tensor | None = None,
    value_range: float = 1.0,
    portable: bool = False,
    margin: float = MARGIN,
    rounds: int = ROUNDS,
    tolerance: float = TOLERANCE,
) -> Deployed:
    """The fastest form of a network that ``time`` finds; the network is left as it is.

    Rewrites are tried one after the other on the best form so far, alone and together with those that apply
    only after them; then each chosen one is left out again. A form is taken where it saves at least
    ``margin`` in all but one of ``rounds`` comparisons in turn, and where its output for ``image`` (smooth
    noise unless given) differs by less than ``tolerance`` of ``value_range``. Given the times, the choice is
    determined.
    """
    original = copy.deepcopy(network).eval()
    known = [one.name for one in rewrites() if one.portable or not portable]
    seen = example(original, value_range) if image is None else image
    search = _Search(original, time, seen, value_range, known, margin, rounds, tolerance)
    best = search.run()
    return Deployed(
        best.network,
        best.names,
        difference(original, best.network, seen, value_range),
        tuple(search.trials),
        search.note(best),
    )


@dataclass(slots=True)
class _Search:
    """The search of `deploy`, with all that it tried."""

    original: nn.Module
    time: Time
    image: Tensor
    value_range: float
    known: list[str]
    margin: float
    rounds: int
    tolerance: float
    trials: list[Trial] = field(default_factory=list)
    forms: dict[frozenset[str], _Form] = field(default_factory=dict)

    def run(self) -> _Form:
        """The best form."""
        best = _Form(self.original, ())
        while (better := self._with_more(best)).names != best.names:
            best = better
        for name in best.names:
            without = self._form(set(best.names) - {name})
            # What does not pay for itself any more goes out: the form without it need not save anything.
            if self._compare(without, best, margin=0.0):
                best = without
        return best

    def _with_more(self, best: _Form) -> _Form:
        """The best form after every rewrite that it lacks was tried once."""
        for number, name in enumerate(self.known):
            if name in best.names:
                continue
            trial = self._form({*best.names, name})
            if name not in trial.names:
                continue
            if self._compare(trial, best):
                best = trial
                continue
            for other in self.known[number + 1 :]:
                pair = self._form({*best.names, name, other})
                unlocked = other in pair.names and other not in self._form({*best.names, other}).names
                if unlocked and self._compare(pair, best):
                    best = pair
                    break
        return best

    def _form(self, names: set[str]) -> _Form:
        wanted = frozenset(names)
        if wanted not in self.forms:
            self.forms[wanted] = _form(self.original, wanted)
        return self.forms[wanted]

    def _compare(self, trial: _Form, best: _Form, *, margin: float | None = None) -> bool:
        """Whether a form is so much faster than the best so far that noise does not explain it; notes it."""
        limit = 1 - (self.margin if margin is None else margin)
        apart = difference(self.original, trial.network, self.image, self.value_range)
        times: list[float] = []
        ratios: list[float] = []
        exact = apart < self.tolerance
        while exact and len(ratios) < self.rounds and sum(ratio > limit for ratio in ratios) < 2:
            against = self.time(best.network)
            times.append(self.time(trial.network))
            ratios.append(times[-1] / against)
        chosen = exact and sum(ratio > limit for ratio in ratios) < min(2, self.rounds)
        middle = statistics.median(ratios) if ratios else None
        self.trials.append(
            Trial(
                trial.names,
                best.names,
                statistics.median(times) if times else None,
                middle,
                apart,
                chosen,
            )
        )
        return chosen

    def note(self, best: _Form) -> str:
        """What was found, in one sentence."""
        if not self.trials:
            return "No rewrite applies to this network: it stays as it is."
        if not best.names:
            tried = len(self.trials)
            return f"None of {tried} forms tried saves {self.margin:.0%} of the time: it stays as it is."
        taken = ", ".join(best.names)
        return f"Fastest of {len(self.trials) + 1} forms with {taken}."
