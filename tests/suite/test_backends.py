"""Backends: from a network to a function of tensors, in a precision, on a device."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import nn

from suite.backends import BACKENDS, backend_by_name, prepare
from suite.catalog import model_card
from suite.errors import SuiteError, UsageError
from suite.task import Subject
from suite.weights import build, find_weights


def subject(**configuration: object) -> Subject:
    card = model_card("imdn")
    return Subject(card, 2, find_weights(card, 2, Path("no-home"), "none"), **configuration)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def keep_the_number_of_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("fp16", torch.float16), ("bf16", torch.bfloat16)]
)
def test_the_precision_is_that_of_weights_and_output(precision: str, dtype: torch.dtype) -> None:
    network = nn.Conv2d(3, 5, 1)
    output = backend_by_name("eager").prepare(network, "cpu", precision)(torch.ones(1, 3, 4, 4))
    assert output.dtype == network.weight.dtype == dtype


def test_half_precision_is_near_full_precision() -> None:
    image = torch.full((1, 3, 16, 16), 0.5)
    full, half = (prepare(subject(precision=precision))(image) for precision in ("fp32", "bf16"))
    assert 0 < (full - half.float()).abs().max() < 0.05 * full.abs().max()


def test_eager_is_the_network_itself() -> None:
    image = torch.rand(1, 3, 16, 16)
    torch.testing.assert_close(prepare(subject())(image), build(model_card("imdn"), 2)(image), rtol=0, atol=0)


def test_no_gradient_is_kept() -> None:
    output = backend_by_name("eager").prepare(nn.Conv2d(3, 5, 1), "cpu", "fp32")(torch.ones(1, 3, 4, 4))
    assert not output.requires_grad


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_is_set(threads: int) -> None:
    prepare(subject(threads=threads))
    assert torch.get_num_threads() == threads


def test_a_missing_cuda_device_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        SuiteError, match="--device cuda: PyTorch finds no CUDA device here; use --device cpu"
    ):
        prepare(subject(device="cuda"))


def test_an_unknown_backend_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown backend 'eagr': did you mean 'eager'"):
        backend_by_name("eagr")


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
def test_every_backend_is_described_in_one_line(backend: object) -> None:
    description = backend.description  # type: ignore[attr-defined]
    assert description
    assert "\n" not in description
