"""Several linear branches become one convolution, exactly, at the borders too."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from baselines import reparameterization as rep
from baselines.ecbsr import ECBSR
from baselines.efdn import EFDN
from baselines.etds import ETDS, DualStreamETDS
from baselines.fmen import FMEN
from baselines.plainusr import PlainUSR
from baselines.reparameterization import (
    BranchKind,
    MultiBranchConv,
    ResidualExpansion,
    convolution,
    fold,
    kernel_of,
)

SIZES = [(1, 1), (2, 1), (5, 8), (17, 23)]
KINDS: tuple[BranchKind, ...] = ("3x3", "1x1", "1x1-3x3", "sobel-x", "sobel-y", "laplacian", "identity")


@pytest.fixture(autouse=True)
def fixed_numbers() -> None:
    torch.manual_seed(0)


def randomized(network: nn.Module) -> nn.Module:
    """The network in double precision, every number drawn anew: none is zero or one by its start."""
    with torch.no_grad():
        for name, value in [*network.named_parameters(), *network.named_buffers()]:
            if value.is_floating_point() and not name.endswith("pattern"):
                value.copy_(0.3 * torch.randn(value.shape))
            if name.endswith("running_var"):
                value.abs_().add_(0.1)
    return network.double().eval()


def noise(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


def assert_equal(found: Tensor, expected: Tensor) -> None:
    """Equal up to rounding in double precision, on the scale of the largest value."""
    torch.testing.assert_close(
        found, expected, rtol=0, atol=1e-11 * max(1.0, expected.detach().abs().max().item())
    )


# Algebra


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_pointwise_convolution_on_the_padded_input_and_a_wide_one_are_one(height: int, width: int) -> None:
    first, second = nn.Conv2d(3, 7, 1, padding=1).double(), nn.Conv2d(7, 4, 3).double()
    x = noise(2, 3, height, width)
    whole = convolution(rep.sequence(kernel_of(first), kernel_of(second)))
    assert_equal(whole(x), second(first(x)))


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_wide_convolution_and_a_pointwise_one_are_one(height: int, width: int) -> None:
    first, second = nn.Conv2d(3, 7, 3, padding=1).double(), nn.Conv2d(7, 4, 1).double()
    x = noise(2, 3, height, width)
    whole = convolution(rep.sequence(kernel_of(first), kernel_of(second)))
    assert_equal(whole(x), second(first(x)))


def test_two_wide_convolutions_are_not_one() -> None:
    kernel = kernel_of(nn.Conv2d(3, 3, 3))
    with pytest.raises(ValueError, match="wider than 1x1"):
        rep.sequence(kernel, kernel)


def test_by_hand() -> None:
    # 2 (3 x + 1) + 5 = 6 x + 7; then beside it an identity: 7 x + 7
    first = rep.Kernel(torch.full((1, 1, 1, 1), 3.0), torch.tensor([1.0]))
    second = rep.Kernel(torch.full((1, 1, 1, 1), 2.0), torch.tensor([5.0]))
    whole = rep.sequence(first, second)
    assert (whole.weight.item(), whole.bias.item()) == (6, 7)
    total = rep.parallel(whole, rep.identity(whole))
    assert (total.weight.item(), total.bias.item()) == (7, 7)


def test_sums_concatenations_and_groups() -> None:
    x, y = noise(1, 4, 6, 5), noise(1, 2, 6, 5)
    a, b = nn.Conv2d(4, 4, 3, padding=1).double(), nn.Conv2d(4, 4, 1, bias=False).double()
    c, d = nn.Conv2d(2, 4, 3, padding=1).double(), nn.Conv2d(4, 4, 3, padding=1, groups=2).double()
    kernels = {name: kernel_of(layer) for name, layer in zip("abcd", (a, b, c, d), strict=True)}
    assert_equal(convolution(rep.parallel(kernels["a"], kernels["b"]))(x), a(x) + b(x))
    assert_equal(convolution(rep.joined(kernels["a"], kernels["c"]))(torch.cat((x, y), 1)), a(x) + c(y))
    assert_equal(convolution(rep.stacked(kernels["a"], kernels["d"]))(x), torch.cat((a(x), d(x)), 1))


def test_batch_normalisation_is_a_pointwise_kernel_of_its_running_statistics() -> None:
    norm, x = randomized(nn.BatchNorm2d(5)), noise(3, 5, 4, 6)
    assert_equal(convolution(kernel_of(norm))(x), norm(x))


# Blocks


@pytest.mark.parametrize("kinds", [*((kind,) for kind in KINDS[:-1]), KINDS], ids="+".join)
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_branches_fold_into_one_convolution(kinds: tuple[BranchKind, ...], height: int, width: int) -> None:
    block = randomized(MultiBranchConv(4, 4, kinds))
    x = noise(2, 4, height, width)
    single = fold(block)
    assert isinstance(single, nn.Conv2d)
    assert_equal(single(x), block(x))


def test_the_edge_filters_are_sobel_and_laplace() -> None:
    step = torch.zeros(1, 1, 5, 5)
    step[..., 3:] = 1
    for kind, expected in (("sobel-x", -4.0), ("sobel-y", 0.0), ("laplacian", 1.0)):
        (branch,) = MultiBranchConv(1, 1, (kind,)).branches.values()
        with torch.no_grad():
            branch[0].weight.fill_(1)
            branch[0].bias.zero_()
            branch[1].factor.fill_(1)
            branch[1].bias.zero_()
        assert branch(step)[0, 0, 2, 2] == expected


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_a_residual_expansion_folds_into_one_convolution(height: int, width: int) -> None:
    block = randomized(ResidualExpansion(4))
    x = noise(2, 4, height, width)
    assert_equal(fold(block)(x), block(x))


# Networks

PAIRS = [
    pytest.param(lambda scale, form: ECBSR(scale, channels=8, form=form), id="ECBSR"),
    pytest.param(lambda scale, form: EFDN(scale, channels=8, form=form), id="EFDN"),
    pytest.param(lambda scale, form: FMEN(scale, channels=8, mid_channels=8, form=form), id="FMEN"),
    pytest.param(lambda scale, form: PlainUSR(scale, channels=8, mid_channels=4, form=form), id="PlainUSR"),
]


@pytest.mark.parametrize("make", PAIRS)
@pytest.mark.parametrize(("scale", "height", "width"), [(2, 17, 23), (3, 15, 16), (4, 24, 15)])
def test_both_forms_of_a_network_are_equal(make, scale: int, height: int, width: int) -> None:
    training = randomized(make(scale, "training"))
    if isinstance(training, EFDN):
        training.train()  # in which it does not clip, so that every value is compared
    inference = fold(training)
    x = noise(2, 3, height, width)
    assert_equal(inference(x), training(x))


@pytest.mark.parametrize("make", PAIRS)
def test_a_folded_state_fits_the_inference_form_and_leaves_the_network_alone(make) -> None:
    training = make(4, "training").eval()
    before = {key: value.clone() for key, value in training.state_dict().items()}
    inference = make(4, "inference").eval()
    inference.load_state_dict(fold(training).state_dict())
    x = torch.rand(1, 3, 19, 16)
    torch.testing.assert_close(inference(x), training(x), rtol=1e-4, atol=1e-5)
    assert all(torch.equal(value, before[key]) for key, value in training.state_dict().items())


@pytest.mark.parametrize("make", PAIRS)
def test_every_parameter_of_the_training_form_is_trained(make) -> None:
    training = make(2, "training").train()
    (training(torch.rand(2, 3, 16, 17)) ** 2).sum().backward()
    assert [name for name, parameter in training.named_parameters() if parameter.grad is None] == []


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize(("height", "width"), [(3, 2), (17, 23)])
def test_both_streams_of_etds_become_a_plain_network_that_clips(scale: int, height: int, width: int) -> None:
    training = randomized(DualStreamETDS(scale, channels=8))
    inference = fold(training)
    assert isinstance(inference, ETDS)
    x = 10 * noise(4, 3, height, width)
    expected = training(x)
    assert expected.min() < 0
    assert expected.max() > 1
    assert_equal(inference(x), expected.clamp(0, 1))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_a_folded_etds_fits_the_published_shape(scale: int) -> None:
    ETDS(scale).load_state_dict(fold(DualStreamETDS(scale)).state_dict())


def test_etds_starts_as_the_nearest_neighbour_enlargement() -> None:
    image = torch.rand(1, 3, 4, 5)
    _, residual = DualStreamETDS(3).streams(image)
    nearest = image.repeat_interleave(3, dim=-2).repeat_interleave(3, dim=-1)
    torch.testing.assert_close(residual, nearest)
