"""Operations on servers that are reached or kept in other ways: over TLS, as a replica, as a cluster."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.operations.catalog import Clear, Delete, Operation, Retry
from sidekiq_tui.operations.errors import CannotBeDone
from sidekiq_tui.operations.selection import Whole
from sidekiq_tui.servers.profile import Tls
from tests.conftest import StartRedis, plain_client
from tests.support.operating import DEAD, MAIL, RETRY, Operator, everywhere, fill
from tests.support.tls import OPENSSL, Port, make_certificates, server_context
from tests.support.workers import until

DEEDS: dict[str, Operation] = {
    "delete": Delete(jobs=Whole(DEAD)),
    "retry": Retry(jobs=Whole(RETRY)),
    "clear": Clear(place=Whole(MAIL)),
    "clear-here": Clear(place=Whole(MAIL), here=True),
}


@pytest.mark.skipif(OPENSSL is None, reason="makes its certificates with the openssl program")
@pytest.mark.parametrize("name", DEEDS)
async def test_over_tls(redis_server: EmbeddedRedis, redis_url: str, raw: Any, tmp_path: Path, name: str) -> None:
    certificates = make_certificates(tmp_path)
    for place in (DEAD, RETRY, MAIL):
        await fill(raw, place, 450, first=1000 * len(place.kind))
    before = await everywhere(raw)
    async with Port(redis_server.socket, server_context(certificates)) as port:
        anna = Operator(redis_url, tmp_path / "state")
        tls = Tls(ca_file=certificates.ca, server_hostname="redis.internal")
        anna.change(socket=None, host="127.0.0.1", port=port.port, tls=tls)
        outcome = await anna.do(DEEDS[name])
        assert (outcome.ending, outcome.tally.done) == ("done", 450), outcome
        assert (await anna.undo(outcome)).tally.done == 450
        await anna.close()
    assert await everywhere(raw) == before


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("cluster-enabled yes", "prod: this is a Redis Cluster, which Sidekiq does not support"),
        ("replicaof 127.0.0.1 1", "prod: this is a replica: change its primary"),
    ],
    ids=["cluster", "replica"],
)
async def test_where_nothing_is_written(embedded: StartRedis, tmp_path: Path, config: str, said: str) -> None:
    server = embedded("other", config=[config])
    anna = Operator(f"unix://{server.socket}?db=0", tmp_path / "state")
    if "cluster" in config:
        with plain_client(server) as client:
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 16383)  # all of them: it serves alone
            await until(lambda: client.cluster("info")["cluster_state"] == "ok")
    try:
        for operation in DEEDS.values():
            plan = await anna.operations.plan("prod", operation)
            assert plan.refused == said
            with pytest.raises(CannotBeDone, match="this is a"):
                anna.operations.start(plan, "prod")
        assert await anna.operations.unfinished("prod") == ()
    finally:
        await anna.close()
