"""The state of the view in the address, and the selected rows."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reports.html import render
from suite.files import write_text
from suite.records import Record

pytestmark = pytest.mark.browser
Open = Callable[..., Any]
STRANGE = "a&b=c?d#e%f, \u00fc <script>"


@pytest.fixture(scope="module")
def address(records: list[Record], tmp_path_factory: pytest.TempPathFactory) -> str:
    file: Path = tmp_path_factory.mktemp("state") / "leaderboard.html"
    write_text(file, render(records, []))
    return file.as_uri()


@pytest.fixture
def visit(open_page: Open, address: str) -> Callable[..., Any]:
    """Opens the page with a fragment."""

    def visit(fragment: str = "", width: int = 1400) -> Any:
        return open_page(address + fragment, width)

    return visit


def fragment(page: Any) -> str:
    return str(page.evaluate("location.hash"))


def wait(page: Any, condition: str) -> None:
    """Wait until a condition holds. Playwright's own way needs what the page's policy forbids."""
    for _ in range(300):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"in vain: {condition}")


def get(page: Any, key: str) -> str | None:
    found: str | None = page.evaluate("key => suiteState.get(key)", key)
    return found


def test_values_go_into_the_fragment_and_come_back(visit: Open) -> None:
    with visit() as page:
        page.evaluate("text => suiteState.set('x', text)", STRANGE)
        page.evaluate("suiteState.set('y', '1,2')")
        written = fragment(page)
        assert written.startswith("#?x=") and written.endswith("&y=1,2") and "<" not in written
        assert page.evaluate("scrollY") == 0
    with visit(written) as page:
        assert get(page, "x") == STRANGE and get(page, "y") == "1,2" and get(page, "z") is None
        page.evaluate("suiteState.set('x', null); suiteState.set('y', null)")
        assert fragment(page) == "" and page.evaluate("history.length") <= 2


def test_an_anchor_keeps_the_state_and_is_scrolled_to(visit: Open) -> None:
    with visit("#?x=1") as page:
        page.get_by_role("link", name="Definitions", exact=True).click()
        wait(page, "location.hash === '#definitions?x=1'")
        assert get(page, "x") == "1" and page.evaluate("scrollY") > 0
    with visit("#definitions?x=2") as page:
        wait(page, "scrollY > 0")
        assert get(page, "x") == "2"
    with visit("#definitions") as page:
        assert fragment(page) == "#definitions"
        page.evaluate("suiteState.set('x', '3')")
        assert fragment(page) == "#definitions?x=3"


def test_changes_from_outside_are_told(visit: Open) -> None:
    with visit("#?x=1") as page:
        page.evaluate("window.seen = []; for (const k of 'xyz') suiteState.on(k, (v) => seen.push(k + v))")
        page.evaluate("suiteState.set('x', '2')")
        assert page.evaluate("seen") == []
        page.evaluate("location.hash = '#?x=3&y=4'")
        wait(page, "seen.length === 2")
        page.evaluate("location.hash = '#?y=4'")
        wait(page, "seen.length === 3")
        assert page.evaluate("seen") == ["x3", "y4", "xnull"]


def test_a_torn_fragment_is_no_error(visit: Open) -> None:
    with visit("#%?a=%&=&b&sel=nothing,,") as page:
        assert (get(page, "a"), get(page, "b")) == ("%", "")
        assert page.evaluate("suiteSelection.rows()") == ["nothing"]


def test_many_changes_do_not_trouble_the_browser(visit: Open) -> None:
    with visit() as page:
        page.clock.install()
        page.evaluate("for (let i = 0; i < 1000; i++) suiteState.set('x', String(i))")
        assert get(page, "x") == "999" and fragment(page) == "#?x=24"
        page.clock.run_for(9000)
        assert fragment(page) == "#?x=999"


def test_selected_rows_are_part_of_the_state(visit: Open) -> None:
    with visit() as page:
        rows = page.eval_on_selector_all(
            ".leaderboard:not(.challenge) tr.row", "all => all.map((one) => one.dataset.row)"
        )
        assert len(set(rows)) == len(rows) == 6
        page.evaluate("window.told = 0; suiteSelection.on(() => { told += 1; })")
        page.evaluate("rows => rows.forEach(suiteSelection.toggle)", rows[:2])
        assert fragment(page) == f"#?sel={rows[0]},{rows[1]}"
        page.evaluate("row => suiteSelection.toggle(row)", rows[0])
        assert page.evaluate("rows => rows.map(suiteSelection.has)", rows[:2]) == [False, True]
        page.evaluate("row => { location.hash = `#?sel=${row}`; }", rows[2])
        wait(page, f"suiteSelection.has('{rows[2]}')")
        page.evaluate("suiteSelection.clear()")
        assert fragment(page) == "" and page.evaluate("told") == 5
