"""Which servers the demo shows: their applications, processes, sizes and troubles."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Literal

from sidekiq_tui.demo.apps import analytics, shop
from sidekiq_tui.demo.apps.base import OfKind
from sidekiq_tui.demo.jobs import JobKind
from sidekiq_tui.demo.orders import DEFAULT_SERVERS, MOST_SERVERS
from sidekiq_tui.demo.scenarios import ALWAYS, SCENARIOS, Failures, Scenario

NEWEST: Final = "8.1.7"
OLDER: Final = "7.3.10"


@dataclass(frozen=True, slots=True)
class Capsule:
    """One thread pool of a process: its queues with their weights (all 0: strict order; all 1: random)."""

    name: str
    concurrency: int
    weights: Mapping[str, int]

    @property
    def mode(self) -> Literal["strict", "weighted", "random"]:
        """How Sidekiq calls such weights."""
        values = set(self.weights.values())
        return "strict" if values == {0} else "random" if values == {1} else "weighted"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessPlan:
    """One Sidekiq process."""

    host: str
    capsules: tuple[Capsule, ...]
    version: str = NEWEST
    tag: str = "shop"
    labels: tuple[str, ...] = ()
    quiet: bool = False
    embedded: bool = False

    @property
    def queues(self) -> tuple[str, ...]:
        """The names of all its queues, each once."""
        return tuple(dict.fromkeys(name for capsule in self.capsules for name in capsule.weights))

    @property
    def concurrency(self) -> int:
        """Its threads."""
        return sum(capsule.concurrency for capsule in self.capsules)


@dataclass(frozen=True, slots=True)
class Outage:
    """When a server cannot be reached: first after `first` seconds, then each `every` seconds, for `lasts` seconds."""

    first: float
    every: float
    lasts: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerPlan:
    """One server of the demo. `rate` is jobs per second; `delay` (seconds) is what the way to it costs each trip."""

    name: str
    label: str
    group: str
    jobs: Mapping[str, type[OfKind]]
    processes: tuple[ProcessPlan, ...]
    version: str = NEWEST
    rate: float
    waiting: Mapping[str, int]
    bursts: str | None = None  # a queue that gets a heap of jobs now and then
    failures: tuple[Failures, ...] = ()  # what failed just before the start
    scenario: Scenario = ALWAYS
    retries: int
    scheduled: int
    dead: int
    paused: tuple[str, ...] = ()
    hostile: bool = False
    ghosts: bool = False
    deploys: bool = False
    leader: bool = False
    favorite: bool = False
    config: tuple[str, ...] = ()
    delay: float = 0.0
    outage: Outage | None = None
    metrics_minutes: int = 480
    bulk: Mapping[str, int] = field(default_factory=dict)  # further jobs: "retry", "schedule" or a queue -> how many

    @property
    def kinds(self) -> tuple[JobKind, ...]:
        """The kinds of its jobs."""
        return tuple(job.kind for job in self.jobs.values())

    @property
    def proxied(self) -> bool:
        """Whether clients reach it through a proxy that makes trouble."""
        return self.delay > 0 or self.outage is not None


_WEB: Final = (
    Capsule("default", 8, {"critical": 4, "default": 2, "low": 1}),
    Capsule("mail", 2, {"mailers": 0}),
)
_ALL: Final = (Capsule("default", 10, {"critical": 4, "default": 2, "mailers": 2, "low": 1}),)
_BATCH: Final = (Capsule("default", 3, {"reports": 0, "low": 0}), Capsule("imports", 1, {"imports": 0}))


def production() -> ServerPlan:
    """A busy shop in the middle of an upgrade, whose dead set is nearly full."""
    host = "shop-app-{}"
    return ServerPlan(
        name="shop-prod",
        label="production",
        group="shop",
        favorite=True,
        jobs=shop.JOBS,
        processes=(
            ProcessPlan(host=host.format(1), capsules=_WEB, labels=("reliable",)),
            ProcessPlan(host=host.format(2), capsules=_WEB, labels=("reliable",)),
            ProcessPlan(host=host.format(3), capsules=_WEB, version=OLDER, labels=("reliable",)),
            ProcessPlan(host=host.format(4), capsules=_WEB, labels=("reliable",), quiet=True),
            ProcessPlan(host="shop-batch-1", capsules=_BATCH, tag="shop-batch", labels=("batch", "reliable")),
            ProcessPlan(
                host="shop-web-1", capsules=(Capsule("default", 2, {"critical": 1}),), tag="puma", embedded=True
            ),
        ),
        rate=30,
        waiting={"critical": 9, "default": 240, "mailers": 1_900, "low": 850, "imports": 310, "reports": 4},
        bursts="mailers",
        retries=420,
        scheduled=1_240,
        dead=9_931,
        paused=("imports",),
        hostile=True,
        ghosts=True,
        deploys=True,
        leader=True,
    )


def staging() -> ServerPlan:
    """The shop again, quiet and well, but far away."""
    return ServerPlan(
        name="shop-stg",
        label="staging",
        group="shop",
        jobs=shop.JOBS,
        processes=(
            ProcessPlan(host="staging-app-1", capsules=_ALL, version=OLDER),
            ProcessPlan(host="staging-batch-1", capsules=_BATCH, version=OLDER, tag="shop-batch"),
        ),
        version=OLDER,
        rate=4,
        waiting={"default": 6, "mailers": 21, "low": 14},
        bursts="low",
        retries=12,
        scheduled=35,
        dead=37,
        delay=0.32,
    )


def development() -> ServerPlan:
    """An analytics pipeline on a laptop that sleeps now and then."""
    ingest = Capsule("default", 5, {"ingest": 3, "default": 1})
    heavy = (Capsule("default", 3, {"warehouse": 0}), Capsule("models", 1, {"models": 0}))
    return ServerPlan(
        name="data-dev",
        label="development",
        group="analytics",
        jobs=analytics.JOBS,
        processes=(
            ProcessPlan(host="dev-laptop", capsules=(ingest,), tag="analytics"),
            ProcessPlan(host="dev-laptop", capsules=heavy, tag="analytics-heavy", labels=("gpu",)),
        ),
        rate=3,
        waiting={"ingest": 48, "default": 5, "warehouse": 3, "models": 1},
        bursts="ingest",
        retries=9,
        scheduled=18,
        dead=6,
        outage=Outage(first=40, every=90, lasts=25),
    )


_REGIONS: Final = ("eu", "us", "ap", "sa", "uk", "ca", "jp", "in", "af", "me", "nz", "no")
_EVICTING: Final = ("maxmemory 200mb", "maxmemory-policy allkeys-lru")


def plans(
    servers: int = DEFAULT_SERVERS, jobs: int | None = None, scenario: str | None = None
) -> tuple[ServerPlan, ...]:
    """That many servers (1 to 50). `jobs` is how many jobs the first one holds; the others keep their usual few.

    The first one lives through the scenario (none: nothing happens there).
    """
    chosen = list(_named(min(max(servers, 1), MOST_SERVERS)))
    if scenario is not None:
        chosen = [replace(plan, scenario=replace(ALWAYS, restarts=SCENARIOS[scenario].restarts)) for plan in chosen]
        chosen[0] = _staged(chosen[0], SCENARIOS[scenario])
    if jobs is not None:
        chosen[0] = _sized(chosen[0], jobs)
    return tuple(chosen)


def _staged(plan: ServerPlan, scenario: Scenario) -> ServerPlan:
    """The plan as a scenario wants it."""
    processes = tuple(
        replace(
            process,
            version=scenario.running or process.version,
            quiet=process.quiet and not scenario.running,
            capsules=_without(
                process.capsules, [queue for queue, hosts in scenario.served.items() if process.host not in hosts]
            ),
        )
        for process in plan.processes
    )
    return replace(
        plan,
        scenario=scenario,
        processes=processes,
        waiting={**plan.waiting, **scenario.waiting},
        retries=plan.retries if scenario.retries is None else scenario.retries,
        bursts=plan.bursts if scenario.bursts else None,
        failures=scenario.failures,
    )


def _without(capsules: tuple[Capsule, ...], queues: Sequence[str]) -> tuple[Capsule, ...]:
    kept = (
        replace(one, weights={name: weight for name, weight in one.weights.items() if name not in queues})
        for one in capsules
    )
    return tuple(one for one in kept if one.weights)


def _named(servers: int) -> Iterator[ServerPlan]:
    basics = (production(), staging(), development())
    yield from basics[:servers]
    for number in range(len(basics), servers):
        region = _REGIONS[(number - 3) // 3 % len(_REGIONS)] + ("" if number < 39 else f"{number // 39 + 1}")
        yield _variant(basics[number % 3], number, region)


def _variant(basic: ServerPlan, number: int, region: str) -> ServerPlan:
    """Another server like a basic one, smaller, elsewhere, and with fewer troubles (but the first may lose data)."""
    plan = replace(
        basic,
        name=f"{basic.name.removesuffix('-prod')}-{region}",
        favorite=False,
        rate=max(1.0, basic.rate / (2 + number % 4)),
        waiting={queue: size // 8 for queue, size in basic.waiting.items()},
        retries=basic.retries // 6,
        scheduled=basic.scheduled // 6,
        dead=basic.dead // 40,
        paused=(),
        hostile=False,
        ghosts=False,
        metrics_minutes=60,
        config=_EVICTING if number == DEFAULT_SERVERS else (),
    )
    if plan.delay:
        return replace(plan, delay=0.0 if number % 2 else 0.08)
    return plan if plan.outage is None or number % 2 else replace(plan, outage=None)


def _sized(plan: ServerPlan, jobs: int) -> ServerPlan:
    """The plan with about so many jobs in all. Sidekiq keeps 10,000 dead ones at most, so the rest goes elsewhere."""
    usual = sum(plan.waiting.values()) + plan.retries + plan.scheduled + plan.dead
    if jobs <= usual:
        share = jobs / usual
        waiting = {queue: int(size * share) for queue, size in plan.waiting.items()}
        return replace(
            plan,
            waiting=waiting,
            retries=int(plan.retries * share),
            scheduled=int(plan.scheduled * share),
            dead=int(plan.dead * share),
        )
    more = jobs - usual
    queue = "low" if "low" in plan.waiting else next(iter(plan.waiting))
    schedule, retry = more * 6 // 10, more * 25 // 100
    megabytes = 256 + more * 15 // 10_000  # about 0.8 KB each, and air, so that memory is no trouble of its own
    return replace(
        plan,
        bulk={"schedule": schedule, "retry": retry, queue: more - schedule - retry},
        config=(*plan.config, f"maxmemory {megabytes}mb"),
    )
