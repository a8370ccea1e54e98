"""Cards of BSRN and its ablations."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, InputConvention, ModelCard
from suite.catalog.models.renames import BLOCK_NUMBERS, CCA, DISTILLATION_BLOCK, ESA, Renames

_SOURCE = "https://github.com/xiaom233/BSRN"
_ABLATION = "An ablation of arXiv 2205.05996"

_BSRN_RENAMES = (
    (r"^fea_conv\.", "head."),
    *((rf"^B{i}\.", f"blocks.{i - 1}.") for i in BLOCK_NUMBERS),
    (r"^c1\.", "fuse."),
    (r"^c2\.", "tail."),
    (r"^upsampler\.upsampleOneStep\.", "upsample."),
    *DISTILLATION_BLOCK,
    *ESA,
    *CCA,
    (r"\.cw$", ".channel.scale"),
    (r"\.conv_out\.", ".channel.mix."),
    (r"\.pw\.", ".pointwise."),
    (r"\.dw\.", ".depthwise."),
)

_BSRNS_RENAMES = (
    *_BSRN_RENAMES,
    (
        r"(pointwise|distill\.\d|fuse|spatial\.(?:reduce|shortcut|expand)|channel\.mix)\.(weight|bias)$",
        r"\1.linear.\2",
    ),
)
"""BSRN-S writes its 1x1 convolutions as linear layers."""


def _bsrn(path: str, sha256: str, renames: Renames = _BSRN_RENAMES) -> Checkpoint:
    return Checkpoint(f"BSRN/{path}", sha256, _SOURCE, "MIT", entry="params", renames=renames)


def _bsrn_variant(name: str, title: str, argument: str, value: str) -> ModelCard:
    """BSRN with other convolutions, attentions or activations."""
    return ModelCard(
        name=name,
        title=title,
        family="BSRN",
        year=2022,
        scales=(2, 3, 4),
        build="bsrn.network:BSRN",
        arguments={argument: value},
        input=InputConvention(min_size=1 if value in ("cca", "none") else 15),  # it is ESA that needs 15
        citation=_ABLATION,
    )


CARDS = (
    ModelCard(
        name="bsrn",
        title="BSRN",
        family="BSRN",
        year=2022,
        scales=(2, 3, 4),
        build="bsrn.network:BSRN",
        input=InputConvention(min_size=15),
        official={
            2: _bsrn("net_g_BSRN_x2.pth", "09bd1f85e017c7902e65a9c9770ee592efe3d013f6b5cf1fe7de8cabac4ba37d"),
            3: _bsrn("net_g_BSRN_x3.pth", "6eb73a300aaec5029bc0de7f5ae85c02b8dcd8fdaf438c77f90272939fecca7e"),
            4: _bsrn("net_g_BSRN_x4.pth", "47518e0f549f5696da0c84ca2d65bf50d789c7ac20e621909f5fd6c8c8d70bcb"),
        },
        citation="Li et al., Blueprint Separable Residual Network for Efficient Image Super-Resolution, "
        "CVPR Workshops 2022, arXiv 2205.05996",
    ),
    ModelCard(
        name="bsrn-s",
        title="BSRN-S",
        family="BSRN",
        year=2022,
        scales=(4,),
        build="bsrn.network:BSRNS",
        input=InputConvention(min_size=15),
        official={
            4: _bsrn(
                "net_g_BSRN-S.pth",
                "f035e512bcecd2999af21999fdaeb6ed39a4492ac11d214b8164d27e6e958fec",
                _BSRNS_RENAMES,
            ),
        },
        citation="The NTIRE 2022 entry of the BSRN authors, arXiv 2205.05996 and 2205.05675",
    ),
    _bsrn_variant("bsrn-conv", "BSRN, plain convolution", "conv", "conv"),
    _bsrn_variant("bsrn-dsconv", "BSRN, DSConv", "conv", "dsconv"),
    _bsrn_variant("bsrn-bsconv-s", "BSRN, BSConv-S", "conv", "bsconv-s"),
    _bsrn_variant("bsrn-no-esa", "BSRN without ESA", "attention", "cca"),
    _bsrn_variant("bsrn-no-cca", "BSRN without CCA", "attention", "esa"),
    _bsrn_variant("bsrn-no-attention", "BSRN without attention", "attention", "none"),
    _bsrn_variant("bsrn-cca-esa", "BSRN, CCA before ESA", "attention", "cca-esa"),
    _bsrn_variant("bsrn-parallel", "BSRN, ESA and CCA in parallel", "attention", "parallel"),
    _bsrn_variant("bsrn-relu", "BSRN, ReLU", "activation", "relu"),
    _bsrn_variant("bsrn-lrelu", "BSRN, LeakyReLU", "activation", "leaky-relu"),
)
