"""``suite check``: is a network what its card claims?"""

from __future__ import annotations

import argparse
import sys
from collections import Counter

from suite.catalog import model_card
from suite.cli import common
from suite.errors import UsageError

HELP = "check that a network is what it claims; exit status 1 on a finding"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``check``."""
    parser.add_argument("model", metavar="MODEL", help="see: list models")
    parser.add_argument(
        "--scale", type=common.positive, metavar="S", help="default: 4, or the network's first scale"
    )
    parser.add_argument(
        "--weights",
        metavar="official|shipped|PATH",
        help="default: official where the file is there, else shipped, else random numbers",
    )
    common.add_threads(parser)
    common.add_home(parser)


def execute(options: argparse.Namespace) -> int:
    """Print one line a check. Returns 1 if there is a finding, else 0."""
    card = model_card(options.model)
    scale = options.scale or (4 if 4 in card.scales else card.scales[0])
    if scale not in card.scales:
        raise UsageError(f"{card.name} has no x{scale} network.")

    import torch

    from suite.checking import CHECKS, candidate_of, examine
    from suite.environment import available_cores
    from suite.home import find_home
    from suite.task import Subject
    from suite.weights import find_weights

    torch.set_num_threads(options.threads or available_cores())
    weights = find_weights(card, scale, find_home(options.home), options.weights)
    print(f"{card.title} x{scale}, weights: {weights.origin}", file=sys.stderr)
    width = max(len(check.name) for check in CHECKS)
    counts: Counter[str] = Counter()
    for check, found in examine(candidate_of(Subject(card, scale, weights))):
        counts[found.status] += 1
        print(f"{found.status:<14}  {check.name:<{width}}  {found.words}", flush=True)
    print(f"{len(CHECKS)} checks: {', '.join(f'{count} {status}' for status, count in counts.items())}")
    return 1 if counts["finding"] else 0
