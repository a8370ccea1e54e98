"""Card of PlainUSR. The name stands for the inference form, which published costs and checkpoints are of."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, ModelCard

_PLAINUSR_RENAMES = (
    (r"^block1\.", "blocks.0."),
    (r"^blockm\.", "blocks.1."),
    (r"^block2\.", "blocks.2."),
    (r"^tail\.", "upsample."),
    (r"\.body\.3\.body\.0\.", ".attention.conv."),
    (r"\.body\.0\.", ".first."),
    (r"\.body\.2\.", ".second."),
)


def _plainusr(scale: int, sha256: str) -> Checkpoint:
    return Checkpoint(
        f"PlainUSR/PlainUSRU_Rep_x{scale}.pth",
        sha256,
        "https://github.com/icandle/PlainUSR",
        "MIT",
        renames=_PLAINUSR_RENAMES,
    )


CARDS = (
    ModelCard(
        name="plainusr-u",
        title="PlainUSR-U",
        family="PlainUSR",
        year=2024,
        scales=(2, 4),
        build="baselines.plainusr:PlainUSR",
        official={
            2: _plainusr(2, "8c6c9f82bceaab6b84bacad643443c367bee93e9ecdabb7c7e4cc595dc82df81"),
            4: _plainusr(4, "d64a40ab30019a20a34bb89dd4c6b5d0ab8b16911c65c63ce31b842f4079d15a"),
        },
        citation="Wang et al., PlainUSR: Chasing Faster ConvNet for Efficient Super-Resolution, ACCV 2024",
    ),
)
