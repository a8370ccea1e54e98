"""What reaches a terminal: text, never a command to it.

Names come from files, records and servers. One that holds an escape sequence could move the cursor, set the
title or hide a line, and one with a lone surrogate cannot be written at all. Both are shown as ``\\x1b``.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TextIO, cast

from suite.errors import SuiteError

if TYPE_CHECKING:
    from rich.console import Console

_COMMANDS = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters but tab and line feed
    "\u2028\u2029\u202a-\u202e\u2066-\u2069"  # other line ends; what turns the direction of text
    "\ud800-\udfff]"  # halves of a character, which names that are no UTF-8 become
)


def printable(text: str) -> str:
    """A text in which whatever is no text stands as its escape.

    >>> printable("red \\x1b[31m, no\\nname")
    'red \\\\x1b[31m, no\\nname'
    """
    return _COMMANDS.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    number = ord(found[0])
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}"


def in_one_line(text: str) -> str:
    """A text that cannot pass for several lines of a log."""
    return printable(text).replace("\n", "\\n")


def send_nowhere(stream: TextIO) -> None:
    """Let all that is still to be written to a stream go: else Python tries again at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


class Plain:
    """A stream of text that writes everything, in the characters that its encoding has.

    Where the system does not take it (a full disk), `SuiteError` says so, unless it is not ``needed``: what
    is only said is then lost, and the work goes on. Without a stream, nothing is written.
    """

    def __init__(self, raw: TextIO | None, *, needed: bool) -> None:
        self._raw = raw or open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 -- as long as the process
        self._needed = needed

    def write(self, text: str) -> int:
        """Write a text; gives its length."""
        encoding = self._raw.encoding or "utf-8"
        with self._refusals():
            self._raw.write(text.encode(encoding, "backslashreplace").decode(encoding))
        return len(text)

    def flush(self) -> None:
        """Hand over what was written."""
        with self._refusals():
            self._raw.flush()

    @contextlib.contextmanager
    def _refusals(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            if self._needed and isinstance(error, BrokenPipeError):
                raise
            send_nowhere(self._raw)
            if self._needed:
                raise SuiteError(f"cannot write to standard output: {error.strerror}.") from None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)


class Screen(Plain):
    """The same for what is printable alone."""

    def __init__(self, raw: TextIO | None, *, needed: bool) -> None:
        super().__init__(raw, needed=needed)
        self.plain = cast("TextIO", Plain(self._raw, needed=needed))
        """For what must arrive as it is."""

    def write(self, text: str) -> int:
        """Write a text; gives its length."""
        super().write(printable(text))
        return len(text)


@contextlib.contextmanager
def screens() -> Iterator[None]:
    """Put a `Screen` before standard output and standard error."""
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = Screen(sys.stdout, needed=True), Screen(sys.stderr, needed=False)
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


def write_data(text: str) -> None:
    """Write figures to standard output: as they are into a file or a pipe, printable on a terminal."""
    stream = sys.stdout
    if isinstance(stream, Screen) and not stream.isatty():
        stream.plain.write(text)
    else:
        stream.write(text)


def open_console(*, stderr: bool = False) -> Console:
    """A console that may colour and move, but whose texts may not."""
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook, RenderResult
    from rich.segment import Segment

    class Printable:
        def __init__(self, inner: ConsoleRenderable) -> None:
            self._inner = inner

        def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
            for segment in console.render(self._inner, options):
                text = segment.text if segment.control else printable(segment.text)
                yield Segment(text, segment.style, segment.control)

    class Ours(Console):
        def on_broken_pipe(self) -> None:
            raise

    class Hook(RenderHook):
        def process_renderables(self, renderables: Sequence[ConsoleRenderable]) -> list[ConsoleRenderable]:
            return [Printable(one) for one in renderables]

    stream = sys.stderr if stderr else sys.stdout
    console = Ours(file=stream.plain if isinstance(stream, Screen) else stream)
    console.push_render_hook(Hook())
    return console
