"""The image comparison on the page: what it shows, and what it does in a browser."""

from __future__ import annotations

import base64
import io
import itertools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from PIL import Image

from reports.gallery import Gallery, build_gallery, error_colours
from reports.html import render
from suite.crops import Crop, Crops, Shot
from suite.files import write_text
from suite.images import Rgb, luma
from suite.records import Record
from suite.regions import Region

Factory = Callable[..., list[Record]]
Open = Callable[..., Any]


def decoded(data: str) -> Rgb:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))))


def shot(hr: Rgb, noise: float, record: Record | None, seed: int) -> Shot:
    draw = np.random.default_rng(seed)
    pixels = np.clip(hr + draw.normal(0, noise, hr.shape), 0, 255).astype(np.uint8)
    return Shot(pixels, 40 - noise, 1 - noise / 100, record)


def crop_of(image: str, records: list[Record], size: tuple[int, int] = (48, 64)) -> Crop:
    coarse = np.random.default_rng(1).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    whole = np.asarray(Image.fromarray(coarse).resize((400, 300), Image.Resampling.BICUBIC))
    region = Region(image, 100, 60, size[1], size[0])
    hr = region.of(whole)
    shots = tuple(shot(hr, 2 + 3 * number, record, number) for number, record in enumerate(records))
    return Crop("Set5", 4, region, whole, hr, shot(hr, 20, None, 99), shots, 5.0)


@pytest.fixture(scope="module")
def quality(records: list[Record]) -> list[Record]:
    """One record a network, with figures of the image ``a``."""
    return [r for r in records if r.measure == "quality" and r.dataset == "Set5" and r.values]


@pytest.fixture(scope="module")
def found(quality: list[Record]) -> Crops:
    """Two crops of four networks, one with a strange name, and a problem."""
    names = ("bsrn", "rfdn", "imdn", "<script>alert(1)</script>")
    shown = [next(r for r in quality if r.model == name) for name in names]
    return Crops(
        (crop_of("a", shown), crop_of('b "<b>', shown[:2], (32, 32))), ("No crop of c: it is gone.",)
    )


@pytest.fixture(scope="module")
def gallery(found: Crops) -> Gallery:
    built = build_gallery(found, 2.5)
    assert built
    return built


def test_pictures_are_embedded_without_loss(found: Crops, gallery: Gallery) -> None:
    crop, view = found.crops[0], gallery.crops[0]
    np.testing.assert_array_equal(decoded(view.tiles[0].data), crop.hr)
    np.testing.assert_array_equal(decoded(view.tiles[1].data), crop.bicubic.pixels)
    for tile, one in zip(view.tiles[2:], crop.shots, strict=True):
        assert one.record and tile.id == one.record.key
        np.testing.assert_array_equal(decoded(tile.data), one.pixels)


def test_tiles_are_named_and_ordered(gallery: Gallery) -> None:
    tiles = gallery.crops[0].tiles
    assert [tile.title for tile in tiles] == [
        *("HR", "Bicubic", "BSRN", "RFDN (AIM 2020)", "IMDN", "<script>alert(1)</script>")
    ]
    assert tiles[2].origin == "official" and tiles[2].of_crop == "38.00 dB / 0.9800"
    assert tiles[2].of_image == "33.35 dB / 0.8971 (sr-y)"
    assert tiles[0].of_crop == "" and tiles[1].of_image == ""
    assert [tile.best for tile in tiles] == [False, False, True, False, False, False]
    assert gallery.crops[1].tiles[2].of_image == ""  # no figure of that image


def test_a_measured_bicubic_takes_the_place_of_the_other(make: Factory, models: Any) -> None:
    made = [r for r in make([models.bsrn, models.bicubic], ["quality"], ["Set5"]) if r.values]
    built = build_gallery(Crops((crop_of("a", made),)), 2.5)
    assert built
    tiles = built.crops[0].tiles
    assert [tile.title for tile in tiles] == ["HR", "Bicubic", "BSRN"]
    assert tiles[1].of_image == "29.42 dB / 0.8104 (sr-y)"


