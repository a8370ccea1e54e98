"""How long property tests look for an example that breaks something."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_SLOW = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


def few(examples: int) -> settings:
    """Settings of a test that tries so many examples, the same ones each time.

    With ``SUITE_FUZZ=N`` in the environment it tries N times as many, drawn anew, which finds more and can
    take hours.
    """
    times = int(os.environ.get("SUITE_FUZZ", "0"))
    return settings(
        max_examples=examples * max(times, 1),
        derandomize=times == 0,
        database=None,
        deadline=None,
        suppress_health_check=_SLOW,
    )
