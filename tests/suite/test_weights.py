"""Weights: found where they are said to be, verified, renamed and fitted strictly; never trusted."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from suite.catalog import MODELS, model_card
from suite.catalog.cards import Checkpoint, ModelCard
from suite.errors import SuiteError
from suite.training.checkpoint import save_weights
from suite.weights import (
    NO_WEIGHTS,
    OFFICIAL,
    SHIPPED,
    WITHOUT_PARAMETERS,
    build,
    find_weights,
    load_model,
    read_state,
    sha256_of,
    source_digest,
    training_card,
    training_facts,
    used,
)

State = dict[str, torch.Tensor]
NOWHERE = Path("no-home")

SMALL = ModelCard(
    name="small",
    title="Small",
    family="RFDN",
    year=2020,
    scales=(4,),
    build="baselines.rfdn:RFDN",
    arguments={"channels": 8, "blocks": 1},
    official={
        4: Checkpoint(
            path="RFDN/small.pth",
            sha256=hashlib.sha256(b"the authors' file").hexdigest(),
            source="https://example.org/small",
            licence="MIT",
            entry="params",
            renames=model_card("rfdn").official[4].renames,
        )
    },
)


@pytest.fixture
def state() -> State:
    """Numbers that the network does not start with, under its own keys."""
    return {key: value + 1 for key, value in build(SMALL, 4).state_dict().items()}


def load(file: Path, card: ModelCard = SMALL) -> torch.nn.Module:
    return load_model(card, 4, find_weights(card, 4, NOWHERE, str(file)))


def saved(state: Any, file: Path) -> Path:
    torch.save(state, file)
    return file


def authors_names(state: State) -> State:
    """The keys of a small RFDN as its authors call them."""
    pairs = (
        (r"^head\.", "fea_conv."),
        (r"^blocks\.0\.", "B1."),
        (r"\.distill\.0\.", ".c1_d."),
        (r"\.distill\.1\.", ".c2_d."),
        (r"\.distill\.2\.", ".c3_d."),
        (r"\.refine\.0\.", ".c1_r."),
        (r"\.refine\.1\.", ".c2_r."),
        (r"\.refine\.2\.", ".c3_r."),
        (r"\.last\.", ".c4."),
        (r"\.fuse\.", ".c5."),
        (r"\.spatial\.reduce\.", ".esa.conv1."),
        (r"\.spatial\.shortcut\.", ".esa.conv_f."),
        (r"\.spatial\.strided\.", ".esa.conv2."),
        (r"\.spatial\.body\.0\.", ".esa.conv_max."),
        (r"\.spatial\.body\.2\.", ".esa.conv3."),
        (r"\.spatial\.body\.4\.", ".esa.conv3_."),
        (r"\.spatial\.expand\.", ".esa.conv4."),
        (r"^fuse\.", "c."),
        (r"^tail\.", "LR_conv."),
        (r"^upsample\.", "upsampler."),
    )
    renamed = {}
    for key, value in state.items():
        for pattern, replacement in pairs:
            key = re.sub(pattern, replacement, key)
        renamed[key] = value
    return renamed


def assert_holds(network: torch.nn.Module, state: State) -> None:
    found = network.state_dict()
    assert found.keys() == state.keys()
    for key, value in state.items():
        torch.testing.assert_close(found[key], value, rtol=0, atol=0, msg=key)


# The official files

OFFICIAL_FILES = [(card.name, scale) for card in MODELS.values() for scale in card.official]


@pytest.mark.parametrize(("name", "scale"), OFFICIAL_FILES)
def test_the_official_file_fits_its_network(name: str, scale: int, home: Path) -> None:
    card = model_card(name)
    weights = find_weights(card, scale, home)
    assert (weights.origin, weights.judged) == (OFFICIAL, True)
    network = load_model(card, scale, weights)
    assert weights.file is not None
    content = read_state(weights.file)
    content = used(content.get("params", content), card.official[scale].unused)
    # Every tensor of the file that is of this scale, whatever its name, is in the network.
    theirs, ours = (
        sorted((tuple(value.shape), value.double().sum().item()) for value in tensors.values())
        for tensors in (content, network.state_dict())
    )
    assert theirs == ours


@pytest.mark.parametrize(("name", "scale"), OFFICIAL_FILES)
def test_the_digest_on_the_card_is_that_of_the_file(name: str, scale: int, home: Path) -> None:
    checkpoint = model_card(name).official[scale]
    assert sha256_of(home / "weights" / checkpoint.path) == checkpoint.sha256


def test_an_official_file_with_another_digest_is_not_loaded(state: State, tmp_path: Path) -> None:
    file = tmp_path / "weights" / "RFDN" / "small.pth"
    file.parent.mkdir(parents=True)
    saved({"params": authors_names(state)}, file)
    with pytest.raises(SuiteError, match=r"small\.pth is not the official checkpoint .*example\.org/small"):
        load_model(SMALL, 4, find_weights(SMALL, 4, tmp_path, OFFICIAL))


def test_an_official_file_is_read_under_the_authors_names(state: State, tmp_path: Path) -> None:
    file = saved({"params": authors_names(state)}, tmp_path / "weights.pth")
    assert_holds(load(file), state)


def test_keys_of_another_scale_are_left_out(state: State, tmp_path: Path) -> None:
    official = dataclasses.replace(SMALL.official[4], unused=(r"^up8\.",))
    card = dataclasses.replace(SMALL, official={4: official})
    file = saved({"params": authors_names(state) | {"up8.weight": torch.ones(1)}}, tmp_path / "weights.pth")
    assert_holds(load(file, card), state)
    with pytest.raises(SuiteError, match="has up8"):
        load(file)


# Files of the user's


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_a_file_may_use_the_networks_own_names(suffix: str, state: State, tmp_path: Path) -> None:
    file = tmp_path / f"mine{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(state, file)
    weights = find_weights(SMALL, 4, NOWHERE, str(file))
    assert (weights.origin, weights.sha256, weights.judged) == (str(file), sha256_of(file), True)
    assert_holds(load_model(SMALL, 4, weights), state)


def test_a_file_of_old_pytorch_is_read(state: State, tmp_path: Path) -> None:
    torch.save(state, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert_holds(load(tmp_path / "old.pth"), state)


def test_a_model_without_an_official_file_takes_its_own_names(state: State, tmp_path: Path) -> None:
    file = saved(state, tmp_path / "mine.pth")
    assert_holds(load(file, dataclasses.replace(SMALL, official={})), state)


def drop(state: State) -> None:
    del state["head.weight"]


def add(state: State) -> None:
    state["extra.weight"] = torch.ones(1)


def reshape(state: State) -> None:
    state["head.bias"] = torch.ones(9)


def set_nan(state: State) -> None:
    state["head.bias"][3] = torch.nan


def set_infinite(state: State) -> None:
    state["head.bias"][3] = torch.inf


def put_a_number(state: dict[str, Any]) -> None:
    state["head.bias"] = 3


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (drop, r"it lacks head\.weight\."),
        (add, r"it has extra\.weight, which the network lacks\."),
        (reshape, r"it has head\.bias as \(9,\) instead of \(8,\)\."),
        (set_nan, r"it has head\.bias with values that are not finite\."),
        (set_infinite, r"it has head\.bias with values that are not finite\."),
        (put_a_number, r"it has head\.bias as int instead of a tensor\."),
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    spoil: Callable[[State], None], words: str, state: State, tmp_path: Path
) -> None:
    spoil(state)
    with pytest.raises(SuiteError, match=rf"mine\.pth does not fit the network: {words}") as caught:
        load(saved(state, tmp_path / "mine.pth"))
    assert "\n" not in str(caught.value)


def test_two_keys_for_one_tensor_are_refused(state: State, tmp_path: Path) -> None:
    ambiguous = authors_names(state) | {"head.weight": state["head.weight"] + 1}
    with pytest.raises(SuiteError, match=r"mine\.pth does not fit the network"):
        load(saved({"params": ambiguous}, tmp_path / "mine.pth"))


def test_several_problems_are_counted(state: State, tmp_path: Path) -> None:
    drop(state)
    add(state)
    reshape(state)
    with pytest.raises(SuiteError, match=r"\(and 2 more\)"):
        load(saved(state, tmp_path / "mine.pth"))


@pytest.mark.parametrize(
    "content", [[1, 2], torch.ones(3), {1: torch.ones(3)}], ids=["list", "tensor", "numbers"]
)
def test_what_is_no_state_dict_is_refused(content: Any, tmp_path: Path) -> None:
    with pytest.raises(SuiteError, match=r"mine\.pth does not hold a state dict"):
        load(saved(content, tmp_path / "mine.pth"))


# Files that are not to be trusted


class Payload:
    """Pickled code that makes a file when it is loaded carelessly."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("new_format", [True, False])