def test_the_overview_marks_the_crop(gallery: Gallery) -> None:
    view = gallery.crops[0]
    assert view.size == (192, 144) and decoded(view.overview).shape == (144, 192, 3)
    assert view.mark == pytest.approx((100 * 0.48, 60 * 0.48, 64 * 0.48, 48 * 0.48))
    assert view.place == "64\u00d748 pixels at 100, 60 of 400\u00d7300"


def test_the_error_maps_reach_the_99th_percentile(found: Crops, gallery: Gallery) -> None:
    for crop, view in zip(found.crops, gallery.crops, strict=True):
        errors = [np.abs(luma(s.pixels) - luma(crop.hr)) for s in (crop.bicubic, *crop.shots)]
        assert view.top - 1 < np.percentile(np.stack(errors), 99) <= view.top


def test_the_colours_are_those_of_magma() -> None:
    found = [tuple(int(colour[at : at + 2], 16) for at in (0, 2, 4)) for colour in error_colours()]
    np.testing.assert_array_equal(found, np.rint(colormaps["magma"](np.arange(256))[:, :3] * 255))


def test_crops_beyond_the_budget_are_counted(found: Crops, gallery: Gallery) -> None:
    first, second = (view.bytes for view in gallery.crops)
    both = build_gallery(found, (first + second) / 1e6)
    assert both and len(both.crops) == 2
    one = build_gallery(found, (first + second - 1) / 1e6)
    assert one and len(one.crops) == 1
    assert re.match(r"1 more crop is left out, .* may take 0\.\d+ MB \(--images-mb\)\.", one.notes[-1])
    none = build_gallery(found, 0.001)
    assert none and not none.crops and none.notes[-1].startswith("2 more crops are left out")
    page = render([], [], none)
    assert "2 more crops are left out" in page and 'class="viewer"' not in page


def test_nothing_to_show_and_nothing_to_say_is_no_part(records: list[Record]) -> None:
    assert build_gallery(Crops(()), 2.5) is None
    assert 'id="images"' not in render(records, [])


def test_the_page_is_the_same_for_the_same_crops(
    records: list[Record], found: Crops, gallery: Gallery
) -> None:
    assert build_gallery(found, 2.5) == gallery
    page = render(records, [], gallery)
    assert page == render(records[::-1], [], build_gallery(found, 2.5))
    assert "<script>alert(1)" not in page and "b &#34;&lt;b&gt;" in page
    assert "No crop of c: it is gone." in page


# In a browser


@pytest.fixture(scope="module")
def address(records: list[Record], gallery: Gallery, tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("gallery") / "page.html"
    write_text(file, render(records, [], gallery))
    return file.as_uri()


@pytest.fixture
def visit(open_page: Open, address: str) -> Open:
    """Opens the page at the comparison, optionally with a state."""
    return lambda state="", **options: open_page(f"{address}#images{state}", **options)


READ = """async (image) => {
  const decoded = new Image();
  decoded.src = image.src;
  await decoded.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [decoded.width, decoded.height];
  const context = canvas.getContext("2d");
  context.drawImage(decoded, 0, 0);
  return [...context.getImageData(0, 0, canvas.width, canvas.height).data];
}"""


def stage(page: Any) -> Rgb:
    """The pixels of the viewer."""
    return decoded(page.locator("canvas.stage").evaluate("one => one.toDataURL()"))[..., :3]


def wait_until(page: Any, expression: str) -> None:
    """Wait for an expression to be true. Playwright's own function needs what the page's policy forbids."""
    for _ in range(200):
        if page.evaluate(expression):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"never true: {expression}")


def transforms(page: Any) -> set[str]:
    found: list[str] = page.locator(".crop.chosen .frame img").evaluate_all(
        "all => all.map(one => one.style.transform)"
    )
    return set(found)


def ready(page: Any) -> None:
    """Wait until what was chosen last is shown."""
    page.locator(".viewer.ready").wait_for()


