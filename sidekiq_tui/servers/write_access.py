"""Connections that write: each for one grant, and each with its own short list of what it lets through.

Nearly all that changes a server is a script of ours, known by its text. The few plain commands are for servers without
scripts, and those that drop or rename a whole key touch only keys of our own, unless the grant is for full access.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import hiredis
from redis.asyncio import Redis
from redis.typing import EncodableT

from sidekiq_tui.servers.connection import Credentials, TcpConnection, UnixConnection, pool_of
from sidekiq_tui.servers.mark import ServerMark
from sidekiq_tui.servers.profile import Access, Profile
from sidekiq_tui.servers.read_only import ALLOWED, command_name, runs_known_script
from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.errors import CommandRefused
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.rights import NOBODY, RIGHTS
from sidekiq_tui.sidekiq.scripts import SCRIPTS, script

GRANT_LIFE: Final = 15 * 60.0
"""Seconds for which a grant opens connections and these let writes through."""

_LONG: Final = 16
"""Arguments of a command from which it matters how fast they are packed; such are batches, whose name is bytes."""
_PLAIN: Final = frozenset(
    (
        b"DISCARD", b"EXEC", b"LPUSH", b"MULTI", b"ROLE", b"SADD", b"TIME", b"UNWATCH", b"WAIT", b"WAITAOF", b"ZADD",
        b"ZREM",
    )
)  # fmt: skip
"""Adds, and removes what is named by its bytes, on any key."""
_FIRST_OWN: Final = frozenset(
    (
        b"EXPIRE", b"HDEL", b"HSET", b"HSETNX", b"LMOVE", b"PERSIST", b"RENAMENX", b"RPUSH", b"SET", b"SREM",
        b"ZINTERSTORE", b"ZUNIONSTORE",
    )
)  # fmt: skip
"""Only where the first key, the one that is changed or taken from, is ours."""
_ALL_OWN: Final = frozenset((b"DEL", b"RENAME", b"UNLINK", b"WATCH"))
"""Only where all keys are ours."""
_FULL: Final = frozenset(
    (
        b"DEL", b"EXPIRE", b"HSETNX", b"LTRIM", b"MSET", b"RENAMENX", b"SREM", b"UNLINK", b"ZREMRANGEBYRANK",
    )
)  # fmt: skip
"""What full access adds, on any key. Never RENAME, which destroys what bears the new name."""
_ASKS: Final = frozenset((b"ACL WHOAMI", b"DISCARD", b"MULTI", b"TIME"))
_BY_HASH: Final = {hashlib.sha1(text, usedforsecurity=False).hexdigest().encode(): text for text in SCRIPTS}
_FULL_SCRIPTS: Final = frozenset(map(script, ("clear", "clear_when_full", "remove_end")))
"""Those that empty a whole queue or set."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Leave to carry out one plan on one server. Only `operations.guard` gives it. `expires`: Unix seconds."""

    server: str
    mark: ServerMark
    operation: str
    plan: str
    """The plan's fingerprint."""
    level: Access
    expires: float


class Permit:
    """What the connections of one grant let through; all other commands are refused before the wire."""

    def __init__(self, grant: Grant, keys: Keys, clock: Callable[[], float]) -> None:
        self.grant = grant
        self._own = keys.own
        self._clock = clock

    def check(self, args: tuple[EncodableT, ...]) -> None:
        """Raises `CommandRefused` unless the command reads, or is one of those that this grant is for."""
        name = command_name(args)
        if name in ALLOWED or runs_known_script(args):
            return
        if not self._may_write(name, args):
            shown = name.decode("ascii", "backslashreplace")[:40] or "an unnamed command"
            raise CommandRefused(f"{shown} is no part of {self.grant.operation}: nothing was sent")
        if self._clock() >= self.grant.expires:
            raise CommandRefused("the leave to change this server is too old: nothing was sent", hint="plan it again")

    def _may_write(self, name: bytes, args: tuple[EncodableT, ...]) -> bool:
        if self.grant.level == "read-only":
            return False
        if name in (b"EVAL", b"EVALSHA"):
            return self._may_run(args[1] if len(args) > 1 else None)
        if name in _PLAIN or (name in _FULL and self.grant.level == "full"):
            return True
        keys = args[1:] if name in _ALL_OWN else args[1:2] if name in _FIRST_OWN else ()
        return bool(keys) and all(isinstance(key, bytes) and key.startswith(self._own) for key in keys)

    def _may_run(self, named: EncodableT | None) -> bool:
        """`named`: a script's text, or the hash that stands for it."""
        text = _BY_HASH.get(named, named) if isinstance(named, bytes) else None
        return text in SCRIPTS and (self.grant.level == "full" or text not in _FULL_SCRIPTS)


