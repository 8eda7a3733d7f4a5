"""How far an iterable job has come (protocol 10, job/iterable.rb)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.replies import fields, json_value, moment, natural, real, text

_SLICE: Final = 200


@dataclass(frozen=True, slots=True)
class IterationState:
    """The state that an iterable job last wrote; a field it has not written is None."""

    executions: int | None
    runtime: float | None
    """Seconds, of finished runs only."""
    cursor: object
    """The decoded cursor: any JSON value, None also when it is not JSON."""
    cursor_text: str | None
    """The cursor as written."""
    cancelled: float | None
    """Unix seconds at which somebody asked it to stop."""


async def read_iterations(db: Database, jids: Sequence[str]) -> Mapping[str, IterationState]:
    """The states of those of these jobs that have one; one trip per 200 jobs.

    Raises SidekiqError when no key may be read; a state of a wrong type is left out.
    """
    found: dict[str, IterationState] = {}
    errors: list[SidekiqError] = []
    wanted = list(dict.fromkeys(jids))
    for start in range(0, len(wanted), _SLICE):
        some = wanted[start : start + _SLICE]
        for jid, reply in zip(some, await db.pipeline([("HGETALL", db.keys.iteration(j)) for j in some]), strict=True):
            if isinstance(reply, SidekiqError):
                errors.append(reply)
            elif said := fields(reply):
                found[jid] = _state(said)
    if errors and len(errors) == len(wanted):
        raise errors[0]
    return found


def parse_state(reply: object) -> IterationState | None:
    """The state from HGETALL's reply; None when there is none."""
    said = fields(reply)
    return _state(said) if said else None


def _state(said: Mapping[str, bytes]) -> IterationState:
    cursor = said.get("c")
    return IterationState(
        executions=natural(said.get("ex")),
        runtime=real(said.get("rt")),
        cursor=json_value(cursor),
        cursor_text=text(cursor),
        cancelled=moment(said.get("cancelled")),
    )
