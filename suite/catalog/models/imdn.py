"""Cards of IMDN."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, ModelCard
from suite.catalog.models.renames import BLOCK_NUMBERS, CCA, NTIRE_2022

_SOURCE = "https://github.com/Zheng222/IMDN"

_IMDN_RENAMES = (
    (r"^module\.", ""),
    (r"^fea_conv\.", "head."),
    *((rf"^IMDB{i}\.", f"blocks.{i - 1}.") for i in BLOCK_NUMBERS),
    (r"^c\.", "fuse."),
    (r"^LR_conv\.", "tail."),
    (r"^upsampler\.", "upsample."),
    *CCA,
    *((rf"\.c{i}\.", f".refine.{i - 1}.") for i in (1, 2, 3)),
    (r"\.c4\.", ".last."),
    (r"\.c5\.", ".fuse."),
)

_CHALLENGE_RENAMES = (
    (r"^model\.0\.", "head."),
    (r"^model\.1\.sub\.8\.", "tail."),
    (r"^model\.1\.sub\.", "blocks."),
    (r"^model\.2\.", "upsample.0."),
    *((rf"\.conv{i}\.0\.", f".refine.{i - 1}.") for i in (1, 2, 3)),
    (r"\.conv4\.", ".last."),
    (r"\.conv1x1\.", ".fuse."),
)


def _imdn(path: str, sha256: str) -> Checkpoint:
    return Checkpoint(f"IMDN/{path}", sha256, _SOURCE, "none stated", renames=_IMDN_RENAMES)


CARDS = (
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
    ModelCard(
        name="imdn-ntire",
        title="IMDN (NTIRE 2022)",
        family="IMDN",
        year=2022,
        scales=(4,),
        build="baselines.imdn:ChallengeIMDN",
        official={
            4: Checkpoint(
                "IMDN_NTIRE2022/imdn_baseline.pth",
                "115b4cc557eba9daaf1a6543c4858014c7e2a410655aafef7c8348ae54acc203",
                NTIRE_2022,
                "MIT",
                renames=_CHALLENGE_RENAMES,
            ),
        },
        citation="Baseline of Li et al., NTIRE 2022 Challenge on Efficient Super-Resolution: Methods and "
        "Results, CVPR Workshops 2022, arXiv 2205.05675",
    ),
)
