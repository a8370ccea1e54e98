"""Card of FMEN. The name stands for the inference form, which published costs and the checkpoint are of."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, InputConvention, ModelCard
from suite.catalog.models.renames import NTIRE_2022

_FMEN_RENAMES = (
    (r"^warmup\.", "warm_up."),
    (r"^basic_blocks\.(\d)\.", r"blocks.\1.0."),
    (r"^hfabs\.(\d)\.", r"blocks.\1.1."),
    (r"^tail\.", "upsample."),
    (r"^lr_conv\.", "tail."),
    (r"\.convs\.", ".blocks."),
    (r"\.excitate\.", ".excite."),
    (r"\.conv1\.rep_conv\.", ".first."),
    (r"\.conv2\.rep_conv\.", ".second."),
)

CARDS = (
    ModelCard(
        name="fmen",
        title="FMEN",
        family="FMEN",
        year=2022,
        scales=(4,),
        build="baselines.fmen:FMEN",
        input=InputConvention(range=255.0),
        official={
            4: Checkpoint(
                "FMEN/team03_fmen.pth",
                "f20cde0828068c5f50d3b64aa82c8a363fe6abc8d536d1a9fd4d09899f019bea",
                NTIRE_2022,
                "MIT",
                renames=_FMEN_RENAMES,
            ),
        },
        citation="Du et al., Fast and Memory-Efficient Network Towards Efficient Image Super-Resolution, "
        "CVPR Workshops 2022, arXiv 2204.08397",
    ),
)
