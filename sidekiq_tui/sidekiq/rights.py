"""What the Redis user may do to Sidekiq's keys and to ours, asked without doing any of it (operations-safety 3)."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Final

from sidekiq_tui.sidekiq.database import Command, Database, Reply
from sidekiq_tui.sidekiq.errors import ReplyError, SidekiqError
from sidekiq_tui.sidekiq.payload import to_text
from sidekiq_tui.sidekiq.replies import natural
from sidekiq_tui.sidekiq.scripts import script

RIGHTS: Final = script("rights")
NOBODY: Final = b"sqtui-nobody-"
"""How what is in no list or set begins."""


@dataclass(frozen=True, slots=True)
class Rights:
    """What was found out. `refused` holds pairs of a command and an area: a set's name, `queue`, `queues`, `own`."""

    user: str | None
    scripts: bool
    transactions: bool
    own_keys: bool
    refused: frozenset[tuple[str, str]]
    exact: bool
    """Every command was asked for; else only those that could be tried on what is not there."""
    ahead: float | None
    """Seconds that the server's clock is ahead of ours; None when it may not be asked."""


async def read_rights(db: Database, now: float) -> Rights:
    """Asks for everything in two or three trips, and changes nothing. `now`: Unix seconds.

    Raises ServerUnreachable and its kin.
    """
    user, clock, script_reply, multi, discard, *tried = await db.pipeline(
        [
            ("ACL", "WHOAMI"),
            ("TIME",),
            ("EVAL", RIGHTS, 0, *_words(_asked(db))),
            ("MULTI",),
            ("DISCARD",),
            *(command for _, command in _tries(db)),
        ]
    )
    scripts = not isinstance(script_reply, SidekiqError)
    exact = isinstance(script_reply, list)
    if isinstance(script_reply, list):
        numbers = {natural(one) for one in script_reply}
        refused = {name for number, (name, _) in enumerate(_asked(db), 1) if number in numbers}
    else:
        refused = {name for (name, _), reply in zip(_tries(db), tried, strict=True) if isinstance(reply, ReplyError)}
    return Rights(
        user=to_text(user) if isinstance(user, bytes) else None,
        scripts=scripts,
        transactions=not isinstance(multi, SidekiqError) and not isinstance(discard, SidekiqError),
        own_keys=not any(area == "own" for _, area in refused),
        refused=frozenset(refused),
        exact=exact,
        ahead=_ahead(clock, now),
    )


async def misused(db: Database) -> dict[bytes, str]:
    """Our two lists of keys, operations and trash, that hold something else, and what that is; one trip.

    What may not be asked is not among them. Raises ServerUnreachable and its kin.
    """
    lists = (db.keys.operations, db.keys.trash_index)
    kinds = await db.pipeline([(b"TYPE", key) for key in lists])
    told = {key: to_text(kind) for key, kind in zip(lists, kinds, strict=True) if isinstance(kind, bytes)}
    return {key: kind for key, kind in told.items() if kind not in ("none", "zset")}


def _asked(db: Database) -> list[tuple[tuple[str, str], Command]]:
    """The commands that operations send on each kind of key, as the server would be asked for them."""
    keys = db.keys
    own, queue = keys.own + b"probe", keys.queue("default")
    sets = [(name, keys.job_set(name)) for name in ("retry", "schedule", "dead")]
    commands: list[tuple[str, Command]] = []
    for name, key in sets:
        commands += [(name, ("ZADD", key, 0, NOBODY)), (name, ("ZREM", key, NOBODY))]
        commands.append((name, ("RENAME", key, own)))
    commands += [("queue", (name, queue, NOBODY)) for name in ("LPUSH", "RPUSH")]
    commands += [("queue", ("LREM", queue, 1, NOBODY)), ("queue", ("LSET", queue, 0, NOBODY))]
    commands += [("queue", ("RENAME", queue, own)), ("queues", ("SADD", keys.queues, NOBODY))]
    commands.append(("queues", ("SREM", keys.queues, NOBODY)))
    commands += [
        ("own", ("HSET", own, "f", "v")),
        ("own", ("ZADD", own, 0, NOBODY)),
        ("own", ("LPUSH", own, NOBODY)),
        ("own", ("RENAME", own, own)),
        ("own", ("EXPIRE", own, 1)),
        ("own", ("UNLINK", own)),
    ]
    return [((str(command[0]), area), command) for area, command in commands]


def _tries(db: Database) -> list[tuple[tuple[str, str], Command]]:
    """Commands that change nothing when the server runs them: they remove what is not there."""
    keys = db.keys
    nobody = NOBODY + secrets.token_hex(16).encode()
    sets = [(name, keys.job_set(name)) for name in ("retry", "schedule", "dead")]
    tries: list[tuple[str, Command]] = [(name, ("ZREM", key, nobody)) for name, key in sets]
    tries += [("queues", ("SREM", keys.queues, nobody)), ("own", ("ZREM", keys.own + b"probe", nobody))]
    return [((str(command[0]), area), command) for area, command in tries]


def _words(asked: list[tuple[tuple[str, str], Command]]) -> list[str | bytes | int | float]:
    return [word for _, command in asked for word in (len(command), *command)]


def _ahead(reply: Reply, now: float) -> float | None:
    if not isinstance(reply, list) or len(reply) != 2:
        return None
    seconds, micros = natural(reply[0]), natural(reply[1])
    return None if seconds is None or micros is None else seconds + micros / 1e6 - now
