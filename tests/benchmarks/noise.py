"""Can timings be believed? Repeats sessions of equal networks and of two that differ, and compares them.

    python tests/benchmarks/noise.py [--sessions 10] [--ratios 5] [--threads 1] [--size 256] [--effort quick]

Prints, for each A/A session, the ratio of two equal networks, its interval, the noise floor and the verdict;
then the ratio of BSRN to RFDN of each of several sessions, and their spread. Run it on an idle machine.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from suite.catalog import model_card
from suite.measures.runtime import EFFORTS, run
from suite.task import Subject, Task
from suite.timing import Ratio, time_ratio
from suite.weights import NO_WEIGHTS, find_weights


def session(names: list[str], options: argparse.Namespace) -> list[dict[str, Any]]:
    """The details of networks that are timed in turn; a name may be there more than once."""
    tasks = []
    for number, name in enumerate(names):
        card = model_card(name)
        weights = find_weights(card, 4, Path("nowhere"), NO_WEIGHTS)
        # Tasks must differ: equal networks get a title of their own, which changes nothing that runs.
        card = dataclasses.replace(card, title=f"{card.title} {number}")
        size = (3, options.size, options.size)
        subject = Subject(card, 4, weights, threads=options.threads)
        tasks.append(Task("runtime", subject, input=size, effort=options.effort))
    outcomes = {outcome.task.subject.card.title: outcome for outcome in run(tasks, lambda words: None)}
    return [outcomes[task.subject.card.title].details for task in tasks]


def ratio_of(first: dict[str, Any], second: dict[str, Any]) -> Ratio:
    """The ratio of two networks of a session, judged by its noise floor."""
    return time_ratio(first["samples_ms"], second["samples_ms"], first["noise"]["floor"])


def main() -> None:
    """Run all sessions and print what came of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--ratios", type=int, default=5)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--size", type=int, default=256, help="height and width of the input")
    parser.add_argument("--effort", choices=tuple(EFFORTS), default="quick")
    options = parser.parse_args()
    told_apart = 0
    for number in range(1, options.sessions + 1):
        first, second = session(["rfdn", "rfdn"], options)
        ratio = ratio_of(second, first)
        told_apart += ratio.verdict != "not told apart"
        print(
            f"A/A {number}: {ratio.ratio:.4f} ({ratio.lower:.4f} to {ratio.upper:.4f}), "
            f"noise floor {first['noise']['floor']:.2%}, {ratio.verdict}",
            flush=True,
        )
    if options.sessions:
        print(f"{told_apart} of {options.sessions} sessions told equal networks apart.")
    ratios = []
    for number in range(1, options.ratios + 1):
        rfdn, bsrn = session(["rfdn", "bsrn"], options)
        ratio = ratio_of(bsrn, rfdn)
        ratios.append(ratio.ratio)
        print(f"BSRN/RFDN {number}: {ratio.ratio:.4f} ({ratio.lower:.4f} to {ratio.upper:.4f})", flush=True)
    if ratios:
        print(f"The {len(ratios)} ratios lie within {max(ratios) / min(ratios) - 1:.2%} of one another.")


if __name__ == "__main__":
    main()
