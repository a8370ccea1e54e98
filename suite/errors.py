"""Errors that a user can act on. Each message is one sentence that names the file or option."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SuiteError(Exception):
    """Something asked for could not be measured; the message says what and what to do."""


class UsageError(SuiteError):
    """The command itself is wrong: an unknown name, an impossible option. Exit status 2."""


class Ended(KeyboardInterrupt):
    """The process was asked to end, by SIGTERM. Exit status 143, as without the suite's doing."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> UsageError:
    """The error for a name that is not in the catalog, with the nearest known name if one is near."""
    names = sorted(known)
    near = difflib.get_close_matches(name.lower(), names, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(names)}."
    return UsageError(f"unknown {kind} {name!r}: {hint}")
