"""Checks catch what they are for: one hostile little network for each, beside an honest one that passes."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from baselines.bicubic import Bicubic
from suite import cli
from suite.catalog import MODELS, ModelCard, model_card
from suite.catalog.cards import InputConvention
from suite.checking import CHECKS, Check, Finding, candidate_of, examine
from suite.checking.candidate import Candidate
from suite.task import Subject
from suite.weights import NO_WEIGHTS, WITHOUT_PARAMETERS, Weights
from tests.command import suite

ROOT = Path(__file__).resolve().parents[3]
BY_NAME = {check.name: check for check in CHECKS}


class Honest(nn.Module):
    """Bicubic interpolation x2 with a learned detail: passes every check."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.bicubic = Bicubic(2)
        self.detail = nn.Conv2d(3, 12, 3, padding=1)
        with torch.no_grad():
            self.detail.weight.mul_(0.01)
            self.detail.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.bicubic(x) + F.pixel_shuffle(self.detail(x), 2)


class WrongScale(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x)[..., :-1, :]


class Doubles(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).double()


class Multiples(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pixel_shuffle(F.pixel_unshuffle(x, 8), 8))


class Squares(Honest):
    def forward(self, x: Tensor) -> Tensor:
        assert x.shape[-1] == x.shape[-2], "squares alone"
        return super().forward(x)


class Large(Honest):
    def forward(self, x: Tensor) -> Tensor:
        assert min(x.shape[-2:]) >= 20, "too small"
        return super().forward(x)


class Bytes(Honest):
    """Made for 0..255, which its card does not say."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) - 0.4


class Brighter(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * 1.2


class NanAtBlack(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) * (x.mean() / x.mean())


class Constant(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(torch.full_like(x, 0.5))


class Colourless(Honest):
    """Looks at the green channel alone."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x[:, 1:2].expand(-1, 3, -1, -1))