def state(page: Any) -> str:
    fragment: str = page.evaluate("decodeURIComponent(location.hash)")
    return fragment.partition("?")[2]


def button(page: Any, name: str) -> Any:
    return page.locator(".viewer").get_by_role("button", name=name, exact=True)


browser_test = pytest.mark.browser


@browser_test
def test_the_slider_divides_two_pictures(visit: Open, found: Crops) -> None:
    crop = found.crops[0]
    with visit() as page:
        ready(page)
        divide = page.get_by_label("Where the right picture begins")
        for position, left_part, right_part in ((100, crop.bicubic, None), (0, None, crop.shots[0])):
            divide.fill(str(position))
            pixels = stage(page)
            factor = pixels.shape[1] / 64
            rows = ((np.arange(48) + 0.5) * factor).astype(int)
            columns = ((np.arange(64) + 0.5) * factor).astype(int)
            expected = (left_part or right_part).pixels  # type: ignore[union-attr]
            np.testing.assert_array_equal(pixels[np.ix_(rows, columns)], expected)
        divide.fill("50")
        pixels = stage(page)
        row = pixels[int(20.5 * factor)][((np.arange(64) + 0.5) * factor).astype(int)]
        np.testing.assert_array_equal(row[:30], crop.bicubic.pixels[20, :30])
        np.testing.assert_array_equal(row[34:], crop.shots[0].pixels[20, 34:])
        divide.focus()
        page.keyboard.press("ArrowLeft")
        assert divide.input_value() == "49" and "img-at=49" in state(page)
        box = page.locator("canvas.stage").bounding_box()
        page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + 20)
        assert divide.input_value() == "25"


@browser_test
def test_any_two_are_chosen(visit: Open, found: Crops) -> None:
    with visit() as page:
        ready(page)
        page.locator("select.left").select_option(label="HR, the original")
        page.locator("select.right").select_option(label="IMDN, official")
        ready(page)
        label = page.locator("canvas.stage").get_attribute("aria-label")
        assert label == "Left of 50 %: HR, the original; right: IMDN, official"
        key = found.crops[0].shots[2].record.key  # type: ignore[union-attr]
        assert "img-left=hr" in state(page) and f"img-right={key}" in state(page)
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        ready(page)
        assert page.locator("canvas.stage").get_attribute("aria-label") == label


@browser_test
def test_error_maps_are_exact(visit: Open, found: Crops, gallery: Gallery) -> None:
    colours = np.array([[int(c[at : at + 2], 16) for at in (0, 2, 4)] for c in error_colours()])
    with visit() as page:
        ready(page)
        button(page, "Error map").click()
        ready(page)
        assert button(page, "Error map").get_attribute("aria-pressed") == "true"
        top = gallery.crops[0].top
        assert f"0 to {top} levels of luma" in page.locator(".scale").inner_text()
        crop = found.crops[0]
        images = page.locator(".crop.chosen img[data-tile]")
        for number, one in ((0, None), (1, crop.bicubic), (2, crop.shots[0]), (5, crop.shots[3])):
            map = np.array(images.nth(number).evaluate(READ), np.uint8).reshape(48, 64, 4)
            error = np.zeros((48, 64)) if one is None else np.abs(luma(one.pixels) - luma(crop.hr))
            place = np.minimum(error / top, 1) * 255
            # Halves may fall either way in the last bit of floating point.
            near, other = colours[np.floor(place + 0.5).astype(int)], colours[np.rint(place).astype(int)]
            same = (map[..., :3] == near).all(-1) | (map[..., :3] == other).all(-1)
            assert same.all() and (map[..., 3] == 255).all()
        button(page, "Error map").click()
        ready(page)
        pixels = np.array(images.nth(2).evaluate(READ), np.uint8).reshape(48, 64, 4)[..., :3]
        np.testing.assert_array_equal(pixels, crop.shots[0].pixels)


