"""``suite export``: a network as a file for other programs."""

from __future__ import annotations

import argparse
from pathlib import Path

from suite.backends import backend_by_name
from suite.catalog import model_card
from suite.cli import common
from suite.errors import SuiteError, UsageError
from suite.isolation import PATIENCE_S

HELP = "write a network as ONNX, checked against PyTorch"
FORMATS = ("onnx",)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``export``."""
    parser.add_argument("model", metavar="MODEL", help="see: list models")
    parser.add_argument("--format", default="onnx", choices=FORMATS, help="default: onnx")
    parser.add_argument("--scale", type=common.positive, default=4, metavar="S", help="default: 4")
    parser.add_argument(
        "--weights",
        metavar="official|shipped|none|PATH",
        help="default: official where the file is there, else shipped",
    )
    parser.add_argument("--out", type=common.path, metavar="FILE", help="default: MODEL_xSCALE.onnx")
    parser.add_argument(
        "--deploy", action="store_true", help="in the exact form that is fastest in ONNX Runtime here"
    )
    parser.add_argument(
        "--threads", type=common.parallel, metavar="N", help="with which forms are timed (default: all cores)"
    )
    parser.add_argument(
        "--patience",
        type=common.positive,
        default=PATIENCE_S,
        metavar="SECONDS",
        help=f"how long it may take (default: {PATIENCE_S:g})",
    )
    parser.add_argument("--force", action="store_true", help="replace a file that is there")
    common.add_home(parser)


def execute(options: argparse.Namespace) -> int:
    """Write the file. Raises `SuiteError` without writing one that differs from eager."""
    card = model_card(options.model)
    if options.scale not in card.scales:
        raise UsageError(f"{card.name} has no x{options.scale} network.")
    target = options.out or Path(f"{card.name}_x{options.scale}.{options.format}")
    if target.exists() and not options.force:
        raise SuiteError(f"{target} is there already: use --force to replace it.")
    if problem := backend_by_name("onnxruntime").missing("cpu", "fp32"):
        raise SuiteError(problem)

    from suite.backends.proof import require_agreement
    from suite.environment import available_cores
    from suite.export import export
    from suite.files import atomically
    from suite.home import find_home
    from suite.isolation import Worker
    from suite.task import Subject
    from suite.weights import find_weights

    weights = find_weights(card, options.scale, find_home(options.home), options.weights)
    threads = options.threads or available_cores()
    subject = Subject(card, options.scale, weights, backend="onnxruntime", threads=threads)
    with Worker(f"the export of {card.name} x{options.scale}", options.patience) as worker:
        exported = worker.call(export, subject, deploy=options.deploy)
    try:
        require_agreement(exported.agreement)
    except SuiteError as error:
        raise SuiteError(f"{target} is not written, because {error}") from None
    atomically(target, lambda file: file.write_bytes(exported.data))
    found = exported.agreement
    print(
        f"{target}: {card.title} x{options.scale}, weights: {weights.origin}, opset {exported.opset}, "
        f"{len(exported.data):,} bytes"
    )
    if options.deploy:
        print(f"Rewrites: {', '.join(exported.rewrites) or 'none pays here'}.")
    how_far = f"by up to {found.difference:.1e} of the value range"
    print(f"In ONNX Runtime it differs from PyTorch {how_far}, at {len(found.images)} sizes.")
    return 0
