"""Cards of ECBSR. Each name stands for the inference form, which published costs and checkpoints are of."""

from __future__ import annotations

from collections.abc import Mapping

from suite.catalog.cards import Checkpoint, ModelCard

_SOURCE = "https://github.com/ECNUSR/ETDS"
_BLOCKS = 4

_ECBSR_RENAMES = (
    (rf"^backbone\.{_BLOCKS + 1}\.0\.", "last."),
    (r"^backbone\.", "blocks."),
)


def _ecbsr(channels: int, digests: Mapping[int, str]) -> ModelCard:
    name = f"M{_BLOCKS}C{channels}"
    return ModelCard(
        name=f"ecbsr-{name.lower()}",
        title=f"ECBSR-{name}",
        family="ECBSR",
        year=2021,
        scales=tuple(digests),
        build="baselines.ecbsr:ECBSR",
        arguments={"channels": channels, "blocks": _BLOCKS},
        official={
            scale: Checkpoint(
                f"ECBSR/ECBSR_{name}_x{scale}.pth", sha256, _SOURCE, "Apache-2.0", renames=_ECBSR_RENAMES
            )
            for scale, sha256 in digests.items()
        },
        citation="Zhang et al., Edge-oriented Convolution Block for Real-time Super Resolution on Mobile "
        "Devices, ACM Multimedia 2021; checkpoints in RGB by Chao et al., CVPR 2023",
    )


CARDS = (
    _ecbsr(
        16,
        {
            2: "d13482aa1e7309fb7cf296376636023647c192c793c46685311fa13739a5ef68",
            3: "4e66c92d75eb0c7d88ffd922b216f3966a664ce295065be18f70f44a64f9292b",
            4: "04f630699d14ec695384adf21a18d4effe9722c745d4ea34bc3c8e3e2413c3c3",
        },
    ),
    _ecbsr(
        32,
        {
            2: "ff160c76918426f8f1859d99c8c3b90ecb2cfc601d378b33d0381c534525368d",
            3: "f1aece5af2217a8b0d35d82ef5894d452746db3c072cc5cafe569f07eb557302",
            4: "6d5bb76ac7c6fc30d3236a18ddd20653137fb86efd2e4e1a24ed73441651b38a",
        },
    ),
)
