"""Card of LapSRN."""

from __future__ import annotations

import dataclasses

from suite.catalog.cards import Checkpoint, InputConvention, ModelCard

_X4 = Checkpoint(
    "LapSRN/lapsrn.safetensors",
    "dbe9639fe486aa7bab4f1d7075eda56da87423ecc1b7ccab52173986f8fa2620",
    "https://github.com/twtygqyy/pytorch-LapSRN",
    "MIT",
    renames=(
        (r"^conv_input\.", "head."),
        (r"^convt_F1\.0\.", "levels.0."),
        (r"^convt_F2\.0\.", "levels.1."),
        *((rf"\.cov_block\.{2 * layer}\.", f".body.{layer}.") for layer in range(10)),
        (r"\.cov_block\.20\.", ".up."),
        (r"^convt_I1\.", "levels.0.image."),
        (r"^convt_I2\.", "levels.1.image."),
        (r"^convt_R1\.", "levels.0.detail."),
        (r"^convt_R2\.", "levels.1.detail."),
    ),
)
"""A re-implementation without biases; its tensors as safetensors."""

CARDS = (
    ModelCard(
        name="lapsrn",
        title="LapSRN",
        family="LapSRN",
        year=2017,
        scales=(2, 4),
        build="baselines.lapsrn:LapSRN",
        input=InputConvention("y"),
        official={2: dataclasses.replace(_X4, unused=(r"^convt_[FIR]2\.",)), 4: _X4},
        citation="Lai et al., Deep Laplacian Pyramid Networks for Fast and Accurate Super-Resolution, "
        "CVPR 2017, arXiv 1704.03915",
    ),
)
