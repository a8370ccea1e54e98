"""The training loop."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import os
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from suite.catalog.cards import InputConvention, ModelCard
from suite.catalog.protocols import PROTOCOLS
from suite.datasets import Dataset
from suite.errors import SuiteError, UsageError
from suite.files import write_text
from suite.images import Rgb, luma
from suite.measures.psnr_ssim import compare
from suite.task import Subject
from suite.training.checkpoint import load_checkpoint, save_checkpoint, save_weights
from suite.training.patches import Loader, TrainingImages
from suite.training.recipe import Recipe
from suite.training.schedule import learning_rate
from suite.training.start import start_as_interpolation
from suite.upscaling import quantize, upscale
from suite.weights import Weights, build

if TYPE_CHECKING:
    from torch.nn.parallel import DistributedDataParallel

Report = Callable[[Mapping[str, Any]], None]
"""Takes one line of the log."""


@dataclass(frozen=True, slots=True)
class Job:
    """One training run."""

    card: ModelCard
    scale: int
    recipe: Recipe
    images: TrainingImages
    out: Path
    """Folder of the checkpoint, the log and the result."""
    validation: Dataset | None = None
    device: str = "cpu"
    rank: int = 0
    processes: int = 1
    until: int | None = None
    """Stop with a checkpoint after this many iterations, before the end of the recipe."""

    @property
    def determining(self) -> dict[str, Any]:
        """What a checkpoint must agree on to be gone on with."""
        recipe = dataclasses.asdict(self.recipe)
        for free in ("save_every", "validate_every"):
            del recipe[free]
        return {
            "model": self.card.name,
            "build": self.card.build,
            "arguments": dict(self.card.arguments),
            "scale": self.scale,
            "data": self.images.digest,
            **{f"recipe.{key}": value for key, value in recipe.items()},
        }

    @property
    def checkpoint(self) -> Path:
        """The file from which an interrupted run goes on."""
        return self.out / "checkpoint.pt"

    @property
    def log(self) -> Path:
        """One JSON object a line: losses and validations."""
        return self.out / "log.jsonl"

    @property
    def result(self) -> Path:
        """The trained weights."""
        return self.out / f"{self.card.name}_x{self.scale}.safetensors"


@dataclass(slots=True)
class Progress:
    """Where a run is."""

    network: nn.Module
    optimizer: torch.optim.Optimizer
    average: dict[str, Tensor]
    """Moving average of the weights, in float32."""
    iteration: int = 0
    """Iterations done."""
    seconds: float = 0.0
    """Time spent training, over all calls."""
    losses: list[float] = field(default_factory=list)
    """Losses since the last line of the log."""


def begin(job: Job) -> Progress:
    """A fresh run, or the one that the checkpoint holds. Raises `SuiteError` for an unfit checkpoint."""
    network = build(job.card, job.scale, seed=job.recipe.seed).requires_grad_(True)
    if job.recipe.start == "interpolation":
        start_as_interpolation(network, job.scale)
    network = network.train().to(job.device)
    network = network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(
        network.parameters(), lr=job.recipe.rate, betas=(job.recipe.beta1, job.recipe.beta2)
    )
    average = {key: value.detach().clone() for key, value in network.state_dict().items()}
    progress = Progress(network, optimizer, average)
    if (state := load_checkpoint(job.checkpoint, job.determining)) is not None:
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        progress.average = {key: value.to(job.device) for key, value in state["average"].items()}
        progress.iteration = state["iteration"]
        progress.seconds = state["seconds"]
        progress.losses = list(state["losses"])
    return progress


def save(job: Job, progress: Progress) -> None:
    """Write the checkpoint."""
    save_checkpoint(
        job.checkpoint,
        {
            "determining": json.dumps(job.determining),
            "network": progress.network.state_dict(),
            "optimizer": progress.optimizer.state_dict(),
            "average": progress.average,
            "iteration": progress.iteration,
            "seconds": progress.seconds,
            "losses": progress.losses,
        },
    )


def as_tensor(patches: Rgb, convention: InputConvention, device: str) -> Tensor:
    """``(B, H, W, 3)`` uint8 to ``(B, C, H, W)`` float32, channels last, as the convention wants it."""
    if convention.colour == "y":
        planes = torch.from_numpy(luma(patches)).to(device, torch.float32, non_blocking=True).unsqueeze(1)
    else:
        planes = torch.from_numpy(patches).to(device, non_blocking=True).permute(0, 3, 1, 2).float()
    return planes.mul_(convention.range / 255.0)


def step(job: Job, progress: Progress, model: nn.Module, low: Rgb, high: Rgb) -> Tensor:
    """One iteration; returns the loss (mean absolute error, in units of the whole range)."""
    recipe, convention = job.recipe, job.card.input
    for group in progress.optimizer.param_groups:
        group["lr"] = learning_rate(recipe, progress.iteration)
    progress.optimizer.zero_grad(set_to_none=True)
    autocast: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
    if recipe.precision == "bf16":
        autocast = torch.autocast(job.device, dtype=torch.bfloat16)
    with autocast:
        output = model(as_tensor(low, convention, job.device))
    target = as_tensor(high, convention, job.device)
    loss = (output.float() - target).abs().mean() / convention.range
    loss.backward()
    if recipe.clip:
        nn.utils.clip_grad_norm_(progress.network.parameters(), recipe.clip)
    progress.optimizer.step()
    progress.iteration += 1
    _average(progress, recipe.ema)
    return loss.detach()


def _average(progress: Progress, decay: float) -> None:
    # A short run must not remember its first weights: the decay grows with the iterations done.
    decay = min(decay, progress.iteration / (progress.iteration + 9))
    with torch.no_grad():
        weights = progress.network.state_dict()
        averages = [progress.average[key] for key in weights]
        torch._foreach_lerp_(averages, [value.float() for value in weights.values()], 1 - decay)


def validate(job: Job, progress: Progress) -> tuple[float, float]:
    """Mean PSNR and SSIM of the averaged weights on the validation set, under protocol ``sr-y``."""
    assert job.validation is not None
    network = build(job.card, job.scale)
    network.load_state_dict({key: value.float().cpu() for key, value in progress.average.items()})
    subject = Subject(job.card, job.scale, Weights("training"))
    with torch.inference_mode():
        scores = [
            compare(
                quantize(upscale(network, subject, pair.lr, pair.name)), pair.hr, job.scale, PROTOCOLS["sr-y"]
            )
            for pair in job.validation.pairs()
        ]
    psnr, ssim = (math.fsum(column) / len(scores) for column in zip(*scores, strict=True))
    return psnr, ssim


def train(job: Job, report: Report, *, log_every: int = 100) -> Path | None:
    """Train from the checkpoint, if there is one, to the end of the recipe; returns the weights' file.

    Returns None if the job stops before that. Ends with a checkpoint when interrupted. Raises `SuiteError`
    if the training diverges; the last good checkpoint then stays.
    """
    progress = begin(job)
    model: nn.Module | DistributedDataParallel = progress.network
    if job.processes > 1:
        model = nn.parallel.DistributedDataParallel(progress.network)
    lead = job.rank == 0
    if lead:
        cut_log(job.log, progress.iteration)
    first = progress.iteration
    share = slice(job.rank, None, job.processes)
    started = time.perf_counter() - progress.seconds
    try:
        with Loader(job.images, job.recipe, first, share) as loader:
            for _, low, high in loader:
                loss = step(job, progress, model, low, high)
                progress.seconds = time.perf_counter() - started
                _check(loss, job, progress)
                progress.losses.append(float(loss))
                if lead:
                    _after(job, progress, report, log_every, loader.waited_s)
                if progress.iteration == job.until and progress.iteration < job.recipe.iterations:
                    if lead:
                        save(job, progress)
                    return None
    except KeyboardInterrupt:
        if lead:
            save(job, progress)
        raise
    if lead:
        finish(job, progress)
    return job.result


def _check(loss: Tensor, job: Job, progress: Progress) -> None:
    # The loss is in units of the value range: above one, the output is farther off than black from white.
    if not float(loss) <= 1:
        raise SuiteError(
            f"training of {job.card.name} diverged at iteration {progress.iteration} (the loss is "
            f"{float(loss):.3g}): the last good state is in {job.checkpoint}; choose a lower rate."
        )


def _after(job: Job, progress: Progress, report: Report, log_every: int, waited_s: float) -> None:
    """Log, validate and save where it is due."""
    done, recipe = progress.iteration, job.recipe
    last = done == recipe.iterations
    line: dict[str, Any] = {}
    if done % log_every == 0 or last:
        line = {
            "iteration": done,
            "loss": round(math.fsum(progress.losses) / max(1, len(progress.losses)), 6),
            "rate": learning_rate(recipe, done - 1),
            "seconds": round(progress.seconds, 1),
            "waited_s": round(waited_s, 2),
        }
        progress.losses = []
    if job.validation is not None and (done % recipe.validate_every == 0 or last):
        paused = time.perf_counter()
        psnr, ssim = validate(job, progress)
        line |= {
            "iteration": done,
            "set": job.validation.name,
            "psnr": round(psnr, 4),
            "ssim": round(ssim, 5),
        }
        line["validation_s"] = round(time.perf_counter() - paused, 1)
    if line:
        write_line(job.log, line)
        report(line)
    if done % recipe.save_every == 0 or last:
        save(job, progress)


def cut_log(file: Path, iteration: int) -> None:
    """Drop lines of a log after an iteration, which will be done again, and a torn last line."""
    kept = [line for line in read_log(file) if line["iteration"] <= iteration]
    write_text(file, "".join(json.dumps(line) + "\n" for line in kept))


def write_line(file: Path, line: Mapping[str, Any]) -> None:
    """Add a line to a log. Raises `SuiteError` if the disk does not take it."""
    try:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
    except OSError as error:
        kept = "The checkpoint beside it is kept: call again when it can."
        raise SuiteError(f"cannot write {file}: {error.strerror}. {kept}") from None


def read_log(file: Path) -> Iterator[dict[str, Any]]:
    """The lines of a log that can be read; none if there is no file."""
    if not file.is_file():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        with contextlib.suppress(ValueError):
            entry = json.loads(line)
            if isinstance(entry, dict) and "iteration" in entry:
                yield entry


def finish(job: Job, progress: Progress) -> None:
    """Write the averaged weights with their card."""
    from suite.environment import describe

    log = list(read_log(job.log))
    figures: dict[str, Any] = next((line for line in reversed(log) if "psnr" in line), {})
    card = {
        "model": job.card.name,
        "scale": job.scale,
        "origin": "trained by this project",
        "schedule": job.recipe.schedule,
        "recipe": dataclasses.asdict(job.recipe),
        "iterations": progress.iteration,
        "data_sha256": job.images.digest,
        "data_images": len(job.images.pairs),
        "validation": {key: figures[key] for key in ("set", "psnr", "ssim") if key in figures},
        "final_loss": next((line["loss"] for line in reversed(log) if "loss" in line), None),
        "seconds": round(progress.seconds, 1),
        "processes": job.processes,
        "threads": torch.get_num_threads(),
        "environment": describe(job.device),
    }
    save_weights(job.result, progress.average, card)


def processes() -> tuple[int, int]:
    """Rank and number of the processes that ``torchrun`` started; ``(0, 1)`` without it."""
    return int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))


@contextlib.contextmanager
def process_group(device: str, recipe: Recipe) -> Iterator[tuple[int, int]]:
    """Join the other processes of ``torchrun``, if there are any; gives rank and number.

    Raises `UsageError` if the batch cannot be shared out evenly.
    """
    rank, number = processes()
    if recipe.batch % number:
        raise UsageError(f"batch is {recipe.batch}: {number} processes cannot share it evenly.")
    if number == 1:
        yield 0, 1
        return
    if device == "cuda":
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    torch.distributed.init_process_group("nccl" if device == "cuda" else "gloo")
    try:
        yield rank, number
    finally:
        torch.distributed.destroy_process_group()
