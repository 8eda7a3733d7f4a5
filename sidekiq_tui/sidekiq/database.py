"""The one seam to redis-py: one Sidekiq in one Redis database, and every error in words fit for an operator."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING, Final

from redis.exceptions import RedisClusterException, RedisError, ResponseError

from sidekiq_tui.sidekiq.errors import ServerUnreachable, SidekiqError
from sidekiq_tui.sidekiq.failures import connection_failure, reply_failure
from sidekiq_tui.sidekiq.keys import SCRATCH, Keys

if TYPE_CHECKING:
    from redis.asyncio import Redis
    from redis.asyncio.connection import AbstractConnection

Argument = str | bytes | int | float
Command = tuple[Argument, ...]
# A RESP2 reply: bytes, an integer, nil, a list of replies; in a pipeline an error stands in the reply's place.
Reply = bytes | int | None | list["Reply"] | SidekiqError

# Everything that redis-py lets through when a conversation fails. CancelledError is not among them.
_FAILURES: Final = (RedisError, RedisClusterException, OSError, EOFError, UnicodeError)
_NOT_BY_HASH: Final = ("NOSCRIPT", "NOPERM")
"""Said before anything runs: the server has forgotten the script, or lets this user run texts alone."""


class Database:
    """One Sidekiq in one Redis database. `trips` counts the round trips so far.

    The client comes from outside: RESP2, `decode_responses` off, no retries. Command names are sent as bytes, so that
    redis-py's response callbacks, which it keeps under `str`, don't touch the replies: HGETALL and ZRANGE WITHSCORES
    come back flat, INFO as one text, scores as text. A task may be cancelled at any await: its connection is dropped.
    """

    def __init__(self, redis: Redis, namespace: str = "", scratch: str = SCRATCH) -> None:
        """`namespace` and `scratch` as `Keys` has them."""
        self.keys: Final = Keys(namespace, scratch)
        self.trips = 0
        self.scripts = True
        """Whether scripts that only read may be worth trying: false once one was refused."""
        self._redis = redis
        self._loaded: set[bytes] = set()
        self._by_hash = True

    async def pipeline(self, commands: Sequence[Command]) -> list[Reply]:
        """Runs the commands in one round trip, without a transaction (others may run in between).

        An error reply is returned in its command's place. Raises ServerUnreachable and its kin when the conversation
        fails, or when a reply says that the server serves nobody now (busy with a script, a node of a cluster).
        """
        if not commands:
            return []
        pipe = self._redis.pipeline(transaction=False)
        for command in commands:
            pipe.execute_command(*_wire(command))
        self.trips += 1
        requests = _cancel_requests()
        try:
            replies = await pipe.execute(raise_on_error=False)
        except _FAILURES as error:
            if _cancel_requests() > requests:
                raise asyncio.CancelledError from None
            raise connection_failure(error) from error
        if _cancel_requests() > requests:
            raise asyncio.CancelledError
        return [
            _refused(reply, command) if isinstance(reply, Exception) else reply
            for reply, command in zip(replies, commands, strict=True)
        ]

    async def read(self, commands: Sequence[Command]) -> list[Reply]:
        """As `pipeline`, for commands that belong together: raises the first error reply."""
        replies = await self.pipeline(commands)
        for reply in replies:
            if isinstance(reply, SidekiqError):
                raise reply
        return replies

    async def command(self, *command: Argument) -> Reply:
        """Runs one command in one round trip. Raises an error reply, too: Forbidden, WrongType, ReplyError."""
        return (await self.read([command]))[0]

    async def run_script(self, text: bytes, *arguments: Argument) -> Reply:
        """Runs a script, whose text goes over only once: then its hash does, until the server has forgotten it.

        `arguments`: how many keys, the keys, the others. Raises as `command`.
        """
        known = _hash(text)
        if known in self._loaded:
            try:
                return await self.command(b"EVALSHA", known, *arguments)
            except SidekiqError as error:
                if error.code not in _NOT_BY_HASH:
                    raise
                self._loaded.discard(known)
                self._by_hash = self._by_hash and error.code == "NOSCRIPT"
        reply = await self.command(b"EVAL", text, *arguments)
        if self._by_hash:
            self._loaded.add(known)
        return reply

    async def run_together(self, text: bytes, calls: Sequence[Command]) -> list[Reply] | None:
        """Runs a script several times in one round trip, each with its own arguments; others may run in between.

        None, and nothing is sent, before `run_script` has brought the text over. As `pipeline`; where the server has
        forgotten the text meanwhile, the error says so.
        """
        known = _hash(text)
        if known not in self._loaded:
            return None
        replies = await self.pipeline([(b"EVALSHA", known, *arguments) for arguments in calls])
        if any(isinstance(reply, SidekiqError) and reply.code in _NOT_BY_HASH for reply in replies):
            self._loaded.discard(known)
        return replies

    async def transaction(
        self, watched: Sequence[bytes], reads: Sequence[Command], decide: Callable[[list[Reply]], Sequence[Command]]
    ) -> list[Reply] | None:
        """Reads, and carries out what `decide` makes of the replies: all of it in one moment, unless a watched key has
        changed meanwhile. Two round trips on one connection.

        The replies, with an error in its command's place; none when there was nothing to do; None when a key has
        changed. Raises what a read or a command is refused with before any is carried out, and as `pipeline`.
        """
        pool = self._redis.connection_pool
        requests = _cancel_requests()
        connection: AbstractConnection | None = None
        whole = False
        try:
            connection = await pool.get_connection()  # type: ignore[no-untyped-call]
            known = await self._converse(connection, [("WATCH", *watched), *reads])
            refused = [reply for reply in known if isinstance(reply, SidekiqError)]
            commands = () if refused else decide(known[1:])
            if not commands:
                await self._converse(connection, [("UNWATCH",)])
                done: Reply = []
            else:
                *queued, done = await self._converse(connection, [("MULTI",), *commands, ("EXEC",)])
                refused = [reply for reply in (*queued, done) if isinstance(reply, SidekiqError)]
            whole = True
        except _FAILURES as error:
            if _cancel_requests() > requests:
                raise asyncio.CancelledError from None
            raise connection_failure(error) from error
        finally:
            if connection is not None:
                if not whole:  # replies may still come: nobody else may read them
                    await connection.disconnect(nowait=True)
                await pool.release(connection)
        if _cancel_requests() > requests:
            raise asyncio.CancelledError
        if refused:
            raise refused[0]
        return _answers(done, commands)

    async def _converse(self, connection: AbstractConnection, commands: Sequence[Command]) -> list[Reply]:
        """One round trip on a connection of one's own; an error reply stands in its command's place."""
        self.trips += 1
        await connection.send_packed_command(connection.pack_commands(_wire(command) for command in commands))
        replies: list[Reply] = []
        for command in commands:
            try:
                replies.append(await connection.read_response())
            except ResponseError as error:
                replies.append(_refused(error, command))
        return replies

    async def close(self) -> None:
        """Closes the client and its connections. Never raises: there is nobody left to tell."""
        try:
            await self._redis.aclose()
        except _FAILURES:
            return


@cache
def _hash(text: bytes) -> bytes:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()


def _refused(reply: Exception, command: Command) -> SidekiqError:
    error = reply_failure(reply, command)
    if isinstance(error, ServerUnreachable):
        raise error
    return error


def _answers(done: Reply, commands: Sequence[Command]) -> list[Reply] | None:
    """What EXEC said to each command."""
    if not isinstance(done, list):
        return None
    return [
        _refused(reply, command) if isinstance(reply, Exception) else reply
        for reply, command in zip(done, commands, strict=True)
    ]


def _cancel_requests() -> int:
    """How often the running task was asked to stop.

    Up to Python 3.11 asyncio.wait_for, through which redis-py writes, swallows a cancellation that comes just as it is
    done: the task would go on. The count tells.
    """
    task = asyncio.current_task()
    return 0 if task is None else task.cancelling()


def _wire(command: Command) -> tuple[bytes | int | float, ...]:
    """The command as it goes to redis-py: text as bytes, and the name above all."""
    return tuple(part.encode("utf-8", "surrogateescape") if isinstance(part, str) else part for part in command)
