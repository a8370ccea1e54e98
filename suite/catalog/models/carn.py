"""Cards of CARN and CARN-M."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, ModelCard

_PAPER = (
    "Ahn et al., Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network, "
    "ECCV 2018, arXiv 1803.08664"
)

_CARN_RENAMES = (
    (r"^sub_mean\.shifter\.", "subtract_mean."),
    (r"^add_mean\.shifter\.", "add_mean."),
    (r"^entry\.", "head."),
    (r"^exit\.", "last."),
    (r"^upsample\.up(\d)\.body\.", r"upsample.x\1."),
    *((rf"^b{i}\.", f"blocks.{i - 1}.") for i in (1, 2, 3)),
    *((rf"\.b{i}\.", f".units.{i - 1}.") for i in (1, 2, 3)),
    *((rf"(^|\.)c{i}\.body\.", rf"\1fuse.{i - 1}.") for i in (1, 2, 3)),
)

_CARN_M = Checkpoint(
    "CARN-M/carn_m.pth",
    "d48a759a84509351facb6b7c6d5bd6edec98b98519b8c464ee4ab44d2ba964ff",
    "https://github.com/nmhkahn/CARN-pytorch",
    "MIT",
    renames=_CARN_RENAMES,
)
"""One file for all scales. Its authors trained it anew after the paper, whose figures it does not give."""

_BRANCHES = {"parameters": "it holds the enlarging branches of x2, x3 and x4, of which one runs"}

CARDS = (
    ModelCard(
        name="carn",
        title="CARN",
        family="CARN",
        year=2018,
        scales=(2, 3, 4),
        build="baselines.carn:CARN",
        citation=_PAPER,
        known=_BRANCHES,
    ),
    ModelCard(
        name="carn-m",
        title="CARN-M",
        family="CARN",
        year=2018,
        scales=(2, 3, 4),
        build="baselines.carn:CARN",
        arguments={"groups": 4, "shared": True},
        official={2: _CARN_M, 3: _CARN_M, 4: _CARN_M},
        citation=_PAPER,
        known=_BRANCHES,
    ),
)
