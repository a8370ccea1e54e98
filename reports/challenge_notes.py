"""The remarks below a challenge table: the rules, what stands for what, who is left out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reports.competitors import PROTOCOL, Competitor
from reports.definitions import size_label
from reports.notes import join, unique
from suite.ranking import CHALLENGES, Challenge, Standing

NAMES = {"params": "parameters", "flops": "FLOPs"}
"""Terms in the words of the field."""


def formula(challenge: Challenge, track: str) -> str:
    """The rule of a track as arithmetic, such as ``rank(parameters) + rank(FLOPs)``."""
    weights = next(t.weights for t in challenge.tracks if t.id == track)
    terms = [(NAMES.get(term, term), weight) for term, weight in weights.items()]
    if challenge.rule == "rank sum":
        return " + ".join(f"rank({term})" for term, _ in terms)
    return " + ".join(f"{w:g} exp(2 {term} / {challenge.baseline.title}'s)" for term, w in terms)


def challenge_notes(
    competitors: Sequence[Competitor],
    results: Sequence[tuple[Challenge, list[Standing]]],
    unscored: Sequence[Challenge],
) -> Iterator[str]:
    """What a reader must know before taking these ranks for more than they are."""
    yield (
        f"Ranks, sums and scores compare the {len(competitors)} networks of this table with one another on "
        "this machine. They are not places in a challenge: its networks, images and GPU were others."
    )
    sizes = unique(size_label(r.input) for c in competitors if (r := c.record("cost")))
    yield (
        f"All figures but PSNR are at an input of {join(sizes)}. Parameters, FLOPs and activations are "
        "counted as the challenge counts them. Runtime stands for the challenge's mean time over its images "
        "on one GPU; runtimes within the noise of the session share a rank here, while the challenge ranks "
        "any difference. Memory is that of one forward pass beyond weights and input; the challenge takes "
        "the maximum over its images, weights included."
    )
    sums = [challenge for challenge, _ in results if challenge.rule == "rank sum"]
    tracks = [f"{t.title.partition(': ')[0].lower()} = {formula(sums[0], t.id)}" for t in sums[0].tracks]
    yield f"{join(c.title for c in sums)}: {'; '.join(tracks)}. Equal sums share a rank."
    for challenge, _ in results:
        if challenge.rule == "exponential":
            rule, name = formula(challenge, challenge.tracks[0].id), challenge.baseline.title
            yield f"{challenge.title}: score = {rule}, with the figures that {name} has in this table."
    if unscored:
        names = [f"{c.title} ({c.baseline.title}, model {c.baseline.model})" for c in unscored]
        yield (
            f"No score by the rules of {join(names)}: a score divides by the figures of that year's baseline "
            "on the same machine, which was not timed beside these."
        )
    yield _floor_note(competitors, results)


def _floor_note(
    competitors: Sequence[Competitor], results: Sequence[tuple[Challenge, list[Standing]]]
) -> str:
    measured = {name for competitor in competitors for name in competitor.psnr()}
    years: dict[str, list[int]] = {}
    for challenge in CHALLENGES.values():
        for floor in challenge.floors:
            text = f"{floor.stated:.2f} dB on {floor.dataset}"
            years.setdefault(text, []).append(challenge.year)
    floors = [
        f"{text} ({first if first == last else f'{first} to {last}'})"
        for text, found in years.items()
        for first, last in [(min(found), max(found))]
    ]
    stated = f"The challenges do not rank networks below a PSNR: {join(floors)}."
    if not measured:
        return (
            f"{stated} None of these sets was measured here by protocol {PROTOCOL}, so no floor is applied."
        )
    out = [
        f"{standing.name} in {challenge.title} ({place.reason})"
        for challenge, found in results
        for standing in found
        if "dB" in (place := standing.places["main"]).reason
    ]
    left = " No network is below."
    if out:
        first = results[0][0].title
        left = f" Not ranked: {join(out)}; the ranks beside the figures are those of {first} without them."
    return f"{stated} Measured here: {join(sorted(measured))}.{left}"