class AskingPermit:
    """What finding out a user's rights takes: reads, and what changes nothing whoever runs it (`sidekiq.rights`)."""

    def check(self, args: tuple[EncodableT, ...]) -> None:
        """Raises `CommandRefused` for anything else."""
        name = command_name(args)
        asks = name in ALLOWED or name in _ASKS or (name == b"EVAL" and len(args) > 1 and args[1] == RIGHTS)
        removes_nothing = name in (b"ZREM", b"SREM") and len(args) == 3 and _is_nobody(args[2])
        if not asks and not removes_nothing:
            raise CommandRefused("asking for rights changes nothing: nothing was sent")


def _is_nobody(member: EncodableT) -> bool:
    return isinstance(member, bytes) and member.startswith(NOBODY)


class WriteCommands:
    """Mixed in before a redis-py connection class: both ways to turn commands into bytes pass the permit."""

    permit: Permit | AskingPermit

    def pack_command(self, *args: EncodableT) -> list[bytes]:
        """Packs one command, or raises `CommandRefused`."""
        self.permit.check(args)
        if len(args) > _LONG:
            try:
                return [hiredis.pack_command(args)]  # type: ignore[arg-type]  # redis-py packs in Python, four times slower
            except TypeError:  # what only redis-py can pack
                pass
        return super().pack_command(*args)  # type: ignore[misc,no-any-return]  # the connection class comes after

    def pack_commands(self, commands: Iterable[Iterable[EncodableT]]) -> list[bytes]:
        """Packs a pipeline; one command that is not let through refuses it whole."""
        listed = [tuple(command) for command in commands]
        for command in listed:
            self.permit.check(command)
        return super().pack_commands(listed)  # type: ignore[misc,no-any-return]


class WriteConnection(WriteCommands, TcpConnection):
    """TCP or TLS, for one grant."""

    def __init__(self, *, permit: Permit | AskingPermit, **options: Any) -> None:
        self.permit = permit
        super().__init__(**options)


class WriteUnixConnection(WriteCommands, UnixConnection):
    """Unix socket, for one grant."""

    def __init__(self, *, permit: Permit | AskingPermit, **options: Any) -> None:
        self.permit = permit
        super().__init__(**options)


def open_for_writing(
    profile: Profile,
    credentials: Credentials,
    grant: Grant,
    *,
    clock: Callable[[], float] = time.time,
    timeout: float | None = None,
) -> Database:
    """The data layer on one connection that writes; connects at the first command. `credentials` must be prepared.

    All commands go over this one connection, in their order. After trouble the next command opens a new one. Close it
    after use. Raises `CommandRefused` for a grant that is not for this profile or too old, `ConfigError`.
    """
    if grant.server != profile.name or profile.access == "read-only" or clock() >= grant.expires:
        raise CommandRefused(f"there is no leave to change {profile.name}", hint="plan it again")
    permit = Permit(grant, profile.keys, clock)
    pool = pool_of(profile, credentials, timeout, WriteConnection, WriteUnixConnection, connections=1, permit=permit)
    return Database(Redis.from_pool(pool), profile.namespace, profile.scratch_prefix)


def open_for_asking(profile: Profile, credentials: Credentials, timeout: float | None = None) -> Database:
    """The data layer on a connection for `read_rights`. `credentials` must be prepared. Close it after use.

    Raises `CommandRefused` for a profile that is read-only: there even this is not sent. `ConfigError`.
    """
    if profile.access == "read-only":
        raise CommandRefused(f"{profile.name} is read-only here")
    asking = AskingPermit()
    pool = pool_of(profile, credentials, timeout, WriteConnection, WriteUnixConnection, connections=1, permit=asking)
    return Database(Redis.from_pool(pool), profile.namespace, profile.scratch_prefix)
