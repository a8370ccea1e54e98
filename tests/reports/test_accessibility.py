"""The whole page under axe-core with all of it open: in both schemes, on a desk and on a phone.

What a scheme changes is contrast, what a width changes is the rest: neither is looked for twice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reports.html import render
from suite.files import write_text
from suite.records import Record

pytestmark = pytest.mark.browser
SERIOUS = ("serious", "critical")
CONTRAST = "color-contrast"
WHOLE, RECORD = "document", ".record"
OPEN_ALL = """
  document.documentElement.classList.remove("settled"); // sections far from the window are looked at too
  for (const one of document.querySelectorAll("details:not(.menu)")) one.open = true;
  for (const one of document.querySelectorAll("tr[data-row] .pick")) one.click();
"""


@pytest.fixture(scope="module")
def address(
    make: Callable[..., list[Record]],
    models: SimpleNamespace,
    machines: SimpleNamespace,
    tmp_path_factory: pytest.TempPathFactory,
) -> str:
    """A page with as many of its parts as made-up records can fill, each kind of row once."""
    kinds = (models.bicubic, models.bsrn, models.rfdn, models.untrained, models.strange)
    run = make(kinds, protocols=["sr-y", "matlab-y", "ntire-rgb"])
    other = make(kinds, ["runtime"], environment=machines.second, backend="onnxruntime", session="beef")
    records = [*run, *other, *make(kinds, scale=2, datasets=["Set5"])]
    file: Path = tmp_path_factory.mktemp("axe") / "leaderboard.html"
    write_text(file, render(records, ["python -m suite run"]))
    return file.as_uri()


def findings(
    page: Any, where: str = WHOLE, *, only: Sequence[str] = (), but: Sequence[str] = ()
) -> list[str]:
    """What axe-core finds serious, one line each; by some of its rules only, or by all but some."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    options: dict[str, Any] = {"resultTypes": ["violations"], "preload": False}
    options |= {"runOnly": list(only)} if only else {"rules": {rule: {"enabled": False} for rule in but}}
    context = None if where == WHOLE else where
    violations = axe.Axe().run(page, context, options).response["violations"]
    return [
        f"{found['impact']} {found['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for found in violations
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


def test_nothing_serious(open_page: Callable[..., Any], address: str) -> None:
    with open_page(f"{address}#?show=published", 1400, color_scheme="light") as page:
        page.evaluate(OPEN_ALL)
        page.locator(".menu summary").first.click()
        assert findings(page) == []
        page.emulate_media(color_scheme="dark")
        assert findings(page, only=[CONTRAST]) == []
        page.keyboard.press("Escape")
        page.locator(".figure a.text").first.click()
        assert findings(page, RECORD, only=[CONTRAST]) == []
        page.emulate_media(color_scheme="light")
        assert findings(page, RECORD) == []
        page.keyboard.press("Escape")
        page.set_viewport_size({"width": 390, "height": 900})
        page.locator(".menu summary").first.click()
        assert findings(page, but=[CONTRAST]) == []


def test_axe_looks_at_what_is_asked_for(open_page: Callable[..., Any], address: str) -> None:
    """A fault of each kind is found, also far from the window."""
    with open_page(address, 390, color_scheme="dark") as page:
        page.evaluate(OPEN_ALL)
        page.evaluate("document.querySelector('#h-records').style.color = '#222'")
        page.evaluate("document.querySelector('#records').append(document.createElement('button'))")
        assert ["h-records" in one for one in findings(page, "#records", only=[CONTRAST])] == [True]
        assert ["button-name" in one for one in findings(page, "#records", but=[CONTRAST])] == [True]
