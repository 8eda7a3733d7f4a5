"""What processes that are long gone have left behind."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from sidekiq_tui.demo.measures import Command
from sidekiq_tui.demo.payloads import dumps
from sidekiq_tui.demo.plans import ProcessPlan
from sidekiq_tui.sidekiq.keys import Keys


def ghosts(keys: Keys, plan: ProcessPlan, rng: Random, gone: float) -> Iterator[Command]:
    """A process whose hash has lost its expiry, and a name without a hash. `gone`: its last beat, Unix seconds."""
    pid = rng.randrange(1_000, 32_000)
    identity = f"{plan.host}:{pid}:{rng.getrandbits(48):012x}"
    info = {
        "hostname": plan.host,
        "started_at": gone - 90_000,
        "pid": pid,
        "tag": plan.tag,
        "capsules": {
            one.name: {"concurrency": one.concurrency, "mode": one.mode, "weights": dict(one.weights)}
            for one in plan.capsules
        },
        "queues": list(plan.queues),
        "weights": [dict(one.weights) for one in plan.capsules],
        "labels": list(plan.labels),
        "identity": identity,
        "version": plan.version,
        "embedded": False,
    }
    yield ("SADD", keys.processes, identity, f"shop-app-9:77:{rng.getrandbits(48):012x}")
    yield (
        "HSET", keys.process(identity), "info", dumps(info), "busy", 0, "concurrency", plan.concurrency,
        "beat", repr(gone), "quiet", "false", "rss", rng.randrange(240_000, 620_000), "rtt_us", rng.randrange(90, 700),
    )  # fmt: skip
