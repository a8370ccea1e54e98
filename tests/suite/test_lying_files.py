"""Images, checkpoints and cards that lie: one sentence, no code that runs, no hang, no file elsewhere."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pickle
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import save

from suite.catalog import MODELS
from suite.catalog.custom import read_card
from suite.catalog.protocols import protocol_ids
from suite.dataset_files import read_described
from suite.datasets import open_dataset
from suite.errors import SuiteError
from suite.images import read_rgb
from suite.pictures import read_picture
from suite.training.recipe import Recipe, load_recipe
from suite.weights import Weights, build, fit, read_state, training_facts
from tests.command import suite
from tests.suite.profiles import few

ROOT = Path(__file__).resolve().parents[2]
NOISE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def encoded(kind: str, image: Image.Image, **options: Any) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


RGB = Image.fromarray(NOISE)
FILES: dict[str, bytes] = {
    "png": encoded("PNG", RGB),
    "jpg": encoded("JPEG", RGB),
    "bmp": encoded("BMP", RGB),
    "tif": encoded("TIFF", RGB, compression="tiff_lzw"),
    "webp": encoded("WEBP", RGB, lossless=True),
}
EXIF = Image.Exif()
EXIF[0x0112] = 6
KINDS: dict[str, tuple[bytes, bool]] = {
    "truncated.png": (FILES["png"][:-40], False),
    "sixteen.png": (encoded("PNG", Image.fromarray(NOISE[..., 0].astype(np.uint16) * 257)), False),
    "grey.png": (encoded("PNG", RGB.convert("L")), True),
    "palette.png": (encoded("PNG", RGB.convert("P")), True),
    "cmyk.jpg": (encoded("JPEG", RGB.convert("CMYK")), False),
    "alpha.png": (encoded("PNG", RGB.convert("RGBA")), False),
    "rotated.jpg": (encoded("JPEG", RGB, exif=EXIF), True),
    "one.png": (encoded("PNG", Image.new("RGB", (1, 1))), False),
    "text.png": (b"hello", False),
    "empty.png": (b"", False),
    "html.jpg": (b"<html><script>alert(1)</script></html>", False),
}
"""Files by name, and whether their pixels can be judged as they are."""


def bomb() -> bytes:
    """A PNG of a few bytes that declares 60000x60000 pixels."""
    import zlib

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    )


# Images in commands


def test_every_kind_of_image_is_judged_or_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    sets = []
    for name, (data, _) in {**KINDS, "bomb.png": (bomb(), False)}.items():
        folder = tmp_path / name.replace(".", "_")
        folder.mkdir()
        (folder / name).write_bytes(data)
        sets.append(f"{folder.name}={folder}")
    command = (
        "run",
        "--models",
        "bicubic",
        "--measures",
        "quality",
        "--protocols",
        "ntire-rgb",
        "--no-report",
    )
    done = suite(tmp_path, *command, "--datasets", *sets, "--no-crops", status=1)
    lines = (tmp_path / "runs/default/records.jsonl").read_text().splitlines()
    reasons = {record["dataset"]: record["not_measured"] for record in map(json.loads, lines)}
    assert len(reasons) == len(sets)
    for name, (_, judged) in KINDS.items():
        reason = reasons[name.replace(".", "_")]
        assert (not reason) == judged, (name, reason)
        assert judged or (reason.count("\n") == 0 and reason in done.stderr)
    assert "declares more pixels than the safe limit" in reasons["bomb_png"]


def test_every_kind_of_image_is_enlarged_or_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    names = []
    for name, (data, _) in {**KINDS, "bomb.png": (bomb(), False)}.items():
        (tmp_path / name).write_bytes(data)
        names.append(name)
    done = suite(tmp_path, "upscale", "bicubic", *names, "--out", "out", status=1)
    made = {file.name for file in (tmp_path / "out").iterdir()}
    named = [line for line in done.stderr.splitlines() if line.startswith("suite upscale: ")]
    assert len(made) + len(named) == len(names)
    assert {"grey_x4.png", "cmyk_x4.png", "sixteen_x4.png", "one_x4.png"} <= made
    with Image.open(tmp_path / "out" / "rotated_x4.png") as turned:
        assert turned.size == (4 * NOISE.shape[0], 4 * NOISE.shape[1])


NAMES = [
    "a b",
    "..a",
    "a..b",
    "-rf",
    "日本語",
    "<img src=x onerror=alert(1)>",
    "a\nb",
    "\x1b[2Jc",
    "%s{0}",
    "'; drop",
]


def test_names_of_images_lead_nowhere_and_command_nothing(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for name in NAMES:
        RGB.resize((48, 48)).save(tmp_path / "set" / f"{name}.png", "PNG")
    before = {file for file in tmp_path.rglob("*")}
    command = ("run", "--models", "bicubic", "--measures", "quality", "--datasets", f"s={tmp_path / 'set'}")
    done = suite(tmp_path, *command)
    assert "\x1b" not in done.stderr + done.stdout
    page = (tmp_path / "reports/leaderboard.html").read_text(encoding="utf-8")
    assert "<img src=x onerror" not in page
    images = {value["image"] for value in json.loads(record_line(tmp_path))["values"]}
    assert images == {"", *NAMES}
    made = {file.relative_to(tmp_path).parts[0] for file in {*tmp_path.rglob("*")} - before}
    assert made <= {"runs", "reports", "home"}


def record_line(place: Path) -> str:
    return (place / "runs/default/records.jsonl").read_text().splitlines()[0]


@pytest.mark.parametrize("name", ["../x", "a/b", "a\x00", "..", "x" * 300, "a\nb"])
def test_a_name_of_a_set_that_lies_is_only_a_name(tmp_path: Path, name: str) -> None:
    (tmp_path / "set").mkdir()
    RGB.resize((48, 48)).save(tmp_path / "set" / "p.png")
    (tmp_path / "home").mkdir()
    card = tmp_path / "card.toml"
    card.write_text(f"name = {json.dumps(name)}\nhr = 'set'\n")
    before = {*tmp_path.parent.rglob("*")}
    suite(tmp_path, "run", "--models", "bicubic", "--measures", "quality", "--datasets", "card.toml")
    assert json.loads(record_line(tmp_path))["dataset"] == name
    made = {file for file in {*tmp_path.parent.rglob("*")} - before}
    assert {file.relative_to(tmp_path).parts[0] for file in made} <= {"runs", "reports"}


# Images, mutated


@given(data=st.data(), kind=st.sampled_from(sorted(FILES)))
@few(60)
def test_a_damaged_image_is_an_image_or_a_sentence(
    tmp_path_factory: Any, data: st.DataObject, kind: str
) -> None:
    raw = bytearray(FILES[kind])
    for _ in range(data.draw(st.integers(1, 6))):
        match data.draw(st.sampled_from(["flip", "cut", "insert", "header"])):
            case "flip":
                raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
            case "cut":
                del raw[data.draw(st.integers(1, len(raw))) :]
            case "insert":
                place = data.draw(st.integers(0, len(raw)))
                raw[place:place] = data.draw(st.binary(max_size=40))
            case _:
                raw[: data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=30))
        raw = raw or bytearray(b"\x00")
    file = scratch(tmp_path_factory) / f"image.{kind}"
    file.write_bytes(raw)
    for read in (read_rgb, read_picture):
        try:
            read(file)
        except SuiteError as error:
            assert str(file) in str(error) and "\n" not in str(error).replace(str(file), "")


@given(data=st.binary(max_size=200))
@few(60)
def test_any_bytes_are_no_image_or_one(tmp_path_factory: Any, data: bytes) -> None:
    file = scratch(tmp_path_factory) / "bytes.png"
    file.write_bytes(data)
    for read in (read_rgb, read_picture):
        with pytest.raises(SuiteError):
            read(file)


def scratch(factory: Any) -> Path:
    folder: Path = factory.getbasetemp() / "scratch"
    folder.mkdir(exist_ok=True)
    return folder


# Checkpoints

CARD = MODELS["espcn"]
STATE = {key: value.clone() for key, value in build(CARD, 4).state_dict().items()}


def pth(state: Any) -> bytes:
    stream = io.BytesIO()
    torch.save(state, stream)
    return stream.getvalue()


CHECKPOINTS = {".safetensors": save(STATE), ".pth": pth(STATE)}


class Mark:
    """Pickled, it would leave a file where it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch '{self.file}'",)


