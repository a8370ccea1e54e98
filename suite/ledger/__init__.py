"""Published figures, each with its source and how far it is verified, and the judgement of a run by them.

``entries`` says what a published figure is; ``reading`` (with ``parsing`` and ``checks``) reads the TOML
files beside this module, or a user's own; ``verify`` compares records with them; ``audit`` looks at the file
of a run itself. Nothing here measures.
"""

from __future__ import annotations

from suite.ledger.entries import Difference, Entry, Ledger, Source, Table
from suite.ledger.reading import load_ledger
from suite.ledger.verify import Finding, Verdict, verify

__all__ = [
    "Difference",
    "Entry",
    "Finding",
    "Ledger",
    "Source",
    "Table",
    "Verdict",
    "load_ledger",
    "verify",
]
