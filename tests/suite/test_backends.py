"""Backends: from a network to a function of tensors, in a precision, on a device."""

from __future__ import annotations

import copy
import dataclasses
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from bsrn import native
from bsrn.network import BSRN
from suite.backends import BACKENDS, backend_by_name, fused, prepare
from suite.backends.compiled import Compiled
from suite.backends.openvino import capabilities
from suite.catalog import model_card
from suite.errors import SuiteError, UsageError
from suite.task import Subject
from suite.weights import build, find_weights

EXACT = ("channels-last", "onnxruntime", "openvino")
"""Backends that run on any processor and quickly."""


class Tiny(nn.Module):
    """Six layers with what is a trap to exporters: an interpolation to the size of its input, a mean."""

    def __init__(self, scale: int = 2) -> None:
        super().__init__()
        self.scale = scale
        torch.manual_seed(0)
        self.head = nn.Conv2d(3, 8, 3, padding=1)
        self.strided = nn.Conv2d(8, 8, 3, stride=2)
        self.tail = nn.Conv2d(8, 3 * scale**2, 1)

    def forward(self, x: Tensor) -> Tensor:
        features = F.gelu(self.head(x))
        mask = F.interpolate(self.strided(features), size=features.shape[-2:], mode="bilinear")
        weighed = features * torch.sigmoid(mask) * features.mean(dim=(-2, -1), keepdim=True)
        return F.pixel_shuffle(self.tail(weighed), self.scale)


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


@pytest.mark.parametrize("name", ("eager", *EXACT))
def test_no_gradient_is_kept(name: str) -> None:
    example = torch.ones(1, 3, 8, 8)
    assert not backend_by_name(name).prepare(Tiny(), "cpu", "fp32", example)(example).requires_grad


@pytest.mark.parametrize("threads", [1, 2])
def test_the_number_of_threads_is_set(threads: int) -> None:
    prepare(subject(threads=threads))
    assert torch.get_num_threads() == threads


def agrees_at_all_sizes(name: str, network: nn.Module) -> None:
    same = copy.deepcopy(network)
    forward = backend_by_name(name).prepare(same, "cpu", "fp32", torch.rand(1, 3, 16, 20))
    for height, width in ((16, 20), (9, 31), (33, 8)):
        image = torch.rand(1, 3, height, width)
        with torch.inference_mode():
            expected = network(image)
        torch.testing.assert_close(forward(image), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("name", EXACT)
def test_a_backend_gives_what_eager_gives_at_any_size(name: str) -> None:
    agrees_at_all_sizes(name, Tiny().eval())


def test_fused_blocks_give_what_eager_gives_at_any_size() -> None:
    if reason := BACKENDS["fused"].missing("cpu", "fp32"):
        pytest.skip(reason)
    network = BSRN(2, blocks=1).eval()
    forward = backend_by_name("fused").prepare(network, "cpu", "fp32")
    for image in (torch.rand(1, 3, 16, 20), torch.rand(1, 3, 31, 15)):
        with torch.inference_mode():
            torch.testing.assert_close(forward(image), network(image), rtol=0, atol=1e-5)


def test_a_network_without_fused_blocks_is_not_run_otherwise() -> None:
    with pytest.raises(SuiteError, match="only BSRN as published"):
        backend_by_name("fused").prepare(Tiny(), "cpu", "fp32")


def test_without_a_compiler_there_are_no_fused_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert "need a C++ compiler" in backend_by_name("fused").missing("cpu", "fp32")
    assert fused.COMPILERS == native.COMPILERS


@pytest.mark.slow
def test_compiling_gives_what_eager_gives_at_any_size() -> None:
    if reason := BACKENDS["compile"].missing("cpu", "fp32"):
        pytest.skip(reason)
    agrees_at_all_sizes("compile", nn.Sequential(nn.Conv2d(3, 4, 1), nn.GELU()).eval())


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_what_the_input_was_stays_what_it_was(name: str) -> None:
    image = torch.rand(1, 3, 16, 16)
    before = image.clone()
    first = backend_by_name(name).prepare(Tiny(), "cpu", "fp32", image)(image)
    assert torch.equal(image, before)
    assert first.dtype == torch.float32


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_an_output_is_not_overwritten_by_the_next(name: str) -> None:
    forward = backend_by_name(name).prepare(Tiny(), "cpu", "fp32", torch.rand(1, 3, 16, 16))
    first = forward(torch.zeros(1, 3, 16, 16))
    kept = first.clone()
    forward(torch.ones(1, 3, 16, 16))
    assert torch.equal(first, kept)


def test_float32_is_float32_in_openvino_also_where_the_processor_has_bf16() -> None:
    """A sum that bf16, with its 8 bits, would round away."""
    network = nn.Conv2d(3, 3, 1, bias=False)
    nn.init.constant_(network.weight, 1 / 3)
    image = 1 + torch.arange(64.0).view(1, 1, 8, 8).expand(1, 3, 8, 8) * 2e-4
    output = backend_by_name("openvino").prepare(network, "cpu", "fp32", image)(image)
    np.testing.assert_allclose(output.numpy(), image.numpy(), atol=1e-6)


def test_bf16_in_openvino_differs_as_bf16_does() -> None:
    if "BF16" not in capabilities():
        pytest.skip("the processor does not calculate in bf16")
    image = torch.rand(1, 3, 32, 32)
    network = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.Conv2d(32, 32, 3)).eval()
    with torch.inference_mode():
        expected = network(image)
    output = backend_by_name("openvino").prepare(network, "cpu", "bf16", image)(image)
    assert 1e-5 < float((output - expected).abs().max()) < 0.05


