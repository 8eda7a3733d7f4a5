"""What `sqtui profile test` finds out about one server, in words: what is wrong, what to do, and what it saw."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median
from typing import Final, Literal

from sidekiq_tui.errors import ConfigError, SecretError
from sidekiq_tui.servers.connection import Credentials, connect, open_socket
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.secrets import PasswordSource, ways
from sidekiq_tui.sidekiq.database import Command, Database
from sidekiq_tui.sidekiq.errors import AuthenticationFailed, Forbidden, ReplyError, ServerUnreachable, SidekiqError
from sidekiq_tui.sidekiq.keys import Keys
from sidekiq_tui.sidekiq.overview import Overview, OverviewReader
from sidekiq_tui.sidekiq.version import detect, find_namespaces

Level = Literal["error", "warn", "note"]

PINGS: Final = 5
PROBE_LIMIT: Final = 3.0
"""Seconds for one look at what else the port speaks."""
TEST_LIMIT: Final = 10.0
"""Seconds for each step of the test."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know: an error ends the test, a warning limits what works, a note explains."""

    level: Level
    text: str
    hint: str = ""


@dataclass(slots=True)
class Diagnosis:
    """The outcome of a test. `facts` are pairs of a name and a value, in the order to show."""

    profile: Profile
    findings: list[Finding] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    error: SidekiqError | None = None

    @property
    def ok(self) -> bool:
        """Whether the server can be used."""
        return self.error is None

    def say(self, level: Level, text: str, hint: str = "") -> None:
        """Adds a finding."""
        self.findings.append(Finding(level, text, hint))

    def fail(self, error: SidekiqError, text: str = "", hint: str = "") -> None:
        """Adds what ended the test."""
        self.error = error
        self.say("error", text or error.message, hint or error.hint)


async def diagnose(profile: Profile, password_source: PasswordSource | None = None) -> Diagnosis:
    """Tries a server out, with reads only. Never raises for what is wrong with the server."""
    result = Diagnosis(profile)
    if profile.insecure:
        result.say(
            "warn",
            "TLS checks nothing: anyone in between can read and change everything",
            'set tls.verify to "full" or "ca"',
        )
    credentials = Credentials(profile, password_source)
    try:
        await credentials.prepare()
        database = connect(profile, credentials)
    except (SecretError, ConfigError) as error:
        result.fail(error)
        return result
    try:
        async with asyncio.timeout(TEST_LIMIT):
            reached = await _reach(result, database, credentials)
        if reached:
            async with asyncio.timeout(2 * TEST_LIMIT):
                await _look(result, database)
    except TimeoutError:
        result.fail(ServerUnreachable("it answers, but too slowly for a test"))
    except SidekiqError as error:
        result.fail(error)
    finally:
        await database.close()
    return result


async def _reach(result: Diagnosis, database: Database, credentials: Credentials) -> bool:
    try:
        return await _ping(result, database)
    except AuthenticationFailed as error:
        if not credentials.known and await credentials.ask():
            with contextlib.suppress(AuthenticationFailed):
                return await _ping(result, database)
        _explain_login(result, error, credentials.known)
    except ServerUnreachable as error:
        await _explain_loss(result, error)
    except ReplyError as error:
        beyond = "DB index" in error.message
        result.fail(error, f"the server has no database {result.profile.database}" if beyond else error.message)
    return False


async def _ping(result: Diagnosis, database: Database) -> bool:
    times: list[float] = []
    for _ in range(PINGS + 1):  # the first one connects
        started = time.perf_counter()
        try:
            await database.command("PING")
        except Forbidden as error:
            result.say("warn", f"{error.message}: the round trip is not measured", "grant +@connection")
            return True
        times.append(time.perf_counter() - started)
    result.facts.append(("round trip", f"{median(times[1:]) * 1000:.1f} ms (median of {PINGS})"))
    return True


def _explain_login(result: Diagnosis, error: AuthenticationFailed, known: bool) -> None:
    profile = result.profile
    user = f"user {profile.username}" if profile.username else "the default user"
    if not known and not profile.username:
        result.fail(
            error, "the server wants a password, and the profile has none", f"give it with {ways(profile.name)}"
        )
    elif "has no password" in error.message:
        result.fail(error, "a password is given, but the server has none", "remove it, or name a user")
    else:
        result.fail(error, f"wrong password for {user}, or there is no such user", f"given with {ways(profile.name)}")


async def _explain_loss(result: Diagnosis, error: ServerUnreachable) -> None:
    """Finds out whether the port speaks TLS where the profile does not, or the other way round."""
    profile = result.profile
    if profile.socket is None:
        if profile.tls is not None and await speaks_plain(profile.host, profile.port):
            result.fail(error, f"{profile.endpoint} answers without TLS", "write redis:// instead of rediss://")
            return
        if profile.tls is None and await speaks_tls(profile.host, profile.port):
            result.fail(error, f"{profile.endpoint} wants TLS", "write rediss:// instead of redis://")
            return
    result.fail(error, f"{error.message} ({profile.endpoint})")


async def speaks_plain(host: str, port: int) -> bool:
    """Whether something there answers a PING in Redis' protocol without TLS."""
    try:
        async with asyncio.timeout(PROBE_LIMIT):
            reader, writer = await asyncio.open_connection(sock=await open_socket(host, port))
            try:
                writer.write(b"PING\r\n")
                answer = await reader.read(1)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
    return answer in (b"+", b"-")


