"""The allow-list: which commands a reading connection lets through. All others are refused before the wire."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from redis.typing import EncodableT

from sidekiq_tui.sidekiq.errors import CommandRefused
from sidekiq_tui.sidekiq.find_script import SCRIPTS

CONTAINERS: Final = frozenset(
    (
        b"ACL", b"CLIENT", b"CLUSTER", b"COMMAND", b"CONFIG", b"DEBUG", b"FUNCTION", b"LATENCY", b"MEMORY", b"MODULE",
        b"OBJECT", b"PUBSUB", b"SCRIPT", b"SENTINEL", b"SLOWLOG", b"XGROUP", b"XINFO",
    )
)  # fmt: skip
"""Commands whose second word decides what they do."""

CONNECTION: Final = frozenset((b"AUTH", b"HELLO", b"SELECT", b"PING", b"ECHO", b"QUIT", b"CLIENT SETINFO"))
"""What setting up and checking a connection takes; changes nothing but the connection itself."""

READS: Final = frozenset(
    (
        b"BITFIELD_RO", b"DBSIZE", b"EXISTS", b"GET", b"GETRANGE", b"HEXISTS", b"HGET", b"HGETALL",
        b"HKEYS", b"HLEN", b"HMGET", b"HSCAN", b"HSTRLEN", b"HVALS", b"INFO", b"LINDEX", b"LLEN", b"LPOS", b"LRANGE",
        b"MEMORY USAGE", b"MGET", b"PTTL", b"SCAN", b"SCARD", b"SISMEMBER", b"SMEMBERS", b"SMISMEMBER", b"SSCAN",
        b"STRLEN", b"TTL", b"TYPE", b"ZCARD", b"ZCOUNT", b"ZMSCORE", b"ZRANGE", b"ZRANGEBYSCORE", b"ZRANK",
        b"ZREVRANGE", b"ZREVRANGEBYSCORE", b"ZREVRANK", b"ZSCAN", b"ZSCORE",
    )
)  # fmt: skip
"""Reads only. Some that sound like reads are missing because they can write (SORT, GETEX, GETDEL, BITFIELD, SPOP),
run scripts (FCALL_RO; of EVAL_RO see `runs_known_script`), block or stop the server (WAIT, MONITOR, SUBSCRIBE, DEBUG),
or hold it (MULTI)."""

ALLOWED: Final = CONNECTION | READS


def command_name(args: tuple[EncodableT, ...]) -> bytes:
    """The upper-case name Redis would see, two words for containers.

    redis-py splits the first argument at blanks ("CONFIG GET"), so this does too.
    """
    if not args:
        return b""
    first = args[0]
    if isinstance(first, str):
        first = first.encode("utf-8", "surrogateescape")
    if not isinstance(first, bytes):
        return b""
    words = first.upper().split()
    if not words:
        return b""
    if words[0] not in CONTAINERS:
        return words[0]
    if len(words) == 1 and len(args) > 1:
        second = args[1]
        if isinstance(second, str):
            second = second.encode("utf-8", "surrogateescape")
        if isinstance(second, bytes):
            words.append(second.upper())
    return b" ".join(words[:2])


def runs_known_script(args: tuple[EncodableT, ...]) -> bool:
    """Whether the command is EVAL_RO, under which a script cannot write, of a text that is sqtui's own."""
    return len(args) > 1 and args[0] in ("EVAL_RO", b"EVAL_RO") and isinstance(args[1], bytes) and args[1] in SCRIPTS


def check(args: tuple[EncodableT, ...], *, scripts: bool = False) -> None:
    """Raises `CommandRefused` unless the command is on the list, or, with `scripts`, runs one of sqtui's own."""
    name = command_name(args)
    if name not in ALLOWED and not (scripts and runs_known_script(args)):
        shown = name.decode("ascii", "backslashreplace")[:40] or "an unnamed command"
        raise CommandRefused(
            f"{shown} is not on the list of reads: nothing was sent",
            hint="a reading connection never changes a server",
        )


class ReadOnlyCommands:
    """Mixed in before a redis-py connection class: both ways to turn commands into bytes pass `check`."""

    scripts = False
    """Whether sqtui's own reading scripts may run."""

    def pack_command(self, *args: EncodableT) -> list[bytes]:
        """Packs one command, or raises `CommandRefused`."""
        check(args, scripts=self.scripts)
        return super().pack_command(*args)  # type: ignore[misc,no-any-return]  # the connection class comes after

    def pack_commands(self, commands: Iterable[Iterable[EncodableT]]) -> list[bytes]:
        """Packs a pipeline; one command off the list refuses it whole."""
        listed = [tuple(command) for command in commands]
        for command in listed:
            check(command, scripts=self.scripts)
        return super().pack_commands(listed)  # type: ignore[misc,no-any-return]
