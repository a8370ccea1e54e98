"""Where data and weights lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from suite.catalog import dataset_card
from suite.errors import UsageError
from suite.home import find_home, holds


@pytest.fixture(autouse=True)
def no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SUITE_HOME", raising=False)


def test_the_option_comes_before_the_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    monkeypatch.setenv("SUITE_HOME", str(tmp_path / "b"))
    assert find_home(str(tmp_path / "a")) == tmp_path / "a"
    assert find_home() == tmp_path / "b"


def test_the_users_cache_folder_need_not_exist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SUITE_HOME", "")  # as good as not set
    assert find_home().name == "efficient-sr-suite"
    assert not find_home().exists()


def test_the_users_folder_is_understood(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "sr").mkdir()
    assert find_home("~/sr") == tmp_path / "sr"


@pytest.mark.parametrize(
    ("option", "variable", "blamed"), [("x", None, "--home"), (None, "x", r"\$SUITE_HOME")]
)
def test_an_explicit_home_must_be_a_folder(
    option: str | None, variable: str | None, blamed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if variable:
        monkeypatch.setenv("SUITE_HOME", variable)
    with pytest.raises(UsageError, match=f"{blamed} is 'x', which is not a folder"):
        find_home(option)


def test_a_set_is_there_if_its_hr_folder_is(tmp_path: Path) -> None:
    assert not holds(tmp_path, dataset_card("Set5"))
    (tmp_path / "data" / "Set5" / "HR").mkdir(parents=True)
    assert holds(tmp_path, dataset_card("Set5"))
    assert not holds(tmp_path, dataset_card("Set14"))


def test_photos_are_always_there(tmp_path: Path) -> None:
    assert holds(tmp_path, dataset_card("photos"))
