"""Reports: what a reader sees of the records.

Everything here is a pure function of records, so the same records give the same bytes. Read in this
order: ``view`` (what a leaderboard consists of), ``definitions`` (what each number is), ``columns``,
``ranks``, ``machines``, ``notes`` and ``leaderboard`` (records to a view), ``provenance`` (how the
numbers came about), then the ways to show them: ``terminal``, ``exporters``, ``html`` with ``plot`` and
``labels``.
"""
