"""Screenshots of a report: every part of the page, on a desk and a phone, light and dark.

    python scripts/screenshots.py PAGE.html --out DIR [--docs]

Writes DIR/PART-WIDTH-SCHEME.png for each part: the leaderboard and its plots, the comparison of images, the
tables, the challenge, the audits, how the numbers were made. With --docs also the best of them for the
documentation, as docs/images/PART.webp, each below 100 KB. Needs Playwright and a Chromium on the path. Exit
status 1 if a part of the documentation's is not on the page, or the browser had a message.
"""

from __future__ import annotations

import argparse
import io
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

WIDTHS = (1400, 390)
SCHEMES = ("light", "dark")
TALLEST = 1600
"""CSS pixels; of a taller part the upper end is shown."""
DOCS = Path(__file__).resolve().parents[1] / "docs" / "images"
LARGEST = 100_000
"""Bytes of a picture of the documentation."""


@dataclass(frozen=True)
class Part:
    """What is shown, and in which state of the page."""

    name: str
    selector: str
    state: str = ""
    """What follows the anchor in the address."""
    height: int = TALLEST


@dataclass(frozen=True)
class Shown:
    """A part as the documentation shows it."""

    part: Part
    width: int = 1400
    scheme: str = "light"


IMAGES = "section.gallery"
FOR_DOCS = (
    Shown(Part("leaderboard", ".boards", height=900)),
    Shown(Part("plots", ".boards section .figures", height=700)),
    Shown(Part("comparison", IMAGES, height=900)),
    Shown(Part("error-map", IMAGES, "img-map=1&img-zoom=2,0.5,0.5", height=900), scheme="dark"),
    Shown(Part("tables", "#table2", height=900)),
    Shown(Part("phone", IMAGES, height=1000), width=390),
)


def parts(page: Page) -> Iterator[Part]:
    """Every part of a page, under the name of its anchor."""
    names: list[str] = page.locator("main section[id]").evaluate_all("all => all.map((one) => one.id)")
    for name in names:
        yield Part(name, f"#{name}")
        if page.locator(f"#{name} .figures").count():
            yield Part(f"{name}-plots", f"#{name} .figures")
    if page.locator(IMAGES).count():
        yield Part("images-errors", IMAGES, "img-map=1&img-zoom=2,0.5,0.5")


READY = """() => {
  document.documentElement.style.setProperty("--far", "visible");
  for (const one of document.querySelectorAll("main div")) {
    if (getComputedStyle(one).position === "sticky") one.style.position = "static";
  }
}"""
"""What is far from the window is laid out for once: a picture may be taller than the window, which would also
show what sticks to its edge in the middle."""


def shoot(page: Page, part: Part) -> bytes | None:
    """A part as PNG, as far as `TALLEST` allows; None if it is not on the page."""
    place = page.locator(part.selector).first
    if not place.count():
        return None
    page.evaluate(READY)
    place.evaluate("one => scrollTo(0, one.getBoundingClientRect().top + scrollY)")
    if place.locator(".viewer").count():
        place.locator(".viewer.ready").wait_for()
    page.wait_for_timeout(200)
    box = place.bounding_box()
    if box is None:
        return None
    top = box["y"] + page.evaluate("scrollY")
    clip = {"x": 0, "y": top, "width": page.viewport_size["width"], "height": min(box["height"], part.height)}
    return page.screenshot(clip=clip, full_page=True)


def open_page(browser: Browser, address: str, width: int, scheme: str, messages: list[str]) -> Page:
    """The report in a window; what the browser says about it is added to the messages."""
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, reduced_motion="reduce"
    )
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.goto(address)
    return page


def shoot_all(browser: Browser, address: str, folder: Path, messages: list[str]) -> None:
    """Every part at both widths in both schemes."""
    for width in WIDTHS:
        for scheme in SCHEMES:
            page = open_page(browser, address, width, scheme, messages)
            for part in list(parts(page)):
                if part.state:
                    page.goto("about:blank")
                    page.goto(f"{address}#images?{part.state}")
                if (picture := shoot(page, part)) is not None:
                    file = folder / f"{part.name}-{width}-{scheme}.png"
                    file.write_bytes(picture)
                    print(file)
            page.close()


def shoot_docs(browser: Browser, address: str, messages: list[str]) -> list[str]:
    """The pictures of the documentation. Returns the names of the parts that are not on the page."""
    missing = []
    DOCS.mkdir(parents=True, exist_ok=True)
    for shown in FOR_DOCS:
        state = f"#images?{shown.part.state}" if shown.part.state else ""
        page = open_page(browser, address + state, shown.width, shown.scheme, messages)
        picture = shoot(page, shown.part)
        page.close()
        if picture is None:
            missing.append(shown.part.name)
            continue
        file = DOCS / f"{shown.part.name}.webp"
        file.write_bytes(small(picture))
        print(f"{file}, {file.stat().st_size:,} bytes")
    return missing


def small(picture: bytes) -> bytes:
    """A PNG as WebP below `LARGEST` bytes, as good as that allows."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    for quality in (90, 80, 70, 60, 45, 30, 15):
        stream = io.BytesIO()
        image.save(stream, "WEBP", quality=quality, method=6)
        if stream.tell() < LARGEST:
            break
    return stream.getvalue()


def main() -> int:
    """Make the screenshots."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("page", type=Path, metavar="PAGE.html")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR")
    parser.add_argument("--docs", action="store_true", help="also write docs/images")
    options = parser.parse_args()
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not options.page.is_file() or chromium is None:
        parser.error("there is no Chromium on the path" if chromium is None else f"{options.page} is no file")
    options.out.mkdir(parents=True, exist_ok=True)
    address = options.page.resolve().as_uri()
    messages: list[str] = []
    missing: list[str] = []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        shoot_all(browser, address, options.out, messages)
        if options.docs:
            missing = shoot_docs(browser, address, messages)
        browser.close()
    for line in (*messages, *(f"{name} is not on the page" for name in missing)):
        print(line, file=sys.stderr)
    return int(bool(messages or missing))


if __name__ == "__main__":
    sys.exit(main())