@browser_test
def test_all_pictures_zoom_and_move_together(visit: Open) -> None:
    with visit() as page:
        ready(page)
        assert transforms(page) == {""}
        button(page, "Zoom in").click()
        button(page, "Zoom in").click()
        (zoomed,) = transforms(page)
        assert "scale(1.5625)" in zoomed and page.locator("output.zoom").inner_text() == "1.6\u00d7"
        page.locator("canvas.stage").focus()
        page.keyboard.press("ArrowRight")
        (moved,) = transforms(page)
        assert moved != zoomed
        page.keyboard.press("ArrowLeft")
        assert transforms(page) == {zoomed}
        page.keyboard.press("+")
        page.keyboard.press("-")
        assert transforms(page) == {zoomed}
        for _ in range(20):
            page.keyboard.press("ArrowUp")
        (edge,) = transforms(page)
        assert "0%) scale" in edge  # it stops at the edge
        page.keyboard.press("0")
        assert transforms(page) == {""}
        page.keyboard.press("-")
        assert transforms(page) == {""}  # never smaller than the whole crop


@browser_test
def test_wheel_and_dragging(visit: Open, found: Crops) -> None:
    with visit() as page:
        ready(page)
        page.locator("canvas.stage").scroll_into_view_if_needed()
        box = page.locator("canvas.stage").bounding_box()
        x, y = box["x"] + box["width"] * 0.25, box["y"] + box["height"] * 0.25
        page.get_by_label("Where the right picture begins").fill("100")
        before, scroll = stage(page), page.evaluate("scrollY")
        page.mouse.move(x, y)
        page.mouse.wheel(0, -300)
        wait_until(page, "document.querySelector('output.zoom').textContent !== '1\u00d7'")
        assert page.evaluate("scrollY") == scroll
        after = stage(page)
        place = (before.shape[0] // 4, before.shape[1] // 4)
        assert np.abs(before[place].astype(int) - after[place]).max() < 60  # the point below stays there
        (zoomed,) = transforms(page)
        page.mouse.down()
        page.mouse.move(x - 40, y - 20)
        page.mouse.up()
        (dragged,) = transforms(page)
        shifts = [[float(n) for n in re.findall(r"(-?[\d.]+)%", text)] for text in (zoomed, dragged)]
        assert shifts[1][0] - shifts[0][0] == pytest.approx(-40 / box["width"] * 100, abs=0.3)
        assert shifts[1][1] - shifts[0][1] == pytest.approx(-20 / box["height"] * 100, abs=0.3)


@browser_test
def test_flicker_alternates_slowly(visit: Open) -> None:
    with visit() as page:
        ready(page)
        page.evaluate("""() => {
          const canvas = document.querySelector("canvas.stage");
          window.seen = [];
          new MutationObserver(() => seen.push([performance.now(), canvas.getAttribute("aria-label")]))
            .observe(canvas, {attributeFilter: ["aria-label"]});
        }""")
        button(page, "Flicker").click()
        wait_until(page, "seen.length >= 4")
        button(page, "Flicker").click()
        seen = page.evaluate("seen")
        names = [name for _, name in seen]
        assert names[:4] == ["Bicubic, of the LR image", "BSRN, official"] * 2
        times = [time for time, _ in seen[:4]]
        assert all(b - a > 334 for a, b in itertools.pairwise(times))  # fewer than three a second
        assert names[-1].startswith("Left of 50 %")
        assert button(page, "Flicker").get_attribute("aria-pressed") == "false"


@browser_test
def test_nothing_moves_by_itself_where_motion_is_unwelcome(visit: Open) -> None:
    with visit(reduced_motion="reduce") as page:
        ready(page)
        canvas, flicker = page.locator("canvas.stage"), page.locator("[data-do=flicker]")
        flicker.click()
        assert canvas.get_attribute("aria-label") == "Bicubic, of the LR image"
        page.wait_for_timeout(1200)
        assert canvas.get_attribute("aria-label") == "Bicubic, of the LR image"
        assert flicker.inner_text() == "Shown: Bicubic, of the LR image"
        flicker.click()
        assert canvas.get_attribute("aria-label") == "BSRN, official"
        flicker.click()
        assert canvas.get_attribute("aria-label").startswith("Left of 50 %")


@browser_test
def test_crops_are_chosen_and_remembered(visit: Open) -> None:
    with visit() as page:
        ready(page)
        assert page.locator(".crop:visible").count() == 1
        page.locator(".picks button").nth(1).click()
        ready(page)
        wait_until(page, "location.hash.includes('img=')")
        assert page.locator(".crop:visible h3").inner_text() == 'b "<b>, Set5, \u00d74'
        button(page, "Zoom in").click()
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        ready(page)
        assert page.locator(".crop:visible h3").inner_text() == 'b "<b>, Set5, \u00d74'
        assert page.locator("output.zoom").inner_text() == "1.3\u00d7"
        assert page.locator(".picks button").nth(1).get_attribute("aria-pressed") == "true"


@browser_test
@pytest.mark.parametrize(
    "wrong", ["img=no&img-left=no", "img-zoom=a,b,c", "img-zoom=-3,0,0&img-at=999", "img-zoom=9e9,9,9"]
)
def test_a_state_that_makes_no_sense_is_harmless(visit: Open, wrong: str) -> None:
    with visit(f"?{wrong}") as page:
        ready(page)
        label = page.locator("canvas.stage").get_attribute("aria-label")
        assert label == "Left of 50 %: Bicubic, of the LR image; right: BSRN, official"


@browser_test
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phones(visit: Open, scheme: str) -> None:
    with visit(width=390, color_scheme=scheme, has_touch=True) as page:
        ready(page)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        boxes = page.locator(".crop.chosen .frame").evaluate_all("all => all.map(one => one.clientWidth)")
        assert len(boxes) == 6 and min(boxes) > 150
        for one in page.locator(".viewer button:visible").all():
            assert one.bounding_box()["height"] >= 34


PINCH = """(canvas) => {
  const box = canvas.getBoundingClientRect();
  const send = (type, id, x) => canvas.dispatchEvent(new PointerEvent(type, {
    pointerId: id, bubbles: true, clientX: box.left + x * box.width, clientY: box.top + box.height / 2,
  }));
  canvas.setPointerCapture = () => {};  // there is no finger to capture
  send("pointerdown", 1, 0.4); send("pointerdown", 2, 0.6);
  send("pointermove", 1, 0.3); send("pointermove", 2, 0.7);
  send("pointerup", 1, 0.3); send("pointerup", 2, 0.7);
}"""


@browser_test
def test_two_fingers_zoom(visit: Open) -> None:
    with visit(has_touch=True) as page:
        ready(page)
        page.locator("canvas.stage").evaluate(PINCH)
        (zoomed,) = transforms(page)
        assert float(zoomed.partition("scale(")[2].rstrip(")")) == pytest.approx(2, abs=0.01)


@browser_test
def test_without_scripts_all_pictures_are_there(visit: Open) -> None:
    with visit(java_script_enabled=False) as page:
        assert page.locator(".crop:visible").count() == 2
        assert page.locator(".crop img:visible").count() == 6 + 4
        assert not page.locator(".viewer").is_visible()


@browser_test
def test_print_shows_all_side_by_side(visit: Open) -> None:
    with visit() as page:
        ready(page)
        button(page, "Zoom in").click()
        page.emulate_media(media="print")
        assert page.locator(".crop:visible").count() == 2 and not page.locator(".viewer").is_visible()
        shown = page.locator(".crop img").first.evaluate("one => getComputedStyle(one).transform")
        assert shown == "none"
        tops = page.locator(".crop.chosen .frame").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().top)"
        )
        assert len({round(top) for top in tops[:5]}) == 1


@browser_test
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_serious_finding_of_axe(visit: Open, scheme: str) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python")
    with visit(color_scheme=scheme) as page:
        ready(page)
        button(page, "Error map").click()
        ready(page)
        found = axe.Axe().run(page, context="section.gallery").response["violations"]
        assert [
            (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
        ] == []
