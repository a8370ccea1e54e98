"""Card of ETDS. The name stands for the inference form, which published costs and checkpoints are of."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, ModelCard

_ETDS_RENAMES = (
    (r"^conv_first\.", "head."),
    (r"^backbone_convs\.", "blocks."),
    (r"^conv_last\.", "last."),
    (r"^conv_clip\.", "clip."),
)


def _etds(scale: int, sha256: str) -> Checkpoint:
    return Checkpoint(
        f"ETDS/ETDS_M4C32_x{scale}.pth",
        sha256,
        "https://github.com/ECNUSR/ETDS",
        "Apache-2.0",
        renames=_ETDS_RENAMES,
    )


CARDS = (
    ModelCard(
        name="etds-m4c32",
        title="ETDS-M4C32",
        family="ETDS",
        year=2023,
        scales=(2, 3, 4),
        build="baselines.etds:ETDS",
        official={
            2: _etds(2, "d8c64b4f6f9e501be550a22b93c47897478615f8a17bd4984e91fa85e2f3d3b9"),
            3: _etds(3, "b1847f01507c80c9ff44aebb3a8e1377e00023a1f12eb32331e478f04bcadc76"),
            4: _etds(4, "6d77e63a0fc715e0dbe8574814c5663ba615d9ce3a9b371e81e5be6d8377bc65"),
        },
        citation="Chao et al., Equivalent Transformation and Dual Stream Network Construction for Mobile "
        "Image Super-Resolution, CVPR 2023",
    ),
)
