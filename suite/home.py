"""Where data and weights lie: ``--home DIR``, else ``$SUITE_HOME``, else the user's cache folder."""

from __future__ import annotations

import os
from pathlib import Path

from suite.catalog.cards import DatasetCard
from suite.errors import UsageError

APPLICATION = "efficient-sr-suite"


def expand(text: str) -> Path:
    """A path that a user typed, with ``~`` resolved where the system knows that user."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def find_home(option: str | None = None) -> Path:
    """The data home. It need not exist: then it simply holds nothing.

    Raises `UsageError` for an explicit ``--home`` or ``$SUITE_HOME`` that is not a folder.
    """
    for label, value in (("--home", option), ("$SUITE_HOME", os.environ.get("SUITE_HOME"))):
        if value:
            home = expand(value)
            if not home.is_dir():
                raise UsageError(f"{label} is {value!r}, which is not a folder.")
            return home
    import platformdirs

    return Path(platformdirs.user_cache_dir(APPLICATION))


def holds(home: Path, card: DatasetCard) -> bool:
    """Whether a catalogued dataset is there; one that comes with a package always is."""
    return card.folder is None or (home / "data" / card.folder / "HR").is_dir()
