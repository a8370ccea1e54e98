"""The learning curve of a training run, as a figure for the docs and papers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from suite.errors import SuiteError


def write_curve(log: Sequence[Mapping[str, Any]], file: Path, title: str) -> None:
    """Draw loss and validation PSNR of a log against the iteration, as an SVG; same log, same bytes.

    Raises `SuiteError` if the file cannot be written.
    """
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    losses = [(line["iteration"], line["loss"]) for line in log if "loss" in line]
    scores = [(line["iteration"], line["psnr"]) for line in log if "psnr" in line]
    dataset = next((str(line["set"]) for line in log if "set" in line), "")
    with plt.rc_context({"svg.hashsalt": "learning curve", "font.size": 9}):
        figure, (upper, lower) = plt.subplots(2, 1, sharex=True, figsize=(5, 4), layout="constrained")
        try:
            upper.set_title(title)
            if scores:
                upper.plot(*zip(*scores, strict=True), marker="o", markersize=3, color="#0072b2")
            upper.set_ylabel(f"PSNR on {dataset} (dB)" if dataset else "PSNR (dB)")
            if losses:
                lower.plot(*zip(*losses, strict=True), color="#d55e00")
                lower.set_yscale("log")
            lower.set_ylabel("L1 loss")
            lower.set_xlabel("iteration")
            for axes in (upper, lower):
                axes.grid(alpha=0.3)
            figure.savefig(file, metadata={"Date": None})
        except OSError as error:
            raise SuiteError(f"cannot write {file}: {error.strerror}.") from None
        finally:
            plt.close(figure)
