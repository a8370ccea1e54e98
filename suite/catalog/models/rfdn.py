"""Cards of RFDN and its variants with other convolutions."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, InputConvention, ModelCard
from suite.catalog.models.renames import BLOCK_NUMBERS, DISTILLATION_BLOCK, ESA

_SOURCE = "https://github.com/njulj/RFDN"
_ABLATION = "An ablation of arXiv 2205.05996"
_CITATION = (
    "Liu et al., Residual Feature Distillation Network for Lightweight Image Super-Resolution, "
    "ECCV Workshops 2020, arXiv 2009.11551"
)

_RFDN_RENAMES = (
    (r"^fea_conv\.", "head."),
    *((rf"^B{i}\.", f"blocks.{i - 1}.") for i in BLOCK_NUMBERS),
    (r"^c\.", "fuse."),
    (r"^LR_conv\.", "tail."),
    (r"^upsampler\.", "upsample."),
    *DISTILLATION_BLOCK,
    *ESA,
)


def _rfdn_variant(name: str, title: str, conv: str) -> ModelCard:
    """RFDN with the 3x3 convolutions of its blocks and after the fusion replaced (the paper's Table 1)."""
    return ModelCard(
        name=name,
        title=title,
        family="RFDN",
        year=2022,
        scales=(4,),
        build="baselines.rfdn:RFDN",
        arguments={"conv": conv},
        input=InputConvention(range=255.0, min_size=15),
        citation=f"{_ABLATION}, Table 1",
    )


CARDS = (
    ModelCard(
        name="rfdn",
        title="RFDN (AIM 2020)",
        family="RFDN",
        year=2020,
        scales=(4,),
        build="baselines.rfdn:RFDN",
        input=InputConvention(range=255.0, min_size=15),
        official={
            4: Checkpoint(
                "RFDN/RFDN_AIM.pth",
                "11af8ec8ebd68689e90ef1e29044f9804c72d3bd9f7573820b7b26035782760c",
                _SOURCE,
                "MIT",
                renames=_RFDN_RENAMES,
            ),
        },
        citation=_CITATION,
    ),
    ModelCard(
        name="rfdn-paper",
        title="RFDN",
        family="RFDN",
        year=2020,
        scales=(2, 3, 4),
        build="baselines.rfdn:RFDN",
        arguments={"channels": 48, "blocks": 6, "attention": "cca"},
        input=InputConvention(range=255.0),
        citation=_CITATION,
    ),
    _rfdn_variant("rfdn-dsconv", "RFDN, DSConv", "dsconv"),
    _rfdn_variant("rfdn-bsconv", "RFDN, BSConv-U", "bsconv"),
    _rfdn_variant("rfdn-bsconv-s", "RFDN, BSConv-S", "bsconv-s"),
)