class Mirrored(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, (0, 1))[..., 1:].roll(x.shape[-1] // 2, -1))


class CachedByShape(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.outputs: dict[torch.Size, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        return self.outputs.setdefault(x.shape, super().forward(x))


class Dropout(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return F.dropout(super().forward(x), 0.1, training=True)


class RunningMean(Honest):
    """Its output depends on the images before."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = 0.5

    def forward(self, x: Tensor) -> Tensor:
        output = super().forward(x) + self.mean
        self.mean = x.mean().item()
        return output


class FirstSize(Honest):
    """Keeps a mask of the first size and cuts or pads it for the next."""

    mask: Tensor | None = None

    def forward(self, x: Tensor) -> Tensor:
        if self.mask is None:
            self.mask = torch.linspace(0.5, 1, x.shape[-1])
        return super().forward(x * F.pad(self.mask, (0, max(0, x.shape[-1] - len(self.mask))))[: x.shape[-1]])


class BatchDependent(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) - x.mean()


class InPlace(Honest):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.sub_(0.1))


class Counts(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("calls", torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return super().forward(x)


class AlwaysTraining(Honest):
    def train(self, mode: bool = True) -> AlwaysTraining:
        super().train(True)
        return self


class TrainsWhenRun(Honest):
    def forward(self, x: Tensor) -> Tensor:
        self.detail.train()
        return super().forward(x)


class BatchStatistics(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3, track_running_stats=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(super().forward(x))


class AsksForGradients(Honest):
    def forward(self, x: Tensor) -> Tensor:
        self.detail.requires_grad_(True)
        with torch.enable_grad():
            return super().forward(x)


class Unused(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.forgotten = nn.Conv2d(3, 3, 1)


class TimesZero(Unused):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + 0 * self.forgotten(x).mean()


class BehindZero(Honest):
    """A scale that starts at zero hides what lies behind it, which takes part all the same."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 3, 1)
        self.scale = nn.Parameter(torch.zeros(1))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x + self.scale * self.body(x))


class Detached(Honest):
    def __init__(self) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * self.factor.detach())


class Breaks(Honest):
    def __init__(self) -> None:
        raise FileNotFoundError("no such table")


def candidate(network: Callable[[], nn.Module], **changes: object) -> Candidate:
    """A candidate of a network at x2, in 0..1, whose weights are declared to be trained."""
    card = dataclasses.replace(model_card("bsrn"), name="mine", scales=(2,), input=InputConvention())
    card = dataclasses.replace(card, **changes)  # type: ignore[arg-type]
    subject = Subject(card, 2, Weights("shipped"))
    return Candidate(subject, lambda: network().eval().requires_grad_(False))


def found(network: Callable[[], nn.Module], check: str, **changes: object) -> Finding:
    return BY_NAME[check].run(candidate(network, **changes))


def everything(network: Callable[[], nn.Module], **changes: object) -> dict[str, Finding]:
    return {check.name: finding for check, finding in examine(candidate(network, **changes))}


def test_an_honest_network_passes_every_check() -> None:
    findings = everything(Honest)
    assert list(findings) == list(BY_NAME)
    assert {name for name, finding in findings.items() if finding.status != "ok"} == set()


HOSTILE: list[tuple[type[nn.Module], str, str]] = [
    (WrongScale, "scale", r"becomes \(1, 3, 63, 64\) instead of \(1, 3, 64, 64\)"),
    (Doubles, "type", "gives torch.float64 for float32"),
    (Multiples, "sizes", "multiples of 8$"),
    (Multiples, "smallest", "needs at least 8 pixels each way; the card states 1"),
    (Squares, "sizes", "cannot take 16 of 33 sizes, such as 40x24"),
    (Large, "smallest", "needs at least 20 pixels"),
    (Bytes, "range", "the card's range 1 looks wrong"),
    (Brighter, "range", "worse than interpolation"),
    (NanAtBlack, "finite", "not finite for black$"),
    (Constant, "content", "two images of one size give the same output"),
    (CachedByShape, "content", "two images of one size give the same output"),
    (Colourless, "content", "channel 0 changes nothing"),
    (Mirrored, "content", "changes nothing near it, but elsewhere"),
    (Dropout, "repeatable", "one image gives two outputs"),
    (RunningMean, "repeatable", "one image gives two outputs"),
    (RunningMean, "memory", "other images in between change the output by up to"),
    (FirstSize, "new-size", "the size of the first image changes the output of the next"),
    (BatchDependent, "batch", "images of a batch change each other"),
    (InPlace, "input-kept", r"changed in place by up to 25\.5 levels"),
    (Counts, "weights-kept", "a pass changes calls"),
    (AlwaysTraining, "evaluation", r"in training mode: the network \(AlwaysTraining\)"),
    (TrainsWhenRun, "evaluation", r"in training mode: detail \(Conv2d\)"),
    (BatchStatistics, "evaluation", "by the statistics of the batch: norm"),
    (AsksForGradients, "gradients", "the output requires gradients"),
    (Unused, "parameters", "2 of 4 tensors take no part: forgotten.bias, forgotten.weight"),
    (TimesZero, "parameters", "2 of 4 tensors take no part: forgotten.bias, forgotten.weight"),
]


@pytest.mark.parametrize(
    ("network", "check", "words"), [pytest.param(*row, id=f"{row[0].__name__}-{row[1]}") for row in HOSTILE]
)
def test_a_hostile_network_is_caught(network: type[nn.Module], check: str, words: str) -> None:
    finding = found(network, check)
    assert finding.status == "finding", finding
    assert re.search(words, finding.words), finding.words


def test_every_check_that_judges_has_a_network_that_it_catches() -> None:
    informs = {"half", "translation", "tiles", "builds"}
    assert {check for _, check, _ in HOSTILE} == set(BY_NAME) - informs


@pytest.mark.parametrize("network", [BehindZero, Detached])
def test_a_parameter_that_only_seems_idle_is_no_finding(network: type[nn.Module]) -> None:
    finding = found(network, "parameters")
    assert finding.status == "note"
    assert ("body" if network is BehindZero else "no gradient reaches factor") in finding.words


def test_halves_that_do_not_run_are_said() -> None:
    class Float32Alone(Honest):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.float())

    finding = found(Float32Alone, "half")
    assert finding.status == "note"
    assert re.match(r"bf16 does not run \(RuntimeError: .*; fp16 does not run", finding.words)


def test_what_depends_on_the_whole_image_is_said_in_levels() -> None:
    class Contrast(Honest):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x - x.mean())

    assert "by up to 0 levels" in found(Honest, "translation").words
    for check in ("translation", "tiles"):
        words = re.search(r"by up to (\S+) levels", found(Contrast, check).words)
        assert words is not None
        assert float(words[1]) > 0.5


