"""Card of VDSR."""

from __future__ import annotations

from suite.catalog.cards import Checkpoint, InputConvention, ModelCard

_FILE = Checkpoint(
    "VDSR/vdsr.safetensors",
    "a6206f681664359f53e1419d2231b3f8dcb3652cce4a2bb7fee1f291c9a9fc39",
    "https://github.com/twtygqyy/pytorch-vdsr",
    "MIT",
    renames=(
        (r"^input\.", "head."),
        (r"^residual_layer\.(\d+)\.conv\.", r"body.\1."),
        (r"^output\.", "last."),
    ),
)
"""A re-implementation without biases, trained for all three scales at once; its tensors as safetensors."""

CARDS = (
    ModelCard(
        name="vdsr",
        title="VDSR",
        family="VDSR",
        year=2016,
        scales=(2, 3, 4),
        build="baselines.vdsr:VDSR",
        input=InputConvention("y"),
        official={2: _FILE, 3: _FILE, 4: _FILE},
        citation="Kim et al., Accurate Image Super-Resolution Using Very Deep Convolutional Networks, "
        "CVPR 2016, arXiv 1511.04587",
    ),
)
