"""What the worker of a profile does: passes as they are and timed ones, and what becomes of them."""

from __future__ import annotations

import mmap
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from suite.errors import SuiteError
from suite.measures.profile import LEFT_OVER, Beginning, _kinds, _layers, plain, timed
from suite.measures.steps import walk


def state(forward: Any, names: list[str]) -> dict[str, Any]:
    return {"forward": forward, "image": torch.ones(1, 3, 8, 8), "device": "cpu", "names": names}


def test_a_network_that_changes_its_mind_has_no_profile() -> None:
    turns = iter([True, False])

    def forward(x: Tensor) -> Tensor:
        return x.neg() if next(turns) else x.exp()

    assert len(timed(state(forward, ["neg"]))) == 1
    with pytest.raises(SuiteError, match="same operators in every pass"):
        timed(state(forward, ["neg"]))


def test_freshly_allocated_memory_shows_as_page_faults() -> None:
    pytest.importorskip("resource")
    size = 16 << 20

    def forward(x: Tensor) -> Tensor:
        with mmap.mmap(-1, size) as fresh:
            for place in range(0, size, mmap.PAGESIZE):
                fresh[place] = 1
        return x

    milliseconds, used = plain(state(forward, []))
    assert used.minor_faults > 0.5 * size / mmap.PAGESIZE
    assert used.user_ms + used.system_ms > 0
    assert milliseconds > 0
    calm = [plain(state(lambda x: x, []))[1].minor_faults for _ in range(5)]
    assert min(calm) < 100  # another thread of this process may have some of its own


def test_calls_of_one_layer_are_one_row_and_unread_parameters_have_theirs() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())
    network.add_module("unused", nn.Identity())
    network.register_parameter("spare", nn.Parameter(torch.ones(7)))

    def forward(x: Tensor) -> Tensor:
        return network(network(x))  # type: ignore[no-any-return]

    steps = walk(network, forward, torch.ones(1, 3, 4, 4))
    rows = _layers(Beginning(0.0, steps, 12 + 7), [1.0, 2.0, 3.0, 4.0])
    assert rows == [
        ["0", "Conv2d", "conv2d", "pointwise convolutions", 2, 12, 288, 96, 2, 2 * 4 * 108, 4.0],
        ["1", "ReLU", "relu", "ReLU", 2, 0, 0, 0, 0, 2 * 4 * 96, 6.0],
        [LEFT_OVER, "", "", "", 0, 7, 0, 0, 0, 0, 0.0],
    ]


def test_kinds_add_up_to_the_middle_rounds() -> None:
    network = nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU(), nn.Conv2d(3, 3, 1))
    steps = walk(network, network, torch.ones(1, 3, 4, 4))
    calls = np.array([[1.0, 1, 1], [1, 2, 1], [1, 2, 3], [90, 90, 90]])
    rows = {row["kind"]: row for row in _kinds(steps, calls, calls.sum(axis=1).tolist())}
    # the first and the last of four rounds are left out
    assert rows["ReLU"]["time_ms"] == 2
    assert rows["pointwise convolutions"]["time_ms"] == 3
    assert rows["pointwise convolutions"]["calls"] == 2
    assert rows["ReLU"]["lower"] <= 2 <= rows["ReLU"]["upper"]
