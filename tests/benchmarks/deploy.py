"""How much each exact deployment form saves, and what is possible at all.

    python tests/benchmarks/deploy.py MODEL ... [--threads N ...] [--backends NAME ...] [--size N]
                                      [--rounds N]

Prints Markdown. For each number of threads and each network: the plain network in eager PyTorch, every
rewrite by itself, the form that `deploy` chooses, and the portable form and the plain network in the
backends. All are timed in interleaved rounds; a ratio is the median over the rounds of a form's time divided
by that of the plain network in eager, with its 95 % interval. The difference is
the largest on a real image (of Set5, or a photograph of scikit-image where that is missing), as a share of
the value range.

The lower bound is what the multiply-accumulates take at the rate of PyTorch's product of two matrices of
1024x1024, and the exact GELUs at their rate on a map that stays in the cache; measured in the same process.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import skimage.data
import torch
from torch import Tensor, nn

from suite.allocator import apply_treatment
from suite.backends import BACKENDS, Forward, backend_by_name
from suite.catalog import model_card
from suite.deployment import apply, deploy, difference, rewrites_of
from suite.errors import SuiteError
from suite.home import find_home
from suite.images import read_rgb
from suite.measures.operators import tally
from suite.statistics import paired_ratio
from suite.task import Subject
from suite.upscaling import to_tensor
from suite.weights import find_weights, load_model

SCALE = 4


def milliseconds(forward: Callable[[Tensor], object], image: Tensor) -> float:
    """Wall-clock time of one forward pass."""
    with torch.inference_mode():
        start = time.perf_counter()
        forward(image)
        return (time.perf_counter() - start) * 1e3


class Stopwatch:
    """Times one pass of a form through an image, after one to warm up for each new form."""

    def __init__(self, image: Tensor) -> None:
        self._image, self._warm = image, set[int]()
        self._kept: list[nn.Module] = []  # else a new form could have the identity of one that is gone

    def __call__(self, form: nn.Module) -> float:
        if id(form) not in self._warm:
            self._warm.add(id(form))
            self._kept.append(form)
            milliseconds(form, self._image)
        return milliseconds(form, self._image)


def rounds_of(forms: dict[str, Forward], image: Tensor, rounds: int) -> dict[str, list[float]]:
    """Times of all forms, one a round, after one round to warm up."""
    times: dict[str, list[float]] = {name: [] for name in forms}
    for number in range(rounds + 1):
        for name, forward in forms.items():
            taken = milliseconds(forward, image)
            if number:
                times[name].append(taken)
    return times


def lower_bound(network: nn.Module, image: Tensor) -> str:
    """What the multiplications and the GELUs of a network take at the machine's rates, as a sentence."""
    counted = tally(network, image)
    matrix = torch.rand(1024, 1024)
    product = torch.empty_like(matrix)
    rate = 1024**3 / min(milliseconds(lambda m: torch.mm(m, m, out=product), matrix) for _ in range(9))
    cached = torch.randn(2**15)
    result = torch.empty_like(cached)
    gelu = min(milliseconds(lambda x: torch.ops.aten.gelu.out(x, out=result), cached) for _ in range(99))
    gelu /= cached.numel()
    elements = counted.others["gelu"]
    products, activations = counted.macs / rate, elements * gelu
    return (
        f"Lower bound: {counted.macs / 1e9:.1f} G multiply-accumulates at {rate / 1e6:.1f} G/s take "
        f"{products:.0f} ms, {elements / 1e6:.0f} M exact GELUs at {gelu * 1e6:.2f} ns take "
        f"{activations:.0f} ms."
    )


def photograph(home: Path, value_range: float) -> Tensor:
    """A real image as networks take it."""
    folder = home / "data/Set5/LR_bicubic/X4"
    files = sorted(folder.iterdir()) if folder.is_dir() else []
    photo = read_rgb(files[0]) if files else skimage.data.astronaut()[:128, :128]  # type: ignore[no-untyped-call]
    return to_tensor(photo, value_range)


def forms_of(
    network: nn.Module, image: Tensor, photo: Tensor, value_range: float, backends: Sequence[str]
) -> tuple[dict[str, Forward], dict[str, float]]:
    """All forms to be timed, the plain one first, and their differences from it."""
    names = [(one,) for one in rewrites_of(network)]
    watch = Stopwatch(image)
    chosen = deploy(network, watch, image=photo, value_range=value_range)
    portable = deploy(network, watch, image=photo, value_range=value_range, portable=True)
    print(f"{chosen.note}\n\nPortable: {portable.note}\n", flush=True)
    networks = {"eager, plain": network} | {one[0]: apply(network, one) for one in names}
    networks |= {"**chosen form**": chosen.network, "**portable form**": portable.network}
    forms: dict[str, Forward] = dict(networks)
    apart = {name: difference(network, form, photo, value_range) for name, form in networks.items()}
    for name in backends:
        for title, form in (("plain", network), ("portable form", portable.network)):
            try:
                forward = backend_by_name(name).prepare(copy.deepcopy(form), "cpu", "fp32", image)
            except SuiteError as error:
                print(f"{name}, {title}: not measured, because {error}\n")
                continue
            forms[f"{name}, {title}"] = forward
            with torch.inference_mode():
                apart[f"{name}, {title}"] = float((forward(photo) - network(photo)).abs().max()) / value_range
    return forms, apart


def report(name: str, options: argparse.Namespace) -> float:
    """Print the table of one network; the median time of its fastest form."""
    card, home = model_card(name), find_home()
    subject = Subject(card, SCALE, find_weights(card, SCALE, home))
    network = load_model(card, SCALE, subject.weights).eval().requires_grad_(False)
    size = (1, card.input.channels, options.size, options.size)
    image = torch.rand(size, generator=torch.Generator().manual_seed(0)) * card.input.range
    print(lower_bound(network, image), end=" ")
    photo = photograph(home, card.input.range)
    forms, apart = forms_of(network, image, photo, card.input.range, options.backends)
    times = rounds_of(forms, image, options.rounds)
    plain = times["eager, plain"]
    print("| form | ms | ratio to plain eager | faster by | largest difference |\n" + "| --- " * 5 + "|")
    for form, taken in times.items():
        ratio, lower, upper = paired_ratio(taken, plain)
        middle = statistics.median(taken)
        print(
            f"| {form} | {middle:.0f} | {ratio:.3f} ({lower:.3f} to {upper:.3f}) | {1 / ratio:.2f} "
            f"| {apart[form]:.1e} |",
            flush=True,
        )
    return min(statistics.median(taken) for taken in times.values())


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+")
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument(
        "--backends", nargs="*", choices=[one for one in BACKENDS if one != "eager"], default=[]
    )
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    apply_treatment()
    for threads in options.threads:
        torch.set_num_threads(threads)
        best = {}
        for name in options.models:
            print(f"\n## {name} x{SCALE}, {options.size}x{options.size}, threads: {threads}\n")
            best[name] = report(name, options)
        fastest = min(best.values())
        for name, taken in best.items():
            print(
                f"\nFastest form of {name}: {taken:.0f} ms, {taken / fastest:.2f} of the fastest network's."
            )


if __name__ == "__main__":
    main()
