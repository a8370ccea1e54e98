"""Card of FSRCNN."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, ModelCard


def _fsrcnn(scale: int, sha256: str) -> Checkpoint:
    return Checkpoint(
        f"FSRCNN/FSRCNN_x{scale}.pth",
        sha256,
        "https://github.com/ECNUSR/ETDS",
        "Apache-2.0",
        renames=((r"^first_part\.", "head."), (r"^mid_part\.", "body."), (r"^last_part\.", "upsample.")),
    )


CARDS = (
    ModelCard(
        name="fsrcnn",
        title="FSRCNN (RGB)",
        family="FSRCNN",
        year=2016,
        scales=(2, 3, 4),
        build="baselines.fsrcnn:FSRCNN",
        official={
            2: _fsrcnn(2, "77f972e3021812b96056c85daa73a2a2cea63aedba8118d4b0a8f2dcaeb14fc9"),
            3: _fsrcnn(3, "21ceae0138d9f2deeaf05fa60fad0b38e7ef442027ac70650587dfa678005ee6"),
            4: _fsrcnn(4, "2f2953527d6cd98863d4a197c6cdc09bed356a98256b19fb852a1811753296bb"),
        },
        citation="Dong et al., Accelerating the Super-Resolution Convolutional Neural Network, ECCV 2016, "
        "arXiv 1608.00367; weights from ETDS, CVPR 2023",
    ),
)
