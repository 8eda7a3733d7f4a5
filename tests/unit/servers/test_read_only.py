"""The allow-list: every way to write is refused, whatever its spelling."""

from __future__ import annotations

from typing import Any

import pytest
from redis.typing import EncodableT

from sidekiq_tui.servers.read_only import ALLOWED, READS, ReadOnlyCommands, check, command_name
from sidekiq_tui.sidekiq.errors import CommandRefused
from sidekiq_tui.sidekiq.find_script import SCRIPTS

WRITES: list[tuple[EncodableT, ...]] = [
    ("SET", "k", "v"),
    ("set", "k", "v"),
    (b"SeT", b"k", b"v"),
    (b"SET k v",),
    ("SET k v",),
    (" set ", "k", "v"),
    ("SET\tk", "v"),
    ("MULTI",),
    ("EXEC",),
    ("WATCH", "k"),
    ("EVAL", "return redis.call('set','k','v')", 0),
    ("EVALSHA", "0" * 40, 0),
    ("EVAL_RO", "return 1", 0),
    ("FCALL", "f", 0),
    ("FCALL_RO", "f", 0),
    ("SCRIPT", "LOAD", "return 1"),
    ("SCRIPT LOAD", "return 1"),
    ("FUNCTION", "LOAD", "x"),
    ("SORT", "k", "STORE", "d"),
    ("SORT_RO", "k"),
    ("GETEX", "k", "EX", 1),
    ("GETDEL", "k"),
    ("GETSET", "k", "v"),
    ("BITFIELD", "k", "SET", "u8", 0, 1),
    ("GEORADIUS", "k", 0, 0, 1, "m", "STORE", "d"),
    ("SPOP", "k"),
    ("LPOP", "k"),
    ("BLPOP", "k", 0),
    ("RPOPLPUSH", "a", "b"),
    ("LMOVE", "a", "b", "LEFT", "RIGHT"),
    ("ZPOPMIN", "k"),
    ("ZRANGESTORE", "d", "k", 0, 1),
    ("PFCOUNT", "k"),
    ("DEL", "k"),
    ("UNLINK", "k"),
    ("EXPIRE", "k", 1),
    ("FLUSHALL",),
    ("FLUSHDB",),
    ("CONFIG", "SET", "save", ""),
    ("CONFIG SET", "save", ""),
    ("CONFIG", "GET", "*"),
    ("CLIENT", "KILL", "1.1.1.1:1"),
    ("client", "pause", 1000),
    ("CLIENT", "SETNAME", "x"),
    ("CLIENT",),
    ("ACL", "WHOAMI"),
    ("ACL", "SETUSER", "x"),
    ("ACL", b"deluser", "x"),
    ("MEMORY", "PURGE"),
    ("OBJECT", "FREQ", "k"),
    ("DEBUG", "SLEEP", 1),
    ("MONITOR",),
    ("SUBSCRIBE", "c"),
    ("PUBLISH", "c", "m"),
    ("WAIT", 1, 0),
    ("SHUTDOWN",),
    ("REPLICAOF", "NO", "ONE"),
    ("MIGRATE", "h", 1, "k", 0, 1),
    ("RESTORE", "k", 0, ""),
    ("RESET",),
    ("SWAPDB", 0, 1),
    ("KEYS", "*"),
    ("XADD", "k", "*", "f", "v"),
    ("PING\r\nSET k v",),
    ("PINGSET",),
    ("",),
    (b"  ",),
    (),
    (5, "k"),
    (memoryview(b"SET"), "k", "v"),
    ("\udcff", "k"),
]


@pytest.mark.parametrize("command", WRITES, ids=lambda command: repr(command).split(" at 0x")[0])
def test_refused(command: tuple[EncodableT, ...]) -> None:
    if command == ("PING\r\nSET k v",):  # goes out as PING with three arguments, which Redis refuses
        assert command_name(command) == b"PING"
        return
    with pytest.raises(CommandRefused):
        check(command)


@pytest.mark.parametrize(
    "command",
    [("GET", "k"), (b"get", b"k"), ("MEMORY", "usage", "k"), ("memory usage", "k"), ("HELLO", 2)],
    ids=repr,
)
def test_allowed(command: tuple[EncodableT, ...]) -> None:
    check(command)


SCRIPT = next(iter(SCRIPTS))


@pytest.mark.parametrize("name", ["EVAL_RO", b"EVAL_RO"])
def test_our_own_script_runs_where_scripts_may(name: str | bytes) -> None:
    check((name, SCRIPT, 1, "retry"), scripts=True)
    with pytest.raises(CommandRefused):
        check((name, SCRIPT, 1, "retry"))


@pytest.mark.parametrize(
    "command",
    [
        ("EVAL", SCRIPT, 1, "retry"),
        ("EVALSHA_RO", "0" * 40, 0),
        ("FCALL_RO", SCRIPT, 0),
        ("EVAL_RO", SCRIPT + b" ", 1, "retry"),
        ("EVAL_RO", b"return 1", 0),
        ("EVAL_RO", "return redis.call('SET', 'k', 'v')", 0),
        ("EVAL_RO return", SCRIPT, 0),
        ("EVAL_RO",),
        (b"EVAL_RO ", SCRIPT, 1, "retry"),
        ("EVAL_RO", memoryview(SCRIPT), 1, "retry"),
        ("SCRIPT", "LOAD", SCRIPT),
    ],
    ids=lambda command: repr(command)[:30].split(" at 0x")[0],
)
def test_no_other_script_runs(command: tuple[EncodableT, ...]) -> None:
    with pytest.raises(CommandRefused):
        check(command, scripts=True)


def test_a_pipeline_is_checked_whatever_the_client_packs_it_with() -> None:
    class Client:
        def pack_commands(self, commands: list[tuple[EncodableT, ...]]) -> list[bytes]:
            return [b"packed" for _ in commands]

    class Reading(ReadOnlyCommands, Client):
        pass

    assert Reading().pack_commands([("GET", "k"), ("PING",)]) == [b"packed", b"packed"]
    with pytest.raises(CommandRefused):
        Reading().pack_commands([("GET", "k"), ("SET", "k", "v")])


def test_the_list_holds_what_redis_calls_reads(redis_server: Any) -> None:
    """Asks a real server for the flags of every command on the list."""
    import redis

    client: Any = redis.Redis(unix_socket_path=str(redis_server.socket))
    with client:
        known = client.execute_command("COMMAND")
    flags = {name.upper(): set(entry["flags"]) for name, entry in known.items()}
    for command in READS:
        name = command.decode().split()[0]
        if name in ("MEMORY", "INFO", "DBSIZE", "SCAN") or name not in flags:
            continue
        assert "readonly" in flags[name], name
    assert not any("write" in flags.get(command.decode(), set()) for command in ALLOWED)