def load(file: Path) -> None:
    """What ``--weights`` does with a file."""
    training_facts(file)
    fit(build(CARD, 4), read_state(file), Weights(str(file), file))


@given(data=st.data(), kind=st.sampled_from(sorted(CHECKPOINTS)))
@few(40)
def test_a_damaged_checkpoint_fits_or_is_a_sentence(
    tmp_path_factory: Any, data: st.DataObject, kind: str
) -> None:
    raw = bytearray(CHECKPOINTS[kind])
    for _ in range(data.draw(st.integers(1, 5))):
        end = data.draw(st.sampled_from([64, 1000, len(raw)]))
        place = data.draw(st.integers(0, min(end, len(raw)) - 1))
        match data.draw(st.sampled_from(["flip", "cut", "insert"])):
            case "flip":
                raw[place] = data.draw(st.integers(0, 255))
            case "cut" if place:
                del raw[place:]
            case _:
                raw[place:place] = data.draw(st.binary(max_size=40))
    file = scratch(tmp_path_factory) / f"net{kind}"
    file.write_bytes(raw)
    try:
        load(file)
    except SuiteError as error:
        assert str(file) in str(error)


@pytest.mark.parametrize("place", ["whole", "entry", "key"])
def test_pickled_code_is_not_run_by_any_command(tmp_path: Path, place: str) -> None:
    mark = Mark(tmp_path / "ran")
    state: Any = {"whole": mark, "entry": {**STATE, "x": mark}, "key": {**STATE, mark: 1}}[place]
    (tmp_path / "net.pth").write_bytes(pth(state))
    (tmp_path / "old.pth").write_bytes(pickle.dumps(state, protocol=2))
    (tmp_path / "p.png").write_bytes(FILES["png"])
    for name in ("net.pth", "old.pth"):
        done = suite(tmp_path, "upscale", "espcn", "p.png", "--out", "out", "--weights", name, status=1)
        assert name in done.stderr and done.stderr.count("\n") == 1
        done = suite(tmp_path, "run", "--models", name, "--measures", "cost", "--no-report", status=1)
        assert name in done.stderr
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("suffix", [".safetensors", ".pth"])
def test_a_checkpoint_of_many_gigabytes_is_refused_without_reading_it_into_memory(
    tmp_path: Path, suffix: str
) -> None:
    import resource

    file = tmp_path / f"huge{suffix}"
    with file.open("wb") as stream:
        header = json.dumps({"w": {"dtype": "F32", "shape": [2**31], "data_offsets": [0, 2**33]}}).encode()
        stream.write(struct.pack("<Q", len(header)) + header)
        stream.truncate(6 * 2**30)  # a hole: takes no room on the disk
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SuiteError, match=r"huge\.\w+ is damaged"):
        read_state(file)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**20  # KiB


