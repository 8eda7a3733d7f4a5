"""How far an iterable job has come (protocol 10, job/iterable.rb)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.replies import fields, json_value, moment, natural, real, text

STATE_SECONDS: Final = 30 * 86_400
"""How long Sidekiq keeps a state."""
_SLICE: Final = 200
_NUMBER: Final = re.compile(r"[0-9]{1,9}", re.ASCII)


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


async def cancel_iteration(db: Database, jid: str, now: float) -> float:
    """Asks an iterable job to stop; when that was first asked, in Unix seconds. It stops at its next look.

    Unlike Ruby's `cancel!` it seeds the state of a job that has not run yet: with `cancelled` alone such a job fails
    with a TypeError at its start and is retried until it is dead (protocol 10). What is there is never overwritten, nor
    is a time to live renewed. Raises SidekiqError.
    """
    key = db.keys.iteration(jid)
    ttl = natural(await db.command("TTL", key))
    seeds = [("HSETNX", key, field, value) for field, value in (("c", "null"), ("ex", 0), ("rt", 0))]
    commands: list[Command] = [("MULTI",), *seeds, ("HSETNX", key, "cancelled", int(now))]
    if ttl is None:
        commands.append(("EXPIRE", key, STATE_SECONDS))
    replies = await db.read([*commands, ("HGET", key, "cancelled"), ("EXEC",)])
    done = replies[-1]
    answers: list[object] = list(done) if isinstance(done, list) else []
    for answer in answers:
        if isinstance(answer, Exception):
            raise ReplyError(f"the cancellation was refused: {answer}")
    return (moment(answers[-1]) if answers else None) or now


def keeps_iterations(versions: Iterable[str]) -> bool:
    """Whether any of these versions of Sidekiq has iterable jobs: 7.3 and newer."""
    return any([int(part) for part in _NUMBER.findall(version)[:2]] >= [7, 3] for version in versions)


def iteration_commands(keys: Keys, jids: Sequence[str]) -> list[Command]:
    """What reads the states of some jobs, for `parse_iterations`."""
    return [("HGETALL", keys.iteration(jid)) for jid in jids]


def parse_iterations(jids: Sequence[str], replies: Sequence[object]) -> Mapping[str, IterationState]:
    """The states of those of these jobs that have one that can be read."""
    states = ((jid, parse_state(reply)) for jid, reply in zip(jids, replies, strict=True))
    return {jid: state for jid, state in states if state is not None}


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