def test_a_network_that_cannot_be_made_ends_it() -> None:
    findings = everything(Breaks)
    assert findings.pop("builds") == Finding("finding", "it fails: FileNotFoundError: no such table")
    assert {finding.status for finding in findings.values()} == {"not applicable"}


def test_a_check_that_fails_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(candidate: Candidate) -> Finding:
        raise ZeroDivisionError("by zero")

    table = tuple(
        dataclasses.replace(check, run=fails) if check.name == "scale" else check for check in CHECKS
    )
    monkeypatch.setattr("suite.checking.CHECKS", table)
    findings = everything(Honest)
    assert findings["scale"] == Finding("finding", "it fails: ZeroDivisionError: by zero")
    assert findings["parameters"].status == "ok"


def test_a_finding_that_the_card_states_is_known() -> None:
    known = {"sizes": "it folds 8x8 pixels"}
    findings = everything(Multiples, known=known, input=InputConvention(min_size=8))
    assert findings["sizes"].status == "known"
    assert findings["sizes"].words.endswith("multiples of 8. The card says: it folds 8x8 pixels")
    assert findings["smallest"].status == "ok"


def test_a_known_finding_that_is_none_is_said() -> None:
    finding = everything(Honest, known={"sizes": "it folds 8x8 pixels"})["sizes"]
    assert finding.status == "note"
    assert "The card says that it does not pass" in finding.words


def test_random_weights_are_not_judged() -> None:
    subject = dataclasses.replace(candidate(Honest).subject, weights=Weights(NO_WEIGHTS))
    assert BY_NAME["range"].run(Candidate(subject, Honest)).status == "not applicable"


@pytest.mark.parametrize(("name", "wrong"), [("rfdn", 1.0), ("bsrn-s", 255.0), ("imdn", 255.0)])
def test_a_wrong_range_of_a_trained_network_is_found(name: str, wrong: float) -> None:
    from suite.weights import find_weights

    card = model_card(name)
    weights = find_weights(card, 4, Path("nowhere"))
    right = candidate_of(Subject(card, 4, weights))
    assert BY_NAME["range"].run(right).status == "ok"
    convention = dataclasses.replace(card.input, range=wrong)
    subject = Subject(dataclasses.replace(card, input=convention), 4, weights)
    finding = BY_NAME["range"].run(dataclasses.replace(right, subject=subject))
    assert finding.status == "finding", finding.words
    assert f"the card's range {wrong:g} looks wrong" in finding.words


def networks() -> Iterator[object]:
    always = ("bicubic", "bsrn-s", "ecbsr-m4c16", "lapsrn")
    for card in MODELS.values():
        marks = (pytest.mark.slow,) if card.name in always else (pytest.mark.slow, pytest.mark.exhaustive)
        yield pytest.param(card, card.scales[-1], id=card.name, marks=marks)


