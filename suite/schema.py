"""The format of a run's files as JSON Schema 2020-12, by which records are checked when they are read.

``python -m suite.schema DIR`` writes them; ``docs`` holds ``record.schema.json`` and ``run.schema.json``.
What is said of details binds the parts that reports and comparisons read; a measure may add others.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from suite import SCHEMA
from suite.validation import compile_schema

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
LARGEST = 1.7e308
"""Larger numbers do not fit the floating-point numbers that figures are kept in."""
DEEPEST = 40
"""How deep the free parts of a record may be nested; JSON Schema has no word for it."""


def _text(description: str = "") -> Schema:
    return {"type": "string", "description": description} if description else {"type": "string"}


def _whole(description: str, least: int = 0, most: int = 2**31 - 1) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most, "description": description}


def _list(items: Schema, description: str = "") -> Schema:
    return {"type": "array", "items": items} | ({"description": description} if description else {})


def _table(description: str, properties: Schema, required: tuple[str, ...] = (), more: Any = True) -> Schema:
    schema: Schema = {"type": "object", "description": description, "properties": properties}
    if required:
        schema["required"] = list(required)
    return schema if more is True else schema | {"additionalProperties": more}


_NUMBER: Schema = {"type": "number", "minimum": -LARGEST, "maximum": LARGEST}
_FIGURE: Schema = {
    "description": "A number that fits 64 bits of floating point; those that JSON lacks as texts.",
    "anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", "nan"]}],
}
_BOUND: Schema = {"anyOf": [{"$ref": "#/$defs/figure"}, {"type": "null"}]}
_TIME: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": 1e15}
_TIMES = _list({"$ref": "#/$defs/time"})
_COUNT: Schema = {"type": "integer", "minimum": -LARGEST, "maximum": LARGEST}
_OPTIONAL: Schema = {"anyOf": [{"$ref": "#/$defs/number"}, {"type": "null"}]}

VALUE = _table(
    "One figure.",
    {
        "metric": _text("Name of the figure, such as psnr."),
        "value": {"$ref": "#/$defs/figure"},
        "unit": _text("dB, ms, bytes; empty for counts and SSIM."),
        "lower": _BOUND | {"description": "Lower end of the 95 % interval, where there is one."},
        "upper": _BOUND | {"description": "Upper end of the 95 % interval, where there is one."},
        "image": _text("The image that it belongs to; empty for a mean or a figure of no image."),
    },
    required=("metric", "value", "unit", "image"),
    more=False,
)

_AUDIT = _table(
    "What lies between the suite's count and another tool's, which is named by its metric.",
    {},
    more=_table(
        "The difference in multiply-accumulates, the terms that explain it, and what is left.",
        {
            "difference": _COUNT,
            "terms": _list(_table("", {"what": _text(), "macs": _COUNT}, required=("what", "macs"))),
            "unexplained": _COUNT,
        },
        required=("difference", "terms", "unexplained"),
    ),
)

_AGREEMENT: Schema = {
    "difference": _NUMBER | {"description": "The largest, as a share of the value range."},
    "psnr_change": _NUMBER | {"description": "Against the original, in dB, under sr-y."},
    "images": _list(_text(), "What was compared."),
}

DETAILS = _table(
    "Raw samples, digests and whatever else the measure found.",
    {
        "weights": _table(
            "The weights file: its name, its SHA-256, how it was trained where that is known.",
            {
                "file": _text(),
                "sha256": _text(),
                "schedule": _text("short or paper."),
                "seed": {"type": ["integer", "null"]},
                "iterations": {"type": ["integer", "null"]},
                "recipe": _text("Digest of all that determines the training but network and seed."),
            },
        ),
        "effort": _text("quick, standard or rigorous; empty where it does not matter."),
        "dataset": _table(
            "The images: digest of their pixels, their number, where they were found.",
            {
                "digest": _text(),
                "images": _whole("Number of images."),
                "lr": _text("stored or made."),
                "hr_folder": _text(),
                "lr_folder": _text(),
                "known": {"type": ["boolean", "null"], "description": "Whether it is the known copy."},
                "note": _text(),
            },
        ),
        "backend": _table(
            "How a backend other than eager was found to give what eager gives.",
            {
                "versions": _table("Of the packages that it needs.", {}, more=_text()),
                "agreement": _table("What was found.", _AGREEMENT, required=("difference", "psnr_change")),
                "deployment": _table(
                    "How the form of the network was found.",
                    {"rewrites": _list(_text(), "Those that were applied, in their order.")},
                ),
            },
        ),
        "stand_in": _table(
            "What judged the images in place of eager, and how it was found to give the same.",
            {"backend": _text(), **_AGREEMENT},
            required=("backend", "difference", "psnr_change"),
        ),
        "threads_used": _whole("Threads of a worker, where figures do not depend on them."),
        "blocks": _table(
            "Large images that went through the network in blocks: how many, the side of a block and what "
            "was shown around it, in pixels of the input.",
            {"images": _whole(""), "side": _whole(""), "halo": _whole("")},
        ),
        "operators_without_macs": _table("Elements by operator.", {}, more=_COUNT),
        "not_counted": _table("Why a tool has no figure, by metric.", {}, more=_text()),
        "audit": _AUDIT,
        "session": _text("Networks with the same were timed in turn."),
        "timed_with": _list(_text(), "Networks of the session, the first asked for in front."),
        "busy_before": _OPTIONAL | {"description": "Share of the processors' time that others used, 0..1."},
        "load_before": {"anyOf": [_OPTIONAL, _list(_NUMBER)], "description": "Load averages before."},
        "samples_ms": _TIMES | {"description": "Times by round."},
        "warm_up_ms": _TIMES,
        "twin_ms": _TIMES | {"description": "Times of the same network in a second process."},
        "cold_start_ms": _TIME,
        "operators_ms": _TIMES | {"description": "Profile: times of all operators together, by round."},
        "usage": _table("Profile: what one pass took of the system: faults, milliseconds.", {}, more=_NUMBER),
        "kinds": _list({"type": "object"}, "Profile: calls, cost and time of each kind of operator."),
        "layers": _table(
            "Profile: calls, cost and time of each operator of each layer.",
            {"columns": _list(_text()), "rows": _list({"type": "array"})},
        ),
        "ceilings": _list({"type": "object"}, "Profile: the best of the machine, by number of threads."),
        "images_ms": _table("Time of each image.", {}, more=_TIME),
        "noise": {
            "description": "Noise of the session; null where it was not measured.",
            "anyOf": [_table("", {"floor": _NUMBER | {"minimum": 0}}), {"type": "null"}],
        },
    },
)

CARD = _table(
    "What is declared about the network.",
    {
        "title": _text(),
        "family": _text(),
        "year": _whole("0 if unknown."),
        "build": _text("package.module:attribute"),
        "arguments": {"type": "object"},
        "convention": {"type": "object"},
        "citation": _text(),
    },
)

ENVIRONMENT = _table(
    "Machine and software. Records with the same id may be compared in time and memory.",
    {
        "id": _text("Digest of all that can move a runtime."),
        "cpu": _text(),
        "cores": _whole("Processors that the process might use."),
        "memory_gib": _OPTIONAL,
        "governor": _text(),
        "accelerator": _text(),
        "system": _text(),
        "python": _text(),
        "packages": _table("Versions.", {}, more=_text()),
        "settings": _table("Variables of the environment that can move a runtime.", {}, more=_text()),
        "code": _text("Version of the suite."),
        "affinity": _list(_whole("Number of a processor.")),
        "load_average": _list(_NUMBER),
    },
)

RECORD: Schema = {
    "$schema": DIALECT,
    "$id": "record.schema.json",
    "title": "A line of records.jsonl: what came of one task, and everything that is needed to repeat it",
    **_table(
        f"Of several lines with one key the last counts. Nesting in the free parts ends at {DEEPEST} "
        "levels. Readers pass over fields that they do not know; writers add none.",
        {
            "key": _text("Digest of what determines the values."),
            "measure": _text("quality, cost, memory, runtime, ..."),
            "model": _text("Name of the network."),
            "scale": _whole("How many times larger the output is each way.", least=1, most=10_000),
            "weights": _text("Their origin: official, shipped, none, no parameters, or a path."),
            "backend": _text(),
            "device": _text(),
            "precision": _text(),
            "threads": _whole("Threads of a forward pass."),
            "dataset": _text("Empty where there is none."),
            "protocol": _text("How images were compared; empty where none were."),
            "input": {
                "type": "string",
                "pattern": "^([0-9]{1,9}x[0-9]{1,9}x[0-9]{1,9})?$(?!\\n)",
                "description": "Size of the low-resolution input as CxHxW; empty where images differ.",
            },
            "values": _list(VALUE, "Empty where nothing was measured."),
            "not_measured": _text("Why there are no values; empty if there are."),
            "details": DETAILS,
            "card": CARD,
            "environment": ENVIRONMENT,
            "determining": {
                "type": "object",
                "description": "What key is the digest of: the first 16 hexadecimal digits of the SHA-256 of "
                "it as JSON with sorted keys and without blanks; empty where nothing was measured.",
            },
            "finished": _text("UTC time at which the task ended, ISO 8601."),
            "schema": _whole("Version of this format.", least=1, most=SCHEMA),
        },
        required=(
            *("key", "measure", "model", "scale", "weights", "backend", "device", "precision", "threads"),
            *("values", "schema"),
        ),
        more=False,
    ),
    "$defs": {"figure": _FIGURE, "number": _NUMBER, "time": _TIME},
}

RUN: Schema = {
    "$schema": DIALECT,
    "$id": "run.schema.json",
    "title": "run.json: how the records of a run came about",
    **_table(
        "Beside records.jsonl.",
        {
            "schema": _whole("Version of this format.", least=1, most=1),
            "commands": _list(_text(), "Command lines that made the records, the latest last."),
        },
        required=("schema", "commands"),
        more=False,
    ),
}

_NESTS = (dict, list)

problem_of_record = compile_schema(RECORD)
problem_of_environment = compile_schema(ENVIRONMENT, RECORD)
problem_of_run = compile_schema(RUN)


def is_unknown(data: Any) -> bool:
    """Whether JSON is a record of a format that is not known here, such as a later version's."""
    version = data.get("schema") if isinstance(data, dict) else None
    return isinstance(version, int) and not isinstance(version, bool) and not 1 <= version <= SCHEMA


def is_too_deep(value: Any, left: int = DEEPEST) -> bool:
    """Whether a JSON value is nested deeper than ``left`` levels."""
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inside is None:
        return False
    return left == 0 or any(is_too_deep(item, left - 1) for item in inside if isinstance(item, _NESTS))


def main() -> None:
    """Write the schemas into a folder."""
    for schema in (RECORD, RUN):
        text = json.dumps(schema, indent=1) + "\n"
        (Path(sys.argv[1]) / schema["$id"]).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