@pytest.mark.parametrize(
    ("name", "device", "precision", "reason"),
    [
        ("onnxruntime", "cpu", "bf16", "ONNX Runtime has no bf16 convolution"),
        ("onnxruntime", "cuda", "fp32", "runs on the CPU alone here: use --device cpu"),
        ("openvino", "cuda", "fp32", "runs on the CPU alone here: use --device cpu"),
        ("cuda-graphs", "cpu", "fp32", "CUDA graphs need a CUDA device: use --device cuda"),
        ("channels-last", "cuda", "fp32", "--device cuda: PyTorch finds no CUDA device here"),
        ("fused", "cuda", "fp32", "runs on the CPU alone here: use --device cpu"),
        ("fused", "cpu", "fp16", "fused blocks exist in fp32 and bf16"),
        ("compile", "cuda", "fp32", "--device cuda: PyTorch finds no CUDA device here"),
    ],
)
def test_a_backend_says_why_it_cannot_run_here(
    name: str, device: str, precision: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert reason in backend_by_name(name).missing(device, precision)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_package_that_is_not_installed_is_named_with_how_to_get_it(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None if package == name else object())
    reason = f"{name} is not installed: pip install 'efficient-sr-suite[backends]'."
    assert backend_by_name(name).missing("cpu", "fp32") == reason


def test_a_missing_compiler_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compiled = Compiled("a compiler")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    assert "a C++ compiler, and there is none: install g++" in compiled.missing("cpu", "fp32")
    monkeypatch.setenv("CXX", "no-such-compiler -O2")
    assert "CXX names no-such-compiler -O2, which is not there" in compiled.missing("cpu", "fp32")
    (tmp_path / "g++").touch(mode=0o755)
    monkeypatch.delenv("CXX")
    assert compiled.missing("cpu", "fp32") == ""


def test_what_leaves_pytorch_needs_an_example() -> None:
    with pytest.raises(SuiteError, match="the backend onnxruntime needs an example of the input"):
        backend_by_name("onnxruntime").prepare(Tiny(), "cpu", "fp32")


def test_a_network_that_no_exporter_takes_is_said_in_one_line() -> None:
    class Sorted(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            raise RuntimeError("no\nway")

    with pytest.raises(SuiteError, match="cannot be written as ONNX") as caught:
        backend_by_name("onnxruntime").prepare(Sorted(), "cpu", "fp32", torch.rand(1, 3, 8, 8))
    assert "\n" not in str(caught.value)


def test_a_missing_cuda_device_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        SuiteError, match="--device cuda: PyTorch finds no CUDA device here; use --device cpu"
    ):
        prepare(subject(device="cuda"))


def test_an_unknown_backend_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="unknown backend 'eagr': did you mean 'eager'"):
        backend_by_name("eagr")


def test_titles_name_the_backend_unless_it_is_eager() -> None:
    assert subject().title == "imdn x2"
    assert dataclasses.replace(subject(), backend="openvino").title == "imdn x2 in openvino"


@pytest.mark.parametrize("backend", BACKENDS.values(), ids=BACKENDS)
def test_every_backend_is_described_in_one_line(backend: object) -> None:
    description = backend.description  # type: ignore[attr-defined]
    assert description
    assert "\n" not in description


def test_naming_the_backends_imports_neither_torch_nor_what_they_need() -> None:
    code = (
        "import sys, suite.backends as b; [x.missing('cpu', 'fp32') for x in b.BACKENDS.values()]; "
        "print(sorted({'torch', 'onnxruntime', 'openvino', 'onnx'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
