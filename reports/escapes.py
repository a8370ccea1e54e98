"""How a text is written so that it stays a text: in Markdown, LaTeX, CSV and inside of a page."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from markupsafe import Markup

MARKDOWN: Mapping[str, str] = {c: f"\\{c}" for c in "\\`*[]<>|&~#$"} | {"\n": " ", "\r": " "}
"""What each special character of Markdown becomes."""

LATEX: Mapping[str, str] = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "[": "{[}",  # at the start of a row, [ and * would be read as arguments of the \\ before
    "]": "{]}",
    "*": "{*}",
    "\n": " ",
    "\r": " ",
    "\u00d7": r"$\times$",
    "\u00b7": r"$\cdot$",
    "\u221e": r"$\infty$",
    "\u2212": "$-$",
    "\u2013": "--",
    "\u00a0": "~",
} | {c: f"\\{c}" for c in "&%$#_{}"}
"""What each special character of LaTeX becomes."""

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[0-9][0-9,]*(\.[0-9]+)?(e[+-]?[0-9]+)?|-?inf")


def escape(text: str, escapes: Mapping[str, str]) -> str:
    """A text with each special character replaced."""
    return "".join(escapes.get(c, c) for c in text)


def guard(text: str) -> str:
    """A text behind an apostrophe if a spreadsheet would take it for a formula; numbers stay numbers."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_field(text: str) -> str:
    """A field of CSV (RFC 4180), guarded, and quoted where it must be."""
    text = guard(text)
    return '"' + text.replace('"', '""') + '"' if re.search(r'[",\r\n]', text) else text


def embed(data: Any) -> Markup:
    """Plain data as JSON that may stand in a ``<script type="application/json">``: it has no ``<``.

    Raises ``ValueError`` for a number that JSON lacks.
    """
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        # A lone surrogate, as in the name of a file that is not UTF-8, can't be written into a page.
        text = re.sub("[\ud800-\udfff]", lambda found: f"\\u{ord(found[0]):04x}", text)
    return Markup(text.replace("<", "\\u003c"))
