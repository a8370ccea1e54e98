"""PNG files of 16 bits a sample, which Pillow writes for grey alone.

By the specification: https://www.w3.org/TR/png-3/
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}
"""Colour type by number of channels: grey, grey with alpha, RGB, RGB with alpha."""
_SUB = 1
"""Filter of every row: the difference to the pixel on the left."""


def encode_16_bit(samples: NDArray[np.generic], profile: bytes | None = None) -> bytes:
    """The bytes of a PNG file with ``(H, W, C)`` uint16 samples, C from 1 to 4, and an ICC profile if any."""
    height, width, channels = samples.shape
    octets = np.ascontiguousarray(samples.astype(">u2")).view(np.uint8).reshape(height, -1)
    rows = np.empty((height, 1 + octets.shape[1]), np.uint8)
    rows[:, 0] = _SUB
    rows[:, 1:] = octets
    rows[:, 1 + 2 * channels :] -= octets[:, : -2 * channels]  # modulo 256, as the filter is defined
    header = struct.pack(">IIBBBBB", width, height, 16, _COLOUR_TYPES[channels], 0, 0, 0)
    named = b"ICC profile\0\0" + zlib.compress(profile) if profile else b""
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            _chunk(b"IHDR", header),
            _chunk(b"iCCP", named) if named else b"",
            _chunk(b"IDAT", zlib.compress(rows.tobytes())),
            _chunk(b"IEND", b""),
        )
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
