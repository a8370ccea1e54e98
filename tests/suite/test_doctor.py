"""What the doctor finds on a machine, in a home and in an output folder."""

from __future__ import annotations

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from suite import doctor, environment
from suite.catalog import DATASETS, MODELS
from suite.doctor import Finding
from tests import command

ROOT = Path(__file__).resolve().parents[2]
SET5 = ("baby", "bird", "butterfly", "head", "woman")


def one(findings: Iterable[Finding], subject: str) -> Finding:
    (found,) = [finding for finding in findings if finding.subject == subject]
    return found


@pytest.fixture
def set5(tmp_path: Path, tiny_set: Callable[..., Path]) -> Path:
    """A home with a whole Set5 of other images."""
    made = tiny_set(*[(48, 64)] * 5)
    folder = tmp_path / "home" / "data" / "Set5" / "HR"
    folder.mkdir(parents=True)
    for file, name in zip(sorted(made.iterdir()), SET5, strict=True):
        shutil.move(file, folder / f"{name}.png")
    return tmp_path / "home"


# Data


def test_a_home_that_does_not_exist_is_no_problem(tmp_path: Path) -> None:
    found = list(doctor.data(tmp_path / "none", digests=False))
    assert one(found, "home").status == "note" and "--home" in one(found, "home").advice
    assert one(found, "data").text.startswith("not there: Set5, Set14")
    assert one(found, "photos").status == "ok"


def test_a_whole_set_is_ok_and_an_incomplete_one_a_problem(set5: Path) -> None:
    found = one(doctor.data(set5, digests=False), "Set5")
    assert (found.status, found.text) == ("ok", "5 images, x2 LR made, x3 LR made, x4 LR made")
    (set5 / "data/Set5/HR/head.png").unlink()
    found = one(doctor.data(set5, digests=False), "Set5")
    assert found.status == "problem" and "holds 4 images; Set5 has 5" in found.text and found.advice


def test_incomplete_lr_images_are_a_problem(set5: Path) -> None:
    (set5 / "data/Set5/LR_bicubic/X4").mkdir(parents=True)
    found = one(doctor.data(set5, digests=False), "Set5")
    assert found.status == "problem" and "lacks babyx4" in found.text
    assert "remove it to have the LR images made" in found.advice


def test_digests_tell_another_copy_from_the_known_one(set5: Path) -> None:
    found = one(doctor.data(set5, digests=True), "Set5")
    assert found.status == "note" and "not the known copy at x2, x3, x4" in found.text


def test_digests_are_not_computed_unasked(set5: Path) -> None:
    (set5 / "data/Set5/HR/head.png").write_bytes(b"no image")
    assert one(doctor.data(set5, digests=False), "Set5").status == "ok"
    assert one(doctor.data(set5, digests=True), "Set5").status == "problem"


def test_the_real_set_is_known(home: Path) -> None:
    card = DATASETS["Set5"]
    found = doctor._dataset(card, home, digests=True)
    assert found.status == "ok" and found.text.endswith("pixels as known")


# Weights


def test_weights_are_counted_and_with_digests_verified(tmp_path: Path) -> None:
    files = {c.path for card in MODELS.values() for c in card.official.values()}
    path = MODELS["bsrn"].official[4].path
    file = tmp_path / "weights" / path
    file.parent.mkdir(parents=True)
    file.write_bytes(b"not BSRN")
    found = list(doctor.weights(tmp_path, digests=False))
    assert one(found, "official weights").text.startswith(f"1 of {len(files)} files are there")
    assert all(finding.status != "problem" for finding in found)
    found = list(doctor.weights(tmp_path, digests=True))
    assert one(found, "weights").status == "problem"
    assert one(found, "weights").text == f"{path} is not the official file"
    assert "0 with the digest" in one(found, "official weights").text


def test_official_weights_have_their_digest(home: Path) -> None:
    checkpoint = MODELS["rfdn"].official[4]
    assert hashlib.sha256((home / "weights" / checkpoint.path).read_bytes()).hexdigest() == checkpoint.sha256
    assert not any(finding.status == "problem" for finding in doctor.weights(home, digests=True))


def test_shipped_weights_are_named(tmp_path: Path) -> None:
    assert "bsrn" in one(doctor.weights(tmp_path, digests=False), "shipped weights").text


# Software and machine


def test_installed_packages_are_ok() -> None:
    found = list(doctor.software())
    assert {finding.status for finding in found} == {"ok"}
    assert one(found, "torch").text == importlib.metadata.version("torch")


def test_a_package_that_cannot_be_imported_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(name: str) -> Any:
        raise OSError("libtorch_cpu.so: cannot open shared object file")

    monkeypatch.setattr(
        doctor,
        "importlib",
        SimpleNamespace(import_module=broken, util=importlib.util, metadata=importlib.metadata),
    )
    found = one(doctor.software(), "torch")
    assert found.status == "problem" and "libtorch_cpu.so" in found.text and "pip install" in found.advice


