"""A worker's connections: RESP2, and nothing is sent twice by itself."""

from __future__ import annotations

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from sidekiq_tui.sidekiq.database import Database
from sidekiq_tui.sidekiq.worker.fetch import WAIT_SECONDS, Connect


def connector(url: str, namespace: str = "", *, timeout: float = WAIT_SECONDS + 8.0) -> Connect:
    """Makes connections to a Redis URL; `timeout` in seconds, for each reply."""

    def connect() -> Database:
        client = Redis.from_url(
            url,
            protocol=2,
            legacy_responses=False,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=timeout,
            socket_connect_timeout=timeout,
        )
        return Database(client, namespace)

    return connect
