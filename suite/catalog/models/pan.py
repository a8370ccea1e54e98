"""Card of PAN."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, ModelCard

_SOURCE = "https://github.com/zhaohengyuan1/PAN"

_PAN_RENAMES = (
    (r"^conv_first\.", "head."),
    (r"^SCPA_trunk\.", "blocks."),
    (r"^trunk_conv\.", "tail."),
    (r"^conv_last\.", "last."),
    *((rf"^upconv{i}\.", f"upsample.{i - 1}.reduce.") for i in (1, 2)),
    *((rf"^att{i}\.", f"upsample.{i - 1}.attention.") for i in (1, 2)),
    *((rf"^HRconv{i}\.", f"upsample.{i - 1}.refine.") for i in (1, 2)),
    (r"\.conv1_a\.", ".plain_reduce."),
    (r"\.conv1_b\.", ".gated_reduce."),
    (r"\.k1\.0\.", ".plain."),
    (r"\.PAConv\.k2\.", ".gate."),
    (r"\.PAConv\.k3\.", ".gated."),
    (r"\.PAConv\.k4\.", ".gated_last."),
    (r"\.conv3\.", ".fuse."),
)


def _pan(path: str, sha256: str) -> Checkpoint:
    return Checkpoint(f"PAN/{path}", sha256, _SOURCE, "none stated", renames=_PAN_RENAMES)


CARDS = (
    ModelCard(
        name="pan",
        title="PAN",
        family="PAN",
        year=2020,
        scales=(2, 3, 4),
        build="baselines.pan:PAN",
        official={
            2: _pan("PANx2_DF2K.pth", "fcf8ed48656abbaae46309ee91745684b80235a9c8b37a2d8fb0715a3ad3f00f"),
            3: _pan("PANx3_DF2K.pth", "86491751d73645a8816a0d6ec62ccde6b22ce5da930e36b3b87f5437167fbc89"),
            4: _pan("PANx4_DF2K.pth", "739fab99ee7b7058dab4d1b84aa2869bb9fc3995a1c08789c20355bee943833c"),
        },
        citation="Zhao et al., Efficient Image Super-Resolution Using Pixel Attention, ECCV Workshops 2020, "
        "arXiv 2010.01073",
    ),
)