async def speaks_tls(host: str, port: int) -> bool:
    """Whether something there begins a TLS conversation, whatever its certificate says."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        async with asyncio.timeout(PROBE_LIMIT):
            opened = await open_socket(host, port)
            _, writer = await asyncio.open_connection(sock=opened, ssl=context, server_hostname=host)
            writer.close()
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # it answered in TLS: it wants a client certificate, or refuses us
    except (OSError, TimeoutError):
        return False
    return True


async def _look(result: Diagnosis, database: Database) -> None:
    now = time.time()
    reader = OverviewReader(database)
    overview = await reader.read(now)
    _server_facts(result, overview)
    await _rights(result, database, overview)
    await _sidekiq_facts(result, database, overview, now)


def _server_facts(result: Diagnosis, overview: Overview) -> None:
    redis = overview.redis
    if redis.version is None:
        result.say("note", f"no Redis facts: {overview.denied.get('redis', 'the server says nothing about itself')}")
    else:
        name = {"redis": "Redis", "valkey": "Valkey"}.get(redis.server or "redis", redis.server or "")
        role = {"slave": "replica", "master": "primary"}.get(redis.role or "", redis.role)
        result.facts.append(
            ("server", ", ".join(part for part in (f"{name} {redis.version}", redis.mode, role) if part))
        )
    if redis.mode == "cluster":
        result.say("warn", "this is a Redis Cluster, which Sidekiq does not support", "use the Redis that Sidekiq uses")
    if redis.role in ("slave", "replica"):
        result.say("note", "this is a replica: reads work, its data may lag, nothing can be changed here")
    if redis.loading:
        result.say("warn", "Redis is still reading its data from disk")


NEEDS: Final[Mapping[str, str]] = {
    "LRANGE": "jobs of queues",
    "ZRANGE": "retries, scheduled and dead jobs",
    "ZREVRANGE": "dead jobs",
    "ZSCAN": "filters in sets",
    "SSCAN": "names of queues and processes",
    "HMGET": "processes",
    "HGETALL": "jobs in progress, metrics",
    "MGET": "history",
    "SCAN": "search for namespaces",
    "INFO": "facts about Redis",
}
"""What a forbidden command takes away."""


def _probes(keys: Keys) -> tuple[Command, ...]:
    """One harmless, empty read for each command and each kind of key that sqtui looks at."""
    return (
        ("LRANGE", keys.queue("default"), 0, -1000000000),
        ("ZRANGE", keys.retry, 0, -1000000000),
        ("ZREVRANGE", keys.dead, 0, -1000000000),
        ("ZSCAN", keys.schedule, 0, "COUNT", 1),
        ("SSCAN", keys.queues, 0, "COUNT", 1),
        ("HMGET", keys.process("sqtui-test"), "info"),
        ("HGETALL", keys.work("sqtui-test")),
        ("MGET", keys.stat_processed),
        ("SCAN", 0, "COUNT", 1),
        ("INFO", "server"),
    )


async def _rights(result: Diagnosis, database: Database, overview: Overview) -> None:
    probes = _probes(database.keys)
    replies = await database.pipeline(probes)
    refused = [str(command[0]) for command, reply in zip(probes, replies, strict=True) if isinstance(reply, Forbidden)]
    result.facts.append(("user", result.profile.username or "default"))
    for command in refused:
        result.say("warn", f"this user may not run {command}: no {NEEDS[command]}", "grant +@read +@connection +info")
    for panel, reason in overview.denied.items():
        if panel != "redis" and not any(command in reason for command in refused):
            result.say("warn", f"{panel} can't be read: {reason}")
    if not refused and not overview.denied:
        result.facts.append(("rights", "all reads work"))


async def _sidekiq_facts(result: Diagnosis, database: Database, overview: Overview, now: float) -> None:
    counts = (overview.processed, overview.retries, overview.scheduled, overview.dead)
    if "queues" not in overview.denied and not (overview.queues or overview.processes or any(counts)):
        await _no_sidekiq(result, database, overview)
        return
    found = await detect(database, now)
    versions = ", ".join(found.versions) or "; ".join(found.traces) or "unknown (no live process says)"
    result.facts.append(("sidekiq", versions))
    if found.edition_signs:
        result.facts.append(("edition", "; ".join(found.edition_signs)))
    live = sum(not process.stale for process in overview.processes)
    result.facts.append(("processes", f"{live:,}"))
    result.facts.append(("queues", f"{len(overview.queues):,} with {overview.enqueued or 0:,} jobs"))


async def _no_sidekiq(result: Diagnosis, database: Database, overview: Overview) -> None:
    """Nothing of Sidekiq's here: looks whether it may be in another database or namespace."""
    where = f"database {result.profile.database}"
    if result.profile.namespace:
        where += f", namespace {result.profile.namespace}"
    others = [number for number in sorted(overview.redis.databases) if number != result.profile.database]
    hints = [f"databases with keys: {', '.join(map(str, others))}"] if others else []
    try:
        namespaces = [name for name in await find_namespaces(database) if name != result.profile.namespace]
    except SidekiqError:
        namespaces = []
    if namespaces:
        hints.insert(0, "namespaces that look like Sidekiq: " + ", ".join(namespaces[:10]))
    result.say(
        "warn", f"no sign of Sidekiq in {where}", "; ".join(hints) or "a new one writes nothing before its first job"
    )
