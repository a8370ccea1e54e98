"""How text is shown in a terminal, and with plain characters alone in a file or a pipe."""

from __future__ import annotations

from dataclasses import dataclass

from rich.box import Box
from rich.console import Console

_ASCII = str.maketrans(
    {"\u00d7": "x", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u221e": "inf", "\u2019": "'"}
)
_BLANK = "    \n"
MOST_ROWS = 100
"""Rows of a table that are printed: nobody reads more of them in a terminal, and the report has all."""


@dataclass(frozen=True, slots=True)
class Style:
    """Whether only plain characters may be used, as in a file or a pipe."""

    plain: bool

    def text(self, words: str) -> str:
        """Words in the characters that may be used."""
        return words.replace(" \u00b7", ",").translate(_ASCII) if self.plain else words

    def box(self) -> Box:
        """A table's lines: one below its head."""
        rule = " -- \n" if self.plain else " \u2500\u2500 \n"
        return Box(_BLANK * 2 + rule + _BLANK * 5, ascii=self.plain)


def more(count: int, what: str, shown: int = MOST_ROWS) -> str:
    """Says that of so many rows or columns only the first ones are shown; empty where all are."""
    return f"{count - shown} more {what} are in the report." if count > shown else ""


def style_for(console: Console) -> Style:
    """Plain where the output is no terminal or cannot show other characters."""
    return Style(plain=not console.is_terminal or "utf" not in console.encoding.lower())
