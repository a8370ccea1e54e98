"""How fast is each backend beside eager, and how far do their outputs lie apart?

    python tests/benchmarks/backends.py bsrn rfdn [--threads 1 2] [--size 256] [--effort quick|standard]
        [--backends eager channels-last onnxruntime openvino eager+deploy openvino+deploy] [--precision fp32]

All networks in all backends are timed in one process tree in interleaved rounds, for each number of threads.
Prints medians with intervals, ratios to the same network in eager (in the precision asked for) and to the
first network in the same backend, and differences from eager fp32 on the first image of Set5, or of the
photographs where Set5 is not there. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import dataclasses

from suite.backends import PRECISIONS, prepare
from suite.backends.agreement import Agreement, compare
from suite.backends.proof import Proven, prove
from suite.catalog import model_card
from suite.datasets import Pair, open_dataset
from suite.errors import SuiteError
from suite.home import find_home
from suite.isolation import State, Worker
from suite.measures.runtime import EFFORTS, run
from suite.plan import default_datasets
from suite.task import Outcome, Subject, Task
from suite.timing import Ratio, time_ratio
from suite.weights import find_weights

USUAL = ("eager", "channels-last", "onnxruntime", "openvino", "eager+deploy", "onnxruntime+deploy")


def on_image(state: State, proven: Proven, pair: Pair) -> Agreement:
    """A backend beside eager fp32 on one image; runs in a worker."""
    eager = prepare(dataclasses.replace(proven.subject, backend="eager", precision="fp32"))
    return compare(proven.subject, proven.prepare(), eager, [pair])


def session(subjects: list[Subject], options: argparse.Namespace) -> dict[Subject, Outcome]:
    """What came of all subjects, timed in turn."""
    size = (options.size, options.size)
    tasks = [
        Task("runtime", one, input=(one.card.input.channels, *size), effort=options.effort)
        for one in subjects
    ]
    return {outcome.task.subject: outcome for outcome in run(tasks, lambda words: None)}


def in_words(ratio: Ratio) -> str:
    """A ratio with its interval and verdict."""
    return f"{ratio.ratio:.3f} ({ratio.lower:.3f} to {ratio.upper:.3f}, {ratio.verdict})"


def show(subjects: list[Subject], outcomes: dict[Subject, Outcome], pair: Pair) -> None:
    """Print one line a network and backend."""
    samples = {one: outcome.details.get("samples_ms") for one, outcome in outcomes.items()}
    floor = next((o.details["noise"]["floor"] for o in outcomes.values() if o.details.get("noise")), 0.0)
    print(f"noise floor {floor:.1%}")
    for one in subjects:
        outcome = outcomes[one]
        if outcome.not_measured:
            print(f"{one.title}: not measured, because {outcome.not_measured}", flush=True)
            continue
        latency = next(value for value in outcome.values if value.metric == "latency_ms")
        line = f"{one.title}: {latency.value:.1f} ms ({latency.lower:.1f} to {latency.upper:.1f})"
        for words, other in (
            ("of eager", dataclasses.replace(one, backend="eager")),
            (f"of {subjects[0].card.name}", next(s for s in subjects if s.backend == one.backend)),
        ):
            if other != one and samples.get(other):
                line += f"; {words} {in_words(time_ratio(samples[one], samples[other], floor))}"
        if (one.backend, one.precision) != ("eager", "fp32"):
            try:
                proven = prove(one)
                with Worker(one.title) as worker:
                    line += f"; differs {worker.call(on_image, proven, pair).summary}"
                if proven.rewrites:
                    line += f"; rewrites {', '.join(proven.rewrites)}"
            except SuiteError as error:
                line += f"; {error}"
        print(line, flush=True)


def main() -> None:
    """Time everything and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("models", nargs="+")
    parser.add_argument("--backends", nargs="+", default=list(USUAL))
    parser.add_argument("--threads", nargs="+", type=int, default=[1])
    parser.add_argument("--size", type=int, default=256, help="height and width of the input")
    parser.add_argument("--scale", type=int, default=4)
    parser.add_argument("--precision", choices=PRECISIONS, default="fp32")
    parser.add_argument("--effort", choices=tuple(EFFORTS), default="standard")
    parser.add_argument("--home")
    options = parser.parse_args()
    home = find_home(options.home)
    pair = open_dataset(default_datasets(home)[0], options.scale, home).pair(0)
    for threads in options.threads:
        print(f"\n{threads} thread{'' if threads == 1 else 's'}, {options.precision}, image {pair.name}")
        subjects = []
        for name in options.models:
            card = model_card(name)
            weights = find_weights(card, options.scale, home)
            subjects += [
                Subject(card, options.scale, weights, backend, "cpu", options.precision, threads)
                for backend in dict.fromkeys(options.backends)
            ]
        show(subjects, session(subjects, options), pair)


if __name__ == "__main__":
    main()