@pytest.mark.parametrize("size", [0, 2**20, 2**40, 2**63, 2**64 - 1])
def test_a_header_that_lies_about_its_size_is_refused(tmp_path: Path, size: int) -> None:
    file = tmp_path / "net.safetensors"
    file.write_bytes(struct.pack("<Q", size) + b"{}" * 50)
    assert training_facts(file) == {}
    with pytest.raises(SuiteError, match="is damaged or no checkpoint"):
        read_state(file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state | {"extra": torch.zeros(1)}, "has extra, which the network lacks"),
        (lambda state: dict(list(state.items())[1:]), "lacks "),
        (lambda state: {k: v * float("nan") for k, v in state.items()}, "with values that are not finite"),
        (lambda state: {k: v[None] for k, v in state.items()}, "instead of ("),
        (lambda state: {k: "text" for k in state}, "as str instead of a tensor"),
        (lambda state: {k: v.to(torch.complex64) for k, v in state.items()}, "cannot stand for"),
        (lambda state: {k: v.to_sparse() for k, v in state.items()}, "cannot stand for"),
        (lambda state: build(CARD, 2).state_dict(), "instead of ("),
    ],
    ids=["extra", "missing", "nan", "shape", "text", "complex", "sparse", "scale"],
)
def test_a_checkpoint_that_does_not_fit_is_named(tmp_path: Path, change: Any, words: str) -> None:
    file = tmp_path / "net.pth"
    file.write_bytes(pth(change(dict(STATE))))
    with pytest.raises(SuiteError) as caught:
        load(file)
    assert words in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "card", ["text", "[1]", '{"recipe": 1, "schedule": [1], "iterations": "many"}', "{" * 9000]
)
def test_a_training_card_that_lies_leaves_records_that_can_be_read(tmp_path: Path, card: str) -> None:
    from suite.schema import problem_of_record

    file = tmp_path / "net.safetensors"
    file.write_bytes(save(STATE, {"card": card}))
    load(file)
    record = json.loads((Path(__file__).parent / "data/records_v1.jsonl").read_text().splitlines()[0])
    record["details"]["weights"] |= training_facts(file)
    assert problem_of_record(record) == ""


