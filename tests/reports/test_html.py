"""The page as text: what is in it, and that nothing from a record becomes markup."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from reports.html import render
from suite.records import Record

COMMANDS = [
    "python -m suite run --models bsrn rfdn --datasets Set5",
    "python -m suite report runs/first && ls",
]


class Outline(HTMLParser):
    """Elements with their attributes, and the visible text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.hidden = 0
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.hidden += tag in ("style", "script")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("style", "script")

    def handle_data(self, data: str) -> None:
        self.text += "" if self.hidden else data


@pytest.fixture(scope="module")
def page(records: list[Record]) -> str:
    return render(records, COMMANDS)


@pytest.fixture(scope="module")
def outline(page: str) -> Outline:
    return Outline(page)


def test_same_records_give_the_same_bytes(records: list[Record], page: str) -> None:
    assert render(records, COMMANDS).encode() == page.encode()


def test_neither_order_of_records_nor_of_mappings_matters(records: list[Record], page: str) -> None:
    def turned(one: Record) -> Record:
        packages = dict(reversed(one.environment["packages"].items()))
        environment = dict(reversed((one.environment | {"packages": packages}).items()))
        details = dict(reversed(one.details.items()))
        return replace(one, environment=environment, details=details)

    shuffled = [turned(one) for one in records]
    random.Random(0).shuffle(shuffled)
    assert render(shuffled, COMMANDS) == page


def test_names_never_become_markup(make: Callable[..., list[Record]], models: SimpleNamespace) -> None:
    evil = "</script></style></title>\"'><img src=x onerror=alert(1)><script>alert(1)</script>"
    odd = replace(models.strange, name=evil, title=evil, weights=f"/x/{evil}")
    made = make([odd, models.bsrn])
    made = [
        replace(
            one,
            environment=one.environment | {"cpu": evil, "code": evil},
            details=one.details
            | ({"dataset": one.details["dataset"] | {"note": evil}} if one.dataset else {}),
            not_measured="" if one.values else evil,
        )
        for one in made
    ]
    outline = Outline(render(made, [evil]))
    tags = [tag for tag, _ in outline.elements]
    scripts = [a.get("type") for tag, a in outline.elements if tag == "script"]
    assert scripts.count(None) == 1 and set(scripts) <= {None, "application/json"}
    assert tags.count("style") == 1 and "img" not in tags
    assert not any(name.startswith("on") for _, attributes in outline.elements for name in attributes)
    assert outline.text.count(evil) > 5


def test_content_policy_allows_only_the_pages_own_code(page: str, outline: Outline) -> None:
    policy = next(
        a["content"] for t, a in outline.elements if a.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy is not None and policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for tag in ("style", "script"):
        code = re.search(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        assert code is not None
        digest = base64.b64encode(hashlib.sha256(code[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not any("style" in attributes for _, attributes in outline.elements)


def test_nothing_is_loaded(page: str, outline: Outline) -> None:
    links = [a.get(name) or "" for _, a in outline.elements for name in ("href", "src") if name in a]
    assert all(link.startswith("#") or link == "data:," for link in links)
    assert "@import" not in page and "url(" not in page and "http://" not in page and "https://" not in page


def test_identifiers_are_unique_and_references_lead_somewhere(outline: Outline) -> None:
    ids = [a["id"] for _, a in outline.elements if a.get("id")]
    assert len(ids) == len(set(ids))
    for _, attributes in outline.elements:
        targets = [*(attributes.get("aria-labelledby") or "").split(), attributes.get("for")]
        href = attributes.get("href") or ""
        targets += [href[1:]] if href.startswith("#") else []
        assert all(target in ids for target in targets if target)


def test_missing_figures_say_why_in_words(outline: Outline) -> None:
    assert "not measured: the weights are random numbers" in outline.text
    assert "random (no weights)" in outline.text


def test_everything_needed_to_repeat_is_there(records: list[Record], outline: Outline) -> None:
    text = outline.text
    for command in COMMANDS:
        assert command in text
    for one in records:
        assert one.key in text and one.finished in text
        assert one.details["weights"]["sha256"] in text
        assert one.details.get("dataset", {}).get("digest", "") in text
    for fact in (
        "Xeon(R) Platinum",
        "torch 2.13.0",
        "3.11.7",
        "7.8 GiB",
        "0.1.0 (0a1b2c3d4e)",
        "bridge is a grey image",
    ):
        assert fact in text
    assert "Multiply-accumulates of convolutions, linear layers and matrix products, no bias" in text
    assert "BT.601" in text


def test_pages_without_quality_or_without_records(make: Callable[..., list[Record]]) -> None:
    outline = Outline(render(make(measures=["cost", "runtime"]), []))
    assert "No PSNR was measured at this scale, so the plot shows latency against MACs." in outline.text
    assert "No records." in Outline(render([], [])).text


def test_every_region_and_id_is_unique(make: Callable[..., list[Record]], machines: SimpleNamespace) -> None:
    """Two challenge tables, two scales, two machines: a reader of regions hears which is which."""
    other = make(environment=machines.second, session="beef")
    page = render([*make(protocols=["sr-y", "matlab-y"]), *other, *make(scale=2, session="c0de")], ["run"])
    regions = re.findall(r'role="region" tabindex="0" aria-label="([^"]*)"', page)
    assert "Ranking with these weights 2" in regions and len(regions) == len(set(regions))
    ids = re.findall(r'<[^>]* id="([^"]*)"', page)
    assert len(ids) == len(set(ids))
