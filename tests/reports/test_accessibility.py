"""The whole page under axe-core, in both schemes, on a desk and on a phone, with all of it open."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.html import render
from suite.files import write_text
from suite.records import Record

pytestmark = pytest.mark.browser
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module")
def address(
    make: Callable[..., list[Record]], machines: Any, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A page with as many of its parts as made-up records can fill."""
    run = make(protocols=["sr-y", "matlab-y", "ntire-rgb"])
    other = make(environment=machines.second, backend="onnxruntime", session="beef", measures=["runtime"])
    file: Path = tmp_path_factory.mktemp("axe") / "leaderboard.html"
    write_text(file, render([*run, *other, *make(scale=2, datasets=["Set5"])], ["python -m suite run"]))
    return file.as_uri()


def findings(page: Any) -> list[str]:
    """What axe-core finds serious, one line each."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")
    violations = axe.Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    return [
        f"{found['impact']} {found['id']}: {node['html'][:200]} ({node['failureSummary']})"
        for found in violations
        if found["impact"] in SERIOUS
        for node in found["nodes"]
    ]


@pytest.mark.parametrize("width", [1400, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious(open_page: Callable[..., Any], address: str, scheme: str, width: int) -> None:
    with open_page(f"{address}#?show=published", width, color_scheme=scheme) as page:
        page.evaluate(
            """for (const one of document.querySelectorAll("details:not(.menu)")) one.open = true;
               for (const one of document.querySelectorAll("tr[data-row] .pick")) one.click()"""
        )
        page.locator(".menu summary").first.click()
        assert findings(page) == []
        if width == 1400:
            page.keyboard.press("Escape")
            page.locator(".figure a.text").first.click()
            assert findings(page) == []