# Cards in TOML

SCALAR = st.one_of(st.booleans(), st.integers(-3, 2**70), st.floats(), st.text(max_size=12))
KEYS = (
    "name",
    "hr",
    "lr",
    "suffix",
    "images",
    "digests",
    "build",
    "path",
    "scales",
    "arguments",
    "input",
    "weights",
)
RECIPE = {"iterations": 5, "batch": 1, "patch": 16, "rate": 1e-3, "final_rate": 0}
"""All that a recipe must have."""


READERS: tuple[Callable[[Path], object], ...] = (
    read_card,
    lambda file: read_described(str(file)),
    lambda file: load_recipe(str(file)),
)


def assert_a_sentence(file: Path) -> None:
    """Whatever a file is read as, it is that, or an error names the file."""
    for read in READERS:
        try:
            read(file)
        except SuiteError as error:
            assert file.name in str(error)


@given(
    table=st.dictionaries(
        st.one_of(
            st.sampled_from((*KEYS, *(field.name for field in dataclasses.fields(Recipe)))),
            st.text(max_size=5),
        ),
        st.recursive(
            SCALAR,
            lambda inner: st.one_of(
                st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)
            ),
            max_leaves=5,
        ),
        max_size=6,
    ),
    recipe=st.booleans(),
)
@few(100)
def test_any_table_is_a_card_or_a_sentence(
    tmp_path_factory: Any, table: dict[str, Any], recipe: bool
) -> None:
    file = scratch(tmp_path_factory) / "card.toml"
    table = {**RECIPE, **table} if recipe else table
    file.write_bytes(
        "".join(f"{json.dumps(k)} = {toml(v)}\n" for k, v in table.items()).encode("utf-8", "replace")
    )
    assert_a_sentence(file)


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    return str(value).replace("infinity", "inf") if isinstance(value, float) else json.dumps(value)


@given(data=st.binary(max_size=120))
@few(60)
def test_any_bytes_are_no_card(tmp_path_factory: Any, data: bytes) -> None:
    file = scratch(tmp_path_factory) / "bytes.toml"
    file.write_bytes(data)
    for read in READERS:
        with pytest.raises(SuiteError, match=r"bytes\.toml"):
            read(file)


@pytest.mark.parametrize("text", ["a = 1\na = 2", "\ufeff", "x = " + "[" * 5000, "name = 1979-05-27", "\x00"])
def test_toml_that_breaks_readers_is_a_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "c.toml"
    file.write_text(text, encoding="utf-8")
    for read in READERS:
        with pytest.raises(SuiteError, match=r"c\.toml"):
            read(file)


# Protocols


@given(
    names=st.lists(st.one_of(st.text(max_size=10), st.sampled_from(["sr-y", "all", "SR-Y", ""])), max_size=4)
)
@few(60)
def test_any_list_of_protocols_is_known_or_a_sentence(names: list[str]) -> None:
    try:
        found = protocol_ids(tuple(names))
    except SuiteError as error:
        assert str(error)
    else:
        assert len(set(found)) == len(found)


# Folders


def test_a_link_that_leads_in_a_circle_is_named(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "a.png").symlink_to("a.png")
    with pytest.raises(SuiteError, match=r"a\.png"):
        list(open_dataset(f"s={tmp_path / 'set'}", 4, tmp_path).pairs())


def test_a_pipe_in_place_of_an_image_does_not_hang(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    os.mkfifo(tmp_path / "set" / "a.png")
    done = suite(
        tmp_path, "run", "--models", "bicubic", "--measures", "quality", "--datasets", "s=set", "--no-report",
        status=1,
    )  # fmt: skip
    assert "a.png is no file" in done.stderr
