"""What the cards of several families share: names inside checkpoints, what they are called here, sources."""

from __future__ import annotations

Renames = tuple[tuple[str, str], ...]
"""Pairs of a regular expression and its replacement, applied to each key in turn."""

BLOCK_NUMBERS = range(1, 9)

DISTILLATION_BLOCK = (
    (r"\.c([123])_d\.", r".distill.\1."),
    (r"\.c([123])_r\.", r".refine.\1."),
    *((rf"\.(distill|refine)\.{i}\.", rf".\1.{i - 1}.") for i in (1, 2, 3)),
    (r"\.c4\.", ".last."),
    (r"\.c5\.", ".fuse."),
)
"""Keys inside the block that RFDN introduced and BSRN kept; theirs count from one, ours from zero."""

ESA = (
    (r"\.esa\.conv1\.", ".spatial.reduce."),
    (r"\.esa\.conv_f\.", ".spatial.shortcut."),
    (r"\.esa\.conv2\.", ".spatial.strided."),
    (r"\.esa\.conv_max\.", ".spatial.body.0."),
    (r"\.esa\.conv3\.", ".spatial.body.2."),
    (r"\.esa\.conv3_\.", ".spatial.body.4."),
    (r"\.esa\.conv4\.", ".spatial.expand."),
)

CCA = (
    (r"\.cca\.conv_du\.0\.", ".channel.reduce."),
    (r"\.cca\.conv_du\.2\.", ".channel.expand."),
)

NTIRE_2022 = "https://github.com/ofsoundof/NTIRE2022_ESR"
"""Repository of the NTIRE 2022 challenge, source of its baseline's and several entries' checkpoints."""
