"""The cards of the networks that come with the suite."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, InputConvention, ModelCard

_BSRN_SOURCE = "https://github.com/xiaom233/BSRN"
_RFDN_SOURCE = "https://github.com/njulj/RFDN"
_IMDN_SOURCE = "https://github.com/Zheng222/IMDN"

Renames = tuple[tuple[str, str], ...]

_BLOCK_NUMBERS = range(1, 9)

_DISTILLATION_BLOCK = (
    (r"\.c([123])_d\.", r".distill.\1."),
    (r"\.c([123])_r\.", r".refine.\1."),
    *((rf"\.(distill|refine)\.{i}\.", rf".\1.{i - 1}.") for i in (1, 2, 3)),
    (r"\.c4\.", ".last."),
    (r"\.c5\.", ".fuse."),
)
"""Keys inside the block that RFDN introduced and BSRN kept; theirs count from one, ours from zero."""

_ESA = (
    (r"\.esa\.conv1\.", ".spatial.reduce."),
    (r"\.esa\.conv_f\.", ".spatial.shortcut."),
    (r"\.esa\.conv2\.", ".spatial.strided."),
    (r"\.esa\.conv_max\.", ".spatial.body.0."),
    (r"\.esa\.conv3\.", ".spatial.body.2."),
    (r"\.esa\.conv3_\.", ".spatial.body.4."),
    (r"\.esa\.conv4\.", ".spatial.expand."),
)

_CCA = (
    (r"\.cca\.conv_du\.0\.", ".channel.reduce."),
    (r"\.cca\.conv_du\.2\.", ".channel.expand."),
)

_BSRN_RENAMES = (
    (r"^fea_conv\.", "head."),
    *((rf"^B{i}\.", f"blocks.{i - 1}.") for i in _BLOCK_NUMBERS),
    (r"^c1\.", "fuse."),
    (r"^c2\.", "tail."),
    (r"^upsampler\.upsampleOneStep\.", "upsample."),
    *_DISTILLATION_BLOCK,
    *_ESA,
    *_CCA,
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

_RFDN_RENAMES = (
    (r"^fea_conv\.", "head."),
    *((rf"^B{i}\.", f"blocks.{i - 1}.") for i in _BLOCK_NUMBERS),
    (r"^c\.", "fuse."),
    (r"^LR_conv\.", "tail."),
    (r"^upsampler\.", "upsample."),
    *_DISTILLATION_BLOCK,
    *_ESA,
)

_IMDN_RENAMES = (
    (r"^module\.", ""),
    (r"^fea_conv\.", "head."),
    *((rf"^IMDB{i}\.", f"blocks.{i - 1}.") for i in _BLOCK_NUMBERS),
    (r"^c\.", "fuse."),
    (r"^LR_conv\.", "tail."),
    (r"^upsampler\.", "upsample."),
    *_CCA,
    *((rf"\.c{i}\.", f".refine.{i - 1}.") for i in (1, 2, 3)),
    (r"\.c4\.", ".last."),
    (r"\.c5\.", ".fuse."),
)


def _bsrn(path: str, sha256: str, renames: Renames = _BSRN_RENAMES) -> Checkpoint:
    return Checkpoint(f"BSRN/{path}", sha256, _BSRN_SOURCE, "MIT", entry="params", renames=renames)


def _imdn(path: str, sha256: str) -> Checkpoint:
    return Checkpoint(f"IMDN/{path}", sha256, _IMDN_SOURCE, "none stated", renames=_IMDN_RENAMES)


_ABLATION = "An ablation of arXiv 2205.05996"


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


def _bsrn_variant(name: str, title: str, argument: str, value: str) -> ModelCard:
    """BSRN with other convolutions or attentions."""
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


_CARDS = (
    ModelCard(
        name="bicubic",
        title="Bicubic",
        family="interpolation",
        year=1981,
        scales=(2, 3, 4),
        build="baselines.bicubic:Bicubic",
        citation="R. Keys, Cubic convolution interpolation for digital image processing, IEEE TASSP 1981",
        needs_weights=False,
    ),
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
                _RFDN_SOURCE,
                "MIT",
                renames=_RFDN_RENAMES,
            ),
        },
        citation="Liu et al., Residual Feature Distillation Network for Lightweight Image Super-Resolution, "
        "ECCV Workshops 2020, arXiv 2009.11551",
    ),
    ModelCard(
        name="imdn",
        title="IMDN",
        family="IMDN",
        year=2019,
        scales=(2, 3, 4),
        build="baselines.imdn:IMDN",
        official={
            2: _imdn("IMDN_x2.pth", "740b39653592bd3f49955a21cd9e16f2d37f2c413368cc09327601b8fbe42ce1"),
            3: _imdn("IMDN_x3.pth", "11b1716a19bc16e5e353e1db798d476169338e631eb170c82d765559888cb028"),
            4: _imdn("IMDN_x4.pth", "e660c38221147217a136debeb99eb304d62d9c0f73ac421ed66281b619719714"),
        },
        citation="Hui et al., Lightweight Image Super-Resolution with Information Multi-distillation "
        "Network, ACM Multimedia 2019, arXiv 1909.11856",
    ),
    _rfdn_variant("rfdn-dsconv", "RFDN, DSConv", "dsconv"),
    _rfdn_variant("rfdn-bsconv", "RFDN, BSConv-U", "bsconv"),
    _rfdn_variant("rfdn-bsconv-s", "RFDN, BSConv-S", "bsconv-s"),
    _bsrn_variant("bsrn-conv", "BSRN, plain convolution", "conv", "conv"),
    _bsrn_variant("bsrn-dsconv", "BSRN, DSConv", "conv", "dsconv"),
    _bsrn_variant("bsrn-bsconv-s", "BSRN, BSConv-S", "conv", "bsconv-s"),
    _bsrn_variant("bsrn-no-esa", "BSRN without ESA", "attention", "cca"),
    _bsrn_variant("bsrn-no-cca", "BSRN without CCA", "attention", "esa"),
    _bsrn_variant("bsrn-no-attention", "BSRN without attention", "attention", "none"),
    _bsrn_variant("bsrn-cca-esa", "BSRN, CCA before ESA", "attention", "cca-esa"),
    _bsrn_variant("bsrn-parallel", "BSRN, ESA and CCA in parallel", "attention", "parallel"),
)

MODELS: dict[str, ModelCard] = {card.name: card for card in _CARDS}