def test_code_in_a_file_is_not_run(new_format: bool, state: State, tmp_path: Path) -> None:
    trace = tmp_path / "it-ran"
    file = tmp_path / "mine.pth"
    torch.save({**state, "head.bias": Payload(trace)}, file, _use_new_zipfile_serialization=new_format)
    with pytest.raises(
        SuiteError, match=r"mine\.pth is damaged or holds more than tensors, and is not loaded"
    ):
        load(file)
    assert not trace.exists()
    torch.load(file, weights_only=False)
    assert trace.exists()  # the payload is a real one


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("content", [b"", b"<html>404</html>", b"PK\x03\x04", bytes(1000)])
def test_what_is_no_checkpoint_is_refused(content: bytes, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"mine{suffix}"
    file.write_bytes(content)
    with pytest.raises(SuiteError, match=rf"mine\{suffix} is damaged or"):
        load(file)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(share: float, suffix: str, state: State, tmp_path: Path) -> None:
    file = tmp_path / f"mine{suffix}"
    (save_file if suffix == ".safetensors" else torch.save)(state, file)
    file.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
    with pytest.raises(SuiteError, match=rf"mine\{suffix} is damaged or"):
        load(file)


def test_an_old_file_truncated_anywhere_is_refused(tmp_path: Path) -> None:
    torch.save({"weight": torch.ones(2)}, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    whole = (tmp_path / "old.pth").read_bytes()
    for length in range(len(whole)):
        (tmp_path / "cut.pth").write_bytes(whole[:length])
        with pytest.raises(SuiteError, match=r"cut\.pth"):
            read_state(tmp_path / "cut.pth")


# Origins


def test_without_weights_a_network_runs_but_is_not_judged() -> None:
    weights = find_weights(SMALL, 4, NOWHERE)
    assert (weights.origin, weights.file, weights.sha256, weights.judged) == (NO_WEIGHTS, None, "", False)
    assert_holds(load_model(SMALL, 4, weights), build(SMALL, 4).state_dict())


@pytest.mark.parametrize("choice", [None, OFFICIAL, SHIPPED, "no-such-file.pth"])
def test_a_network_without_parameters_needs_none(choice: str | None) -> None:
    weights = find_weights(model_card("bicubic"), 4, NOWHERE, choice)
    assert (weights.origin, weights.judged) == (WITHOUT_PARAMETERS, True)


@pytest.fixture
def shipping(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelCard:
    """A card whose package ships weights for x4."""
    package = tmp_path / "shipping"
    (package / "weights").mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "net.py").write_text(
        textwrap.dedent("""
            from baselines.rfdn import RFDN
        """)
    )
    save_file(state, package / "weights" / "small_x4.safetensors")
    monkeypatch.syspath_prepend(tmp_path)
    return dataclasses.replace(SMALL, build="shipping.net:RFDN", scales=(2, 4))


@pytest.mark.parametrize("choice", [None, SHIPPED])
def test_shipped_weights_are_taken_from_the_package(
    choice: str | None, shipping: ModelCard, state: State
) -> None:
    weights = find_weights(shipping, 4, NOWHERE, choice)
    assert weights.origin == SHIPPED
    assert_holds(load_model(shipping, 4, weights), state)


def test_a_network_in_a_file_has_none_shipped_with_it(shipping: ModelCard, tmp_path: Path) -> None:
    card = dataclasses.replace(shipping, build=f"{tmp_path}/net.py:Net", foreign=True)
    assert find_weights(card, 4, NOWHERE).origin == NO_WEIGHTS
    assert find_weights(dataclasses.replace(shipping, foreign=True), 4, NOWHERE).origin == NO_WEIGHTS


def test_official_weights_come_before_shipped_ones(shipping: ModelCard, tmp_path: Path) -> None:
    (tmp_path / "weights" / "RFDN").mkdir(parents=True)
    (tmp_path / "weights" / "RFDN" / "small.pth").touch()
    assert find_weights(shipping, 4, tmp_path).origin == OFFICIAL
    assert find_weights(shipping, 4, tmp_path, SHIPPED).origin == SHIPPED


def test_shipped_weights_are_those_of_the_scale(shipping: ModelCard) -> None:
    assert find_weights(shipping, 2, NOWHERE).origin == NO_WEIGHTS
    with pytest.raises(SuiteError, match="no weights for small x2 come with the package"):
        find_weights(shipping, 2, NOWHERE, SHIPPED)


@pytest.mark.parametrize(
    ("scale", "choice", "words"),
    [
        (4, OFFICIAL, r"official weights .*weights/RFDN/small\.pth do not exist: .*--home"),
        (2, OFFICIAL, "small has no official weights for x2"),
        (4, SHIPPED, "no weights for small x4 come with the package"),
        (4, "none.pth", r"--weights none\.pth: no such file \(or say 'official' or 'shipped'\)"),
    ],
)
def test_weights_that_were_chosen_must_be_there(scale: int, choice: str, words: str) -> None:
    with pytest.raises(SuiteError, match=words):
        find_weights(SMALL, scale, NOWHERE, choice)


# Building


def test_initial_weights_are_the_same_every_time() -> None:
    assert_holds(build(SMALL, 4), build(SMALL, 4).state_dict())


def test_another_seed_gives_other_weights() -> None:
    first, second = (build(SMALL, 4, seed=seed).state_dict()["head.weight"] for seed in (0, 1))
    assert not torch.equal(first, second)


def test_building_leaves_the_random_numbers_of_others_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    build(SMALL, 4)
    assert torch.equal(torch.rand(3), expected)


def test_initial_weights_do_not_depend_on_the_random_numbers_of_others() -> None:
    torch.manual_seed(1)
    first = build(SMALL, 4).state_dict()
    torch.manual_seed(2)
    assert_holds(build(SMALL, 4), first)


def test_a_network_is_built_for_evaluation() -> None:
    network = build(SMALL, 4)
    assert not network.training
    assert not any(parameter.requires_grad for parameter in network.parameters())


# Trained by this project


def trained(file: Path, **recipe: object) -> dict[str, object]:
    """What is known of the training of a file whose recipe has these values."""
    state = {key: value.contiguous() for key, value in build(SMALL, 4).state_dict().items()}
    card = {"schedule": "short", "iterations": 9, "scale": 4, "data_sha256": "d", "recipe": recipe}
    save_weights(file, state, card)
    assert training_card(file) == card
    return dict(find_weights(SMALL, 4, NOWHERE, str(file)).training)


def test_how_a_file_was_trained_is_read_from_its_card(tmp_path: Path) -> None:
    facts = trained(tmp_path / "a.safetensors", seed=3, rate=0.1)
    assert (facts["schedule"], facts["seed"], facts["iterations"]) == ("short", 3, 9)


def test_files_of_one_recipe_are_known_by_its_digest_whatever_their_seed(tmp_path: Path) -> None:
    first = trained(tmp_path / "a.safetensors", seed=3, rate=0.1, save_every=10)
    second = trained(tmp_path / "b.safetensors", seed=4, rate=0.1, save_every=20)
    other = trained(tmp_path / "c.safetensors", seed=3, rate=0.2, save_every=10)
    assert first["recipe"] == second["recipe"] != other["recipe"]


@pytest.mark.parametrize(
    "content", [b"", b"1234567", b"\xff" * 16, b"\x02\0\0\0\0\0\0\0{}", b"\x02\0\0\0\0\0\0\0[]"]
)
def test_of_a_file_without_a_card_nothing_is_known(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "x.safetensors"
    file.write_bytes(content)
    assert training_card(file) == training_facts(file) == {}


def test_the_source_of_a_network_is_told_apart() -> None:
    rfdn, imdn = source_digest("baselines.rfdn:RFDN"), source_digest("baselines.imdn:IMDN")
    assert rfdn != imdn
    assert len(rfdn) == 64
    assert source_digest("no_such_module_here:X") == ""


def test_the_source_of_a_network_includes_what_it_imports_from_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "some_networks"
    package.mkdir()
    for name, text in (
        ("__init__", ""),
        ("parts", "import some_networks.deeper\n"),
        ("deeper", "DEPTH = 1\n"),
        ("unused", ""),
        ("network", "from some_networks.parts import x\nimport torch\n"),
    ):
        (package / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)

    def digest() -> str:
        source_digest.cache_clear()
        return source_digest("some_networks.network:X")

    first = digest()
    (package / "unused.py").write_text("# changed\n")
    assert digest() == first
    (package / "deeper.py").write_text("DEPTH = 2\n")
    assert digest() != first
    assert "some_networks.network" not in sys.modules
