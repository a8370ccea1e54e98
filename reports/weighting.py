"""What the page needs to rank a challenge's networks anew with other weights of its formula."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.challenge_notes import NAMES
from suite.ranking import TERMS, Challenge, Entry, Standing, below_floor


def weighting(
    challenge: Challenge,
    entries: Sequence[Entry],
    found: Sequence[Standing],
    baseline: Mapping[str, float] | None,
) -> dict[str, Any]:
    """Plain data of one year: its presets (one a track), and each network's term by term.

    A sum of ranks weighs ranks, a score the exponentials of figures over the baseline's. Terms that the
    challenge does not weigh, but that were measured, have the weight 0.
    """
    exponential = challenge.rule == "exponential"
    terms = [term for term in TERMS if not exponential or (baseline and term in baseline)]
    return {
        "id": challenge.id,
        "title": challenge.title,
        "exponential": exponential,
        "terms": [{"id": term, "label": NAMES.get(term, term)} for term in terms],
        "presets": [
            {
                "id": track.id,
                "title": track.title,
                "weights": [float(track.weights.get(term, 0)) for term in terms],
            }
            for track in challenge.tracks
        ],
        "baseline": [baseline[term] if exponential and baseline else 1.0 for term in terms],
        "entries": [
            {
                "reason": below_floor(challenge, entry),
                "values": [(entry.figures if exponential else standing.ranks).get(term) for term in terms],
            }
            for entry, standing in zip(entries, found, strict=True)
        ],
    }
