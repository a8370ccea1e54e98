"""The differences and the protocol lens as text, below the leaderboard in a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from reports.console import MOST_ROWS, Style, more, style_for
from reports.differences import DifferenceBlock, build_differences
from reports.lens import Lens, LensBlock, LensCell, build_lenses
from suite.records import Record

_GAP = "  "


def print_quality(records: Sequence[Record], console: Console) -> None:
    """Print the paired differences and the protocol lens of each scale; nothing where there are none.

    Elsewhere than on a terminal only plain characters are used.
    """
    style = style_for(console)
    for scale, blocks in build_differences(records).items():
        heading = f"\u00d7{scale}: PSNR in dB less that of the best, mean over the images [95 % interval]"
        _print(heading, (line for block in blocks for line in _differences(block)), console, style)
    for scale, lens in build_lenses(records).items():
        heading = f"\u00d7{scale}: protocol lens; PSNR, SSIM and the difference of PSNR to sr-y"
        _print(heading, _lens(lens, console.width), console, style)


def _print(heading: str, lines: Iterator[str], console: Console, style: Style) -> None:
    console.print()
    console.print(Text(style.text(heading), style="bold"))
    for line in lines:
        console.print(Text(style.text(line)), soft_wrap=False)


def _differences(block: DifferenceBlock) -> Iterator[str]:
    yield f"{block.dataset}, {block.protocol}, against {block.reference.name} ({_images(block.images)}):"
    for row in block.rows[:MOST_ROWS]:
        if row.missing:
            yield f"  {row.network.name}: {row.missing}"
        else:
            psnr = row.cells[0]
            yield f"  {row.network.name}: {psnr.text} [{psnr.interval}]: {psnr.verdict}"
    if words := more(len(block.rows), "networks"):
        yield f"  {words}"


def _images(count: int) -> str:
    return f"{count} image{'' if count == 1 else 's'}"


def _lens(lens: Lens, width: int) -> Iterator[str]:
    """A table for each dataset, in as many parts as the width needs."""
    for block in lens.blocks:
        shown = enumerate(lens.networks[:MOST_ROWS])
        columns = [_column(network.name, block, index) for index, network in shown]
        names = [block.dataset, *(row.protocol for row in block.rows)]
        left = max(map(cell_len, names))
        while columns:
            room, count = width - left, 0
            while count < len(columns) and (count == 0 or len(_GAP) + len(columns[count][0]) <= room):
                room -= len(_GAP) + len(columns[count][0])
                count += 1
            for number, name in enumerate(names):
                cells = (column[number] for column in columns[:count])
                yield _GAP.join((name.ljust(left), *cells)).rstrip()
            columns = columns[count:]
    if words := more(len(lens.networks), "networks"):
        yield words
    for reason in dict.fromkeys(c.missing for b in lens.blocks for r in b.rows for c in r.cells if c.missing):
        yield f"-: {reason}"


def _column(name: str, block: LensBlock, index: int) -> list[str]:
    """The lines of one network in one width; a long name is cut."""
    figures = [_figures(row.cells[index]) for row in block.rows]
    width = max(map(len, figures))
    head = name if cell_len(name) <= width else name[: width - 1].rstrip() + "."
    return [text.ljust(width) for text in (head, *figures)]


def _figures(cell: LensCell) -> str:
    if cell.missing:
        return "-"
    return f"{cell.psnr:>5} {cell.ssim} {cell.psnr_difference:>6}".ljust(19)
