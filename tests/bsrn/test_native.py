"""BSRN with fused blocks gives what BSRN gives: at borders, in tiles, with threads, in both precisions."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from bsrn import native
from bsrn.native import CannotFuse, compile_blocks, fuse_blocks
from bsrn.network import BSRN, BSRNS
from suite.catalog import model_card
from suite.images import read_rgb
from suite.weights import find_weights, load_model

try:
    LIBRARY = compile_blocks(64)
except CannotFuse as reason:
    pytest.skip(str(reason), allow_module_level=True)
needs_bfloat16 = pytest.mark.skipif(not LIBRARY.has_bfloat16(), reason="the processor has no AVX512-BF16")


@pytest.fixture(autouse=True)
def keep_the_number_of_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def random_network(channels: int = 64, blocks: int = 2, scale: int = 2) -> BSRN:
    """A network whose weights and biases all matter."""
    torch.manual_seed(channels + blocks)
    network = BSRN(scale, channels=channels, blocks=blocks)
    for parameter in network.parameters():
        nn.init.normal_(parameter, std=1.5 / parameter[0].numel() ** 0.5 if parameter.dim() > 1 else 0.3)
    return network.eval()


def noise(height: int, width: int, images: int = 1) -> Tensor:
    return torch.rand(images, 3, height, width, generator=torch.Generator().manual_seed(height))


@torch.inference_mode()
def error(network: nn.Module, image: Tensor) -> float:
    """Largest error of the fused form against exact arithmetic, as a multiple of the network's own.

    Both round every step to float32; a slip of one weight, or at one border, is thousands of such steps.
    """
    exact = copy.deepcopy(network).double()(image.double())
    ours, theirs = (float((one(image) - exact).abs().max()) for one in (fuse_blocks(network), network))
    return ours / theirs


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize(
    "size",
    [(15, 15), (16, 127), (33, 128), (40, 129), (37, 260), (130, 20)],
    ids=lambda size: "x".join(map(str, size)),
)
def test_it_gives_what_the_network_gives(size: tuple[int, int], threads: int) -> None:
    torch.set_num_threads(threads)
    assert error(random_network(), noise(*size)) < 5


def test_rows_are_shared_where_columns_are_few() -> None:
    torch.set_num_threads(4)
    assert error(random_network(blocks=1), noise(200, 24)) < 5


def test_threads_change_no_bit() -> None:
    network, image, outputs = fuse_blocks(random_network()), noise(61, 150), []
    with torch.inference_mode():
        for threads in (1, 2, 5, 2, 5):
            torch.set_num_threads(threads)
            outputs.append(network.features(image[0]))
    assert all(torch.equal(outputs[0], other) for other in outputs)


def test_images_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 15 x 15"):
        fuse_blocks(random_network(blocks=1))(noise(14, 20))


def test_other_widths_and_scales_and_several_images() -> None:
    assert error(random_network(channels=48, blocks=3, scale=3), noise(21, 34)) < 5
    assert error(random_network(blocks=1, scale=4), noise(18, 25, images=3)) < 5


def test_activation_and_attention_are_exact_where_values_are_large() -> None:
    network = random_network(blocks=1)
    with torch.no_grad():
        network.head.depthwise.weight.mul_(40)  # type: ignore[union-attr]
    assert error(network, noise(20, 20)) < 5


def test_the_network_stays_as_it_is() -> None:
    network = random_network(blocks=1)
    before = copy.deepcopy(network.state_dict())
    fused = fuse_blocks(network)
    fused.to(torch.bfloat16)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert next(network.parameters()).dtype == torch.float32


def test_official_weights_on_a_real_image(home: Path) -> None:
    card = model_card("bsrn")
    network = load_model(card, 4, find_weights(card, 4, home, "official")).eval()
    image = torch.from_numpy(read_rgb(home / "data/Set5/LR_bicubic/X4/birdx4.png").copy()).movedim(-1, 0)[
        None
    ]
    with torch.inference_mode():
        difference = (fuse_blocks(network)(image / 255) - network(image / 255)).abs().max()
    assert difference < 1e-5


@needs_bfloat16
def test_in_bfloat16_products_alone_are_rounded() -> None:
    network, image = random_network(), noise(40, 140)
    with torch.inference_mode():
        expected = network(image)
        low = fuse_blocks(network).to(torch.bfloat16)(image.bfloat16())
        eager = copy.deepcopy(network).to(torch.bfloat16)(image.bfloat16()).float()
    ours, theirs = ((one - expected).square().mean() for one in (low, eager))
    assert low.dtype == torch.float32
    assert 0 < ours < 1.5 * theirs


@pytest.mark.parametrize(
    "network",
    [
        BSRNS(4),
        BSRN(4, blocks=1, attention="cca-esa"),
        BSRN(4, blocks=1, conv="dsconv"),
        BSRN(4, blocks=1, activation="relu"),
        nn.Conv2d(3, 3, 1),
    ],
    ids=["bsrn-s", "order", "convolution", "activation", "another"],
)
def test_other_networks_have_no_fused_form(network: nn.Module) -> None:
    with pytest.raises(CannotFuse, match="only BSRN as published"):
        fuse_blocks(network)


def test_other_precisions_are_refused() -> None:
    fused = fuse_blocks(random_network(blocks=1))
    with pytest.raises(ValueError, match="take float32 or bfloat16"):
        fused(noise(20, 20).double())


def test_without_a_compiler_the_reason_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(CannotFuse, match=r"need a C\+\+ compiler, and none of c\+\+"):
        compile_blocks.__wrapped__(64)


def test_a_compiler_that_fails_is_said_and_leaves_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(native, "FLAGS", ("-fno-such-flag",))
    with pytest.raises(CannotFuse, match=r"cannot compile the fused blocks: .*no-such-flag"):
        compile_blocks.__wrapped__(64)
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_compiled_code_is_used_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    compile_blocks.__wrapped__(32)
    (kept,) = (one for one in tmp_path.rglob("*") if one.is_file())
    before = kept.stat().st_mtime_ns
    compile_blocks.__wrapped__(32)
    assert kept.stat().st_mtime_ns == before


def test_a_folder_that_cannot_be_written_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(CannotFuse, match="cannot be kept in"):
        compile_blocks.__wrapped__(64)