def test_an_optional_package_that_is_absent_is_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "OPTIONAL", {"no-such-package": "for this test"})
    found = one(doctor.optional_software(), "no-such-package")
    assert (found.status, found.advice) == ("note", "pip install no-such-package")


@pytest.mark.parametrize(("busy", "status"), [(0.02, "ok"), (0.5, "note"), (None, "ok")])
def test_a_busy_machine_is_noted(monkeypatch: pytest.MonkeyPatch, busy: float | None, status: str) -> None:
    monkeypatch.setattr(environment, "busy_share", lambda seconds: busy)
    found = one(doctor.load(), "load")
    assert found.status == status and bool(found.advice) is (status == "note")


@pytest.mark.parametrize(("governor", "status"), [("", "ok"), ("performance", "ok"), ("powersave", "note")])
def test_a_governor_that_changes_the_clock_is_noted(
    monkeypatch: pytest.MonkeyPatch, governor: str, status: str
) -> None:
    monkeypatch.setattr(environment, "governor", lambda: governor)
    assert one(doctor.machine(), "governor").status == status


def test_settings_that_move_runtimes_are_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KMP_BLOCKTIME", "0")
    assert one(doctor.machine(), "setting").text.startswith("KMP_BLOCKTIME=0")


@pytest.mark.parametrize(
    ("numbers", "text"), [([], ""), ([3], "3"), ([0, 1], "0-1"), ([0, 2, 3, 4, 9], "0, 2-4, 9")]
)
def test_spans(numbers: list[int], text: str) -> None:
    assert doctor.spans(numbers) == text


# Output


def test_output_may_be_made_where_a_folder_can_be_written(tmp_path: Path) -> None:
    assert doctor.writable(tmp_path / "runs" / "new").status == "ok"
    assert not (tmp_path / "runs").exists()
    (tmp_path / "file").write_text("")
    found = doctor.writable(tmp_path / "file" / "run")
    assert found.status == "problem" and found.text.endswith("file is not a folder")


def test_a_folder_that_cannot_be_written_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere
    assert doctor.writable(tmp_path).status == "problem"


def test_a_full_disk_is_noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=2**20))
    assert doctor.writable(tmp_path).status == "note"


# The environment's record


def test_load_and_affinity_do_not_change_the_environments_id(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for averages, processors in (([0.1, 0.1, 0.1], [0, 1]), ([9.0, 8.0, 7.0], [4, 5])):
        monkeypatch.setattr(environment, "load_average", lambda averages=averages: averages)
        monkeypatch.setattr(environment, "affinity", lambda processors=processors: processors)
        environment.describe.cache_clear()
        found.append(environment.describe())
    environment.describe.cache_clear()
    assert found[0]["id"] == found[1]["id"]
    assert [one["affinity"] for one in found] == [[0, 1], [4, 5]]
    assert found[1]["load_average"] == [9.0, 8.0, 7.0]


# The command line


def suite(
    place: Path, *arguments: str, status: int = 0, **variables: str
) -> subprocess.CompletedProcess[str]:
    without_home = {"SUITE_HOME": "", "HOME": str(place)}
    return command.suite(place, "doctor", *arguments, status=status, variables=without_home | variables)


def test_command_works_without_a_home_and_leaves_nothing_behind(tmp_path: Path) -> None:
    printed = suite(tmp_path).stdout.splitlines()
    assert printed[-1] == "No problems."
    assert {line.split()[0] for line in printed[:-1]} <= {"ok", "note"}
    for subject in ("python", "torch", "processor", "cores", "load", "accelerator", "home", "output"):
        assert any(line.split()[1] == f"{subject}:" for line in printed[:-1]), subject
    assert list(tmp_path.iterdir()) == []


def test_command_fails_on_a_problem_and_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    printed = suite(tmp_path, "--out", "file/run", status=1).stdout
    assert "problem output:" in printed and "-> name another with --out" in printed
    assert printed.endswith("1 problem.\n")


def test_command_refuses_a_home_that_is_no_folder(tmp_path: Path) -> None:
    assert "--home is 'nowhere'" in suite(tmp_path, "--home", "nowhere", status=2).stderr
    assert "$SUITE_HOME is 'nowhere'" in suite(tmp_path, status=2, SUITE_HOME="nowhere").stderr


def test_command_says_so_where_pytorch_is_broken(tmp_path: Path) -> None:
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "__init__.py").write_text("raise ImportError('libgomp.so.1: not found')\n")
    broken = command.environment(tmp_path, {"SUITE_HOME": "", "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"})
    call = [sys.executable, "-m", "suite", "doctor"]
    done = subprocess.run(call, cwd=tmp_path, env=broken, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    printed = done.stdout
    assert "problem torch: cannot be imported (ImportError: libgomp.so.1: not found)" in printed
    assert "home:" in printed and "output:" in printed  # the rest is examined all the same
