"""Making very many objects at once."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def no_collections() -> Iterator[None]:
    """Put off the search for objects that refer to one another in a circle, of this whole process.

    It looks through all that lives, again and again while objects are made by the million and none goes: a
    quarter of the time of what makes them.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
