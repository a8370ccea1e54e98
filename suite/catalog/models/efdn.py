"""Card of EFDN. The name stands for the inference form, which published costs and the checkpoint are of."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, InputConvention, ModelCard
from suite.catalog.models.renames import ESA, NTIRE_2022

_EFDN_RENAMES = (
    (r"^cells\.", "blocks."),
    (r"^local_fuse\.", "fuse."),
    (r"^tail\.", "upsample."),
    *((rf"\.conv{i}\.(?:conv1x1|rep_conv)\.", f".refine.{i - 1}.0.") for i in (1, 2, 3)),
    *((rf"\.conv{i}\.act\.", f".refine.{i - 1}.1.") for i in (1, 2, 3)),
    (r"\.branch\.", ".distill."),
    (r"\.att\.", ".esa."),
    *ESA,
)

CARDS = (
    ModelCard(
        name="efdn",
        title="EFDN",
        family="EFDN",
        year=2022,
        scales=(4,),
        build="baselines.efdn:EFDN",
        input=InputConvention(min_size=15),
        official={
            4: Checkpoint(
                "EFDN/team01_efdn.pth",
                "71069f10ef234cd123f45ac8e69099f0a1fdc0c16afcfe2189e50071d47ce477",
                NTIRE_2022,
                "MIT",
                renames=_EFDN_RENAMES,
            ),
        },
        citation="Wang, Edge-enhanced Feature Distillation Network for Efficient Super-Resolution, "
        "CVPR Workshops 2022, arXiv 2204.08759",
    ),
)
