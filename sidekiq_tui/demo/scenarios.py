"""What goes wrong in each scenario, and when: the one place that says so. Times are seconds from the demo's start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal

from sidekiq_tui.demo.orders import SCENARIOS as NAMES

RESTART: Final = 20.0  # seconds until a stopped or killed process is back, where somebody brings it back
BOOT: Final = 4.0  # seconds between the end of a process that is deployed and its successor


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A service that the jobs call is not well: it fails more calls, or takes longer.

    `fails` is the share of calls that fail (0 to 1), with `errors` (the usual ones if empty); `slower` multiplies run
    times. With `every` it comes back after so many seconds.
    """

    service: str
    starts: float = 0.0
    lasts: float = inf
    every: float = inf
    fails: float = 0.0
    slower: float = 1.0
    errors: tuple[tuple[str, str], ...] = ()

    def holds(self, elapsed: float) -> bool:
        """Whether it is on at that moment."""
        since = elapsed - self.starts
        if since < 0:
            return False
        return (since % self.every if self.every < inf else since) < self.lasts


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to the process of one host: it hangs (lives, but does nothing any more), or is killed (`kill -9`).

    `back` is how many seconds later its successor starts; None: never.
    """

    at: float
    what: Literal["hang", "kill"]
    host: str
    back: float | None = RESTART


@dataclass(frozen=True, slots=True)
class Deploy:
    """A new release: marked, then the hosts are restarted one after the other, `roll` seconds apart.

    `breaks` is a job class that fails on hosts with the new release; `version` the Sidekiq that they run from then on.
    With `every` it is done again and again.
    """

    at: float
    roll: float = 5.0
    breaks: str = ""
    version: str = ""
    every: float = inf


@dataclass(frozen=True, slots=True)
class Failures:
    """Jobs that failed in the last minutes before the start and wait for their retry, all of one class."""

    name: str
    error: str
    message: str
    size: int
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A story. It is told of the first server (production); the others are as always."""

    tells: str
    troubles: tuple[Trouble, ...] = ()
    fates: tuple[Fate, ...] = ()
    deploys: tuple[Deploy, ...] = ()
    failures: tuple[Failures, ...] = ()
    pace: float = 1.0  # of what usually comes in
    surges: Mapping[str, float] = field(default_factory=dict)  # queue -> how much more than usual comes in
    waiting: Mapping[str, int] = field(default_factory=dict)  # queue -> how many wait at the start; unsaid: as usual
    retries: int | None = None
    bursts: bool = True
    served: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # queue -> the only hosts that serve it
    running: str = ""  # the Sidekiq that all hosts run at the start; empty: as usual
    restarts: bool = True  # whether somebody brings back a process that was stopped from outside

    @property
    def alone(self) -> tuple[str, ...]:
        """Hosts that something happens to: each needs a process of the system for itself."""
        return tuple(dict.fromkeys(fate.host for fate in self.fates))


ALWAYS: Final = Scenario(tells="Nothing happens.")
"""What the servers live through that the story is not told of."""
_TIMEOUT: Final = ("Payments::GatewayTimeout", "504 from acquirer after 30s (request {hex}, mid {number})")
_REFUSED: Final = ("Net::SMTPServerBusy", "451 4.7.0 Temporary server error. Please try again later. ({hex})")
BROKEN: Final = ("NoMethodError", "undefined method 'round_half_up' for nil")
"""How a class fails that a deploy broke."""

SCENARIOS: Final[Mapping[str, Scenario]] = {
    "busy": Scenario(
        tells="An ordinary day: bursts of mails, a minute of flaky services each eleven, a deploy each eight minutes.",
        troubles=tuple(
            Trouble(service=service, starts=120, lasts=60, every=660, fails=0.2)
            for service in ("acquirer", "webhooks", "database")
        ),
        deploys=(Deploy(at=480, every=480),),
        fates=(Fate(150, "kill", "shop-batch-1"),),
    ),
    "calm": Scenario(
        tells="Nothing is wrong: queues are nearly empty, few jobs fail.",
        pace=0.6,
        bursts=False,
        waiting={"critical": 0, "default": 3, "mailers": 6, "low": 4, "imports": 2, "reports": 1},
        retries=24,
    ),
    "incident": Scenario(
        tells="The payment gateway times out, the mail provider is slow, and a worker hangs.",
        troubles=(
            Trouble(service="acquirer", fails=0.45, errors=(_TIMEOUT,)),
            Trouble(service="mail", slower=14.0, fails=0.08, errors=(_REFUSED,)),
        ),
        fates=(Fate(25, "hang", "shop-app-2", None), Fate(90, "kill", "shop-batch-1")),
        failures=(Failures("Checkout::ChargeCardJob", *_TIMEOUT, 260, 18.0),),
        bursts=False,
        restarts=False,
    ),
    "backlog": Scenario(
        tells="One queue is far behind and still grows; another one is served by nobody.",
        surges={"low": 2.0},
        waiting={"low": 46_000, "reports": 118},
        served={"low": ("shop-batch-1",), "reports": ()},
        bursts=False,
        restarts=False,
    ),
    "deploy": Scenario(
        tells="Half a minute from the start a release is rolled out: a new Sidekiq, and one job class that breaks.",
        deploys=(Deploy(at=30, roll=10.0, breaks="PriceCalculationJob", version="8.1.7"),),
        running="8.0.9",
        bursts=False,
    ),
}

assert tuple(SCENARIOS) == NAMES
