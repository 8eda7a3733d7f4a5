"""What the benchmarks share: a private server, many jobs quickly, and figures in one form."""

from __future__ import annotations

import contextlib
import os
import socket
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import redis
import redis.asyncio

from sidekiq_tui.demo.embedded import EmbeddedRedis, find_server
from sidekiq_tui.sidekiq.database import Database

NOW = 1_795_314_150.0  # Unix seconds; data does not depend on the day it is measured


@contextlib.contextmanager
def private_server(*, tcp: bool = False, config: Sequence[str] = ()) -> Iterator[EmbeddedRedis]:
    """A server of the benchmark's own; the one $SQTUI_REDIS_SERVER names, else the bundled one.

    `tcp`: with a port too, for who cannot reach its socket. `config`: further lines of its settings.
    """
    port = _free_port() if tcp else None
    with tempfile.TemporaryDirectory(prefix="sqtui-bench-") as folder:
        server = EmbeddedRedis.start(
            Path(folder), binary=find_server("bundled"), config=("maxmemory 8gb", *config), tcp_port=port
        )
        try:
            yield server
        finally:
            server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.asynccontextmanager
async def database(url: str) -> AsyncIterator[Database]:
    """The data layer on a plain client: what is measured is sqtui's commands, not its settings."""
    client = redis.asyncio.Redis.from_url(url, protocol=2, legacy_responses=False)
    try:
        yield Database(client)
    finally:
        await client.aclose()


def payload(number: int) -> bytes:
    """A failed job of about 400 bytes, as Ruby writes them."""
    return (
        b'{"retry":25,"queue":"default","class":"%s","args":[%d,{"currency":"EUR","note":"order %d"}],'
        b'"jid":"%024x","created_at":1795300000.25,"enqueued_at":1795300000.5,"failed_at":1795300001.5,'
        b'"error_class":"%s","error_message":"execution expired after %d attempts of order %d","retry_count":3,'
        b'"retried_at":1795310000.125}'
    ) % (
        (b"Invoice::ChargeJob", b"Invoice::SendJob", b"ThumbnailJob", b"SyncContactJob")[number % 4],
        number,
        number,
        number,
        (b"Net::ReadTimeout", b"Payments::GatewayTimeout", b"ActiveRecord::Deadlocked")[number % 3],
        number % 25,
        number,
    )


def fill(client: redis.Redis, kind: str, count: int, *, first: int = 0) -> None:
    """Puts `count` jobs in `retry` (a sorted set) or a queue, in slices that keep memory flat."""
    for start in range(first, first + count, 5000):
        numbers = range(start, min(start + 5000, first + count))
        if kind == "retry":
            client.zadd(kind, {payload(n): NOW + n for n in numbers})
        else:
            client.sadd("queues", kind)
            client.lpush(f"queue:{kind}", *[payload(n) for n in numbers])


def plain_client(server: EmbeddedRedis) -> redis.Redis:
    """For filling and for asking the server about itself."""
    return redis.Redis(unix_socket_path=str(server.socket))


async def timed(work: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Seconds each run took."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        await work()
        seconds.append(time.perf_counter() - started)
    return seconds


def server_seconds(client: redis.Redis) -> float:
    """CPU seconds the server has used until now."""
    info = client.info("cpu")
    return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])


def milliseconds(seconds: list[float]) -> str:
    """Median and worst, in milliseconds."""
    return f"{statistics.median(seconds) * 1000:8.2f} ms median, {max(seconds) * 1000:8.2f} ms worst of {len(seconds)}"


def resident_bytes(pid: int | None = None) -> int:
    """Resident memory of a process (Linux: from /proc; elsewhere: from ps)."""
    pid = pid or os.getpid()
    status = Path(f"/proc/{pid}/statm")
    if status.exists():
        return int(status.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with os.popen(f"ps -o rss= -p {pid}") as answer:
        return int(answer.read()) * 1024
