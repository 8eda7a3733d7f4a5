"""Fields of payloads as a person types them: JSON, told where it is wrong."""

from __future__ import annotations

import json
from typing import Final

from sidekiq_tui.errors import UsageError
from sidekiq_tui.sidekiq.job import JobRecord

LONGEST: Final = 1 << 20
"""Characters of JSON that are worth editing in a line."""


def parse_args(text: str) -> list[object]:
    """Arguments as a JSON list. Raises `UsageError`."""
    found = parse_json(text, "arguments")
    if not isinstance(found, list):
        raise UsageError("arguments are a JSON list", hint='[42, {"currency": "PLN"}]')
    return found


def parse_options(text: str) -> dict[str, object]:
    """Options as a JSON object; nothing is none. Raises `UsageError`."""
    found = parse_json(text, "options") if text.strip() else {}
    if not isinstance(found, dict):
        raise UsageError("options are a JSON object", hint='{"retry": 5, "tags": ["eu"]}')
    return found


def parse_json(text: str, what: str) -> object:
    """JSON as Ruby reads it: no NaN, no Infinity. Raises `UsageError`."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except json.JSONDecodeError as error:
        raise UsageError(f"{what}: {error.msg.lower()} at character {error.colno}") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{what}: {error}") from None


def _refuse(word: str) -> float:
    raise ValueError(f"{word} is no JSON")


def edited_args(job: JobRecord) -> str | None:
    """The arguments that can be edited, as JSON on one line; None where there are none to edit.

    Of ActiveJob the inner ones, as they were serialised.
    """
    args: object = job.item.get("args")
    if job.is_active_job and isinstance(args, list) and args and isinstance(args[0], dict):
        args = args[0].get("arguments")
    if not isinstance(args, list):
        return None
    text = json.dumps(args, ensure_ascii=False, separators=(", ", ": "))
    return text if len(text) <= LONGEST and text.isprintable() else json.dumps(args)


def whole(text: str, what: str, most: int) -> int:
    """A whole number from 1. Raises `UsageError`."""
    typed = text.strip().replace(",", "")
    if not (typed.isascii() and typed.isdigit()) or not 1 <= int(typed) <= most:
        raise UsageError(f"{what} is a number from 1 to {most:,}")
    return int(typed)
