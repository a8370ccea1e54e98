"""Profiles and their explanation as plain JSON: what the tables show, with nothing rounded."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from suite.profiles import Ceilings, Explanation, Layer, Profile, Work


def to_json(profiles: Sequence[Profile], explanation: Explanation | None) -> str:
    """One document for profiles and, where two are compared, what makes the first slower than the second."""
    found = {
        "profiles": [profile_data(profile) for profile in profiles],
        "explanation": explanation_data(explanation) if explanation else None,
    }
    return json.dumps(found, indent=1, allow_nan=False) + "\n"


def profile_data(profile: Profile) -> dict[str, Any]:
    """One profile. Times in milliseconds, rates a second; parts add up to ``all``, that and ``rest_ms`` to
    ``forward_ms``."""
    record = profile.record
    forward, lower, upper = profile.forward
    return {
        "model": record.model,
        "scale": record.scale,
        "weights": record.weights,
        "input": record.input,
        "backend": record.backend,
        "device": record.device,
        "precision": record.precision,
        "threads": record.threads,
        "session": profile.session,
        "rounds": len(profile.samples_ms),
        "forward_ms": forward,
        "lower": lower,
        "upper": upper,
        "rest_ms": profile.rest_ms,
        "distorted": profile.distorted,
        "usage": dict(profile.usage),
        "ceilings": _ceilings(profile.ceilings),
        "all": _figures(profile, profile.all, profile.layers),
        "kinds": [
            {
                "kind": kind.name,
                "lower": kind.lower,
                "upper": kind.upper,
                **_figures(profile, kind.work, [one for one in profile.layers if one.kind == kind.name]),
            }
            for kind in profile.kinds
        ],
        "layers": [
            {
                "path": layer.path,
                "layer": layer.layer,
                "operator": layer.operator,
                "kind": layer.kind,
                **_figures(profile, layer.work, [layer]),
            }
            for layer in profile.layers
        ],
    }


def _ceilings(ceilings: Ceilings | None) -> dict[str, Any] | None:
    return {**asdict(ceilings), "ridge": ceilings.ridge} if ceilings else None


def _figures(profile: Profile, work: Work, layers: Sequence[Layer]) -> dict[str, Any]:
    return {
        **asdict(work),
        "share": work.time_ms / profile.forward[0],
        "intensity": work.intensity,
        "operations_per_second": work.rate,
        "bytes_per_second": work.throughput,
        "attained": profile.attained(layers),
        "bound": profile.ceilings.bound(work) if profile.ceilings else None,
    }


def explanation_data(explanation: Explanation) -> dict[str, Any]:
    """The difference of two forwards; ``parts`` and ``rest_ms`` add up to ``difference_ms``."""
    figure, lower, upper = explanation.difference
    return {
        "first": explanation.first.record.model,
        "second": explanation.second.record.model,
        "same_session": explanation.paired,
        "difference_ms": figure,
        "lower": lower,
        "upper": upper,
        "rest_ms": explanation.rest_ms,
        "parts": [
            {
                "kind": part.kind,
                "difference_ms": part.difference[0],
                "lower": part.difference[1],
                "upper": part.difference[2],
                "first": asdict(part.first),
                "second": asdict(part.second),
            }
            for part in explanation.parts
        ],
    }