@pytest.mark.parametrize(("card", "scale"), networks())
def test_every_network_of_the_catalog_passes(card: ModelCard, scale: int) -> None:
    weights = Weights(NO_WEIGHTS if card.needs_weights else WITHOUT_PARAMETERS)
    bad = {
        check.name: finding.words
        for check, finding in examine(candidate_of(Subject(card, scale, weights)))
        if finding.status == "finding"
    }
    assert not bad


# The page and the command


def test_the_page_has_a_row_for_each_check_with_its_question() -> None:
    page = (ROOT / "docs/checks.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| ([^|]+) \|", page, re.MULTILINE)
    assert rows == [(check.name, check.question) for check in CHECKS]


def test_a_process_of_its_own_prints_one_line_a_check(tmp_path: Path) -> None:
    done = suite(tmp_path, "check", "bicubic", "--home", str(tmp_path), "--threads", "1")
    assert done.stderr == "Bicubic x4, weights: no parameters\n"
    *lines, last = done.stdout.splitlines()
    assert [re.split(r"  +", line)[1] for line in lines] == [check.name for check in CHECKS]
    assert last == "20 checks: 19 ok, 1 not applicable"


@pytest.mark.parametrize("where", ["importing", "calling"])
def test_a_network_that_wants_to_exit_is_a_finding(
    where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    body = {"importing": "raise SystemExit(3)", "calling": "def Net(scale):\n    raise SystemExit(3)"}[where]
    (tmp_path / "net.py").write_text(body)
    assert cli.main(["check", f"{tmp_path / 'net.py'}:Net", "--home", str(tmp_path), "--threads", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert re.match(rf"finding +builds .*: {where} .* failed with SystemExit: 3", lines[0])
    assert lines[-1] == "20 checks: 1 finding, 19 not applicable"


def test_a_pass_that_wants_to_exit_is_a_finding_and_the_others_are_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    forward = "def forward(self, x):\n        raise SystemExit(3)"
    (tmp_path / "net.py").write_text(f"from torch import nn\nclass Net(nn.Module):\n    {forward}\n")
    assert cli.main(["check", f"{tmp_path / 'net.py'}:Net", "--home", str(tmp_path), "--threads", "1"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == len(CHECKS) + 1
    assert "it fails: SystemExit: 3" in "\n".join(lines)


def test_names_are_unique() -> None:
    assert len(BY_NAME) == len(CHECKS)


@pytest.mark.parametrize("outcome", ["ok", "note", "known", "not applicable", "finding"])
def test_the_exit_status_is_1_on_a_finding_alone(
    outcome: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    table = (Check("scale", "?", lambda candidate: Finding(outcome, "so it is")),)  # type: ignore[arg-type]
    monkeypatch.setattr("suite.checking.CHECKS", table)
    status = cli.main(["check", "bicubic", "--home", str(tmp_path), "--threads", "1"])
    assert status == (1 if outcome == "finding" else 0)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"{outcome:<14}  scale  so it is", f"1 checks: 1 {outcome}"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["bsnr"], 2, "did you mean 'bsrn'?"),
        (["rfdn", "--scale", "3"], 2, "rfdn has no x3 network."),
        (["rfdn", "--weights", "none.pth"], 1, "--weights none.pth: no such file"),
        (["imdn", "--scale", "2", "--weights", "shipped"], 1, "no weights for imdn x2 come with the package"),
    ],
)
def test_wrong_usage_is_named(
    arguments: list[str], status: int, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", *arguments, "--home", str(tmp_path)]) == status
    assert message in capsys.readouterr().err


def test_weights_that_do_not_fit_are_a_finding(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "mine.pth"
    torch.save({"head.weight": torch.zeros(50, 3, 3, 3)}, file)
    assert cli.main(["check", "rfdn", "--weights", str(file), "--threads", "1"]) == 1
    first, *others, last = capsys.readouterr().out.splitlines()
    assert re.match(r"finding +builds +.*mine\.pth does not fit the network", first)
    assert all(line.endswith("the network cannot be made") for line in others)
    assert last == "20 checks: 1 finding, 19 not applicable"
