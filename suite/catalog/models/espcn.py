"""Card of ESPCN."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, ModelCard


def _espcn(scale: int, sha256: str) -> Checkpoint:
    return Checkpoint(
        f"ESPCN/ESPCN_x{scale}.pth",
        sha256,
        "https://github.com/ECNUSR/ETDS",
        "Apache-2.0",
        renames=((r"^conv1\.", "head."), (r"^conv2\.", "body."), (r"^conv3\.", "upsample.0.")),
    )


CARDS = (
    ModelCard(
        name="espcn",
        title="ESPCN (RGB)",
        family="ESPCN",
        year=2016,
        scales=(2, 3, 4),
        build="baselines.espcn:ESPCN",
        official={
            2: _espcn(2, "a4d7d234ead30ebca8f5fbeb13a0ca77ebe2a3cf4a0dd9e9d29a57381497eb37"),
            3: _espcn(3, "259b39673d43dbc8188b9e4c549bb9f01557708751a09562d48bb59464153526"),
            4: _espcn(4, "94ebb1ab6218b41ad47cfcbf8d5b29280e0bc9cd394ac209498cb628bc3ad6ec"),
        },
        citation="Shi et al., Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel "
        "Convolutional Neural Network, CVPR 2016, arXiv 1609.05158; weights from ETDS, CVPR 2023",
    ),
)
