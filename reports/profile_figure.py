"""Profiles as a figure for papers and docs: the time as bars, the networks below the machine's roof."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reports.profiles import ProfileGroup, names_of
from reports.roofline import find_dots, kinds_of, roof_corners, shape_of
from reports.time_bars import LEGEND, shares
from suite.errors import SuiteError, UsageError
from suite.profiles import Ceilings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".svg", ".pdf", ".png")

COLOURS = ("#0072b2", "#56b4e9", "#d55e00", "#009e73", "#cc79a7", "#b07a00", "#4b5560", "#e4e7ea")
"""Of the parts of a bar, in the order of `LEGEND`: Okabe and Ito's, which colour-blind readers tell apart."""
NETWORKS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b07a00", "#56b4e9", "#4b5560")
"""Of networks below the roof, by the number of their colour."""
MARKERS = ("o", "s", "^", "D", "v", "p", "<", "P")


def require_suffix(file: Path) -> None:
    """Raise `UsageError` for a file of another kind than `SUFFIXES`."""
    if file.suffix.lower() not in SUFFIXES:
        raise UsageError(f"--figure {file}: the name ends in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")


def write_figure(group: ProfileGroup, file: Path) -> None:
    """Draw a group of profiles into a file; the same records give the same bytes of an SVG.

    Raises `SuiteError` if it cannot be written.
    """
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    ceilings = next((profile.ceilings for profile in group.profiles if profile.ceilings), None)
    height = 1.5 + 0.45 * len(group.profiles) + (3.2 if ceilings else 0)
    ratios = [1.1 + 0.45 * len(group.profiles), 3.2] if ceilings else [1]
    with plt.rc_context({"svg.hashsalt": "profile", "font.size": 9}):
        figure, axes = plt.subplots(
            len(ratios), 1, figsize=(7.2, height), layout="constrained", height_ratios=ratios, squeeze=False
        )
        try:
            axes[0][0].set_title(group.where, fontsize=9)
            _bars(axes[0][0], group)
            figure.legend(
                *axes[0][0].get_legend_handles_labels(), fontsize=8, ncols=4, loc="outside upper center"
            )
            if ceilings:
                _roofline(axes[1][0], group, ceilings)
            file.parent.mkdir(parents=True, exist_ok=True)
            figure.savefig(file, dpi=200, metadata={"Date": None} if file.suffix.lower() == ".svg" else None)
        except OSError as error:
            raise SuiteError(f"cannot write {file}: {error.strerror}.") from None
        finally:
            plt.close(figure)


def _bars(axes: Axes, group: ProfileGroup) -> None:
    names = names_of(group.profiles)
    divided = [dict(shares(profile)) for profile in group.profiles]
    left = [0.0] * len(names)
    for part, colour in zip(LEGEND, COLOURS, strict=True):
        widths = [times[part] for times in divided]
        axes.barh(names, widths, left=left, label=part, color=colour, edgecolor="white", height=0.62)
        left = [so_far + width for so_far, width in zip(left, widths, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("Time of a forward pass (ms)")
    axes.spines[["top", "right"]].set_visible(False)


def _roofline(axes: Axes, group: ProfileGroup, ceilings: Ceilings) -> None:
    dots = list(find_dots(group))
    if not dots:
        return
    intensities = [dot.work.intensity for dot in dots] + [ceilings.ridge]
    low, high = min(intensities) / 2, max(intensities) * 2
    corners = roof_corners(low, high, ceilings, 0.0)
    axes.plot([x for x, _ in corners], [y for _, y in corners], color="black", linewidth=1.4)
    for dot in dots:
        rate = dot.work.rate / 1e9
        axes.plot(
            dot.work.intensity,
            rate,
            marker=MARKERS[dot.shape],
            markersize=9 if dot.label else 5,
            color=NETWORKS[dot.colour],
            linestyle="none",
        )
        if dot.label:
            axes.annotate(dot.label, (dot.work.intensity, rate), (7, 3), textcoords="offset points")
    for kind in kinds_of(dots):
        marker = MARKERS[shape_of(kind)]
        axes.plot([], [], marker=marker, markersize=5, color="0.4", linestyle="none", label=kind)
    axes.legend(fontsize=8, loc="lower right")
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("Operations a byte moved")
    axes.set_ylabel("Gop/s")
    axes.grid(alpha=0.3)
