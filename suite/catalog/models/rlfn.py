"""Cards of RLFN, RLFN-S and the RLFN of NTIRE 2022."""

from __future__ import annotations

from collections.abc import Mapping

from suite.catalog.cards import Checkpoint, InputConvention, ModelCard
from suite.catalog.models.renames import BLOCK_NUMBERS, DISTILLATION_BLOCK, ESA

_SOURCE = "https://github.com/bytedance/RLFN"
_PAPER = (
    "Kong et al., Residual Local Feature Network for Efficient Super-Resolution, CVPR Workshops 2022, "
    "arXiv 2205.07514"
)

_RLFN_RENAMES = (
    (r"^conv_1\.", "head."),
    *((rf"^block_{i}\.", f"blocks.{i - 1}.") for i in BLOCK_NUMBERS),
    (r"^conv_2\.", "tail."),
    (r"^upsampler\.", "upsample."),
    *DISTILLATION_BLOCK,
    (r"\.esa\.conv3\.", ".spatial.body.0."),  # its ESA has but this one convolution after the pool
    *ESA,
)


def _rlfn(
    name: str, title: str, arguments: Mapping[str, int], files: Mapping[int, tuple[str, str]]
) -> ModelCard:
    """An RLFN whose checkpoints are ``files``: name below ``RLFN/`` and digest by scale."""
    return ModelCard(
        name=name,
        title=title,
        family="RLFN",
        year=2022,
        scales=tuple(files),
        build="baselines.rlfn:RLFN",
        arguments=arguments,
        input=InputConvention(range=255.0, min_size=15),
        official={
            scale: Checkpoint(f"RLFN/{file}", sha256, _SOURCE, "Apache-2.0", renames=_RLFN_RENAMES)
            for scale, (file, sha256) in files.items()
        },
        citation=_PAPER,
    )


CARDS = (
    _rlfn(
        "rlfn",
        "RLFN",
        {},
        {
            2: ("rlfn_x2.pth", "eafe5d5feeb122022453595c06d79160facdc157ae88deb02a44c50f5eba2d41"),
            4: ("rlfn_x4.pth", "8c7edb57dfc89048bafba29d591d4c27d4099964b4a9e22df23d6dc257a637c0"),
        },
    ),
    _rlfn(
        "rlfn-s",
        "RLFN-S",
        {"channels": 48},
        {
            2: ("rlfn_s_x2.pth", "f5175f499f869c1b884c2552a1bcd6abd07ab352e3d8c8c9abe31b1deb60fe45"),
            4: ("rlfn_s_x4.pth", "f769c5a88433786b2db0c2b24da6ca6c92a24c62344b9354a390f8a74388e89d"),
        },
    ),
    _rlfn(
        "rlfn-ntire",
        "RLFN (NTIRE 2022)",
        {"channels": 46, "mid_channels": 48, "blocks": 4},
        {4: ("rlfn_ntire_x4.pth", "3c9be7b9d7a4bece9b68c83a56a1ffb38010f76413d5f215be6b4be842e18fb2")},
    ),
)
