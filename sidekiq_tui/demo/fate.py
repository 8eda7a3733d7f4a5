"""What becomes of one run of a job: how long it takes, and whether and how it fails.

It follows from the seed, the job's id and the number of the try, and from what the scenario says of that moment.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from sidekiq_tui.demo.jobs import Errors, JobKind
from sidekiq_tui.demo.scenarios import BROKEN, Scenario

RETRY_FAILS: Final = 0.35
"""How likely a retried job fails again."""
LONGEST: Final = 3.0
"""How much longer than usual a run takes at most."""
_HOSTS: Final = ("hooks.example.com", "api.acquirer.example", "storage.example.net")


@dataclass(frozen=True, slots=True)
class Run:
    """A run's length in seconds, and its error: the service that failed, class and message."""

    seconds: float
    error: tuple[str, str, str] | None


def fate(
    kind: JobKind, scenario: Scenario, *, seed: str, jid: str, tries: int, elapsed: float, released: bool = False
) -> Run:
    """What becomes of try number `tries` (from 0) that begins `elapsed` seconds after the start.

    `released`: on a host that has got the scenario's deploy.
    """
    rng = Random(f"{seed}/{jid}/{tries}")
    seconds = kind.mean * min(LONGEST, rng.lognormvariate(-0.18, 0.6))
    fails = kind.fails if tries == 0 else max(kind.fails, RETRY_FAILS if kind.fails else 0.0)
    errors = kind.errors
    for trouble in scenario.troubles:
        if trouble.service == kind.service and trouble.holds(elapsed):
            seconds *= trouble.slower
            if trouble.fails > fails:
                fails, errors = trouble.fails, trouble.errors or errors
    if released and any(deploy.breaks == kind.name for deploy in scenario.deploys):
        return Run(seconds / 10, ("code", *BROKEN))
    if rng.random() >= fails:
        return Run(seconds, None)
    return Run(seconds, (kind.service, *error_words(errors, rng)))


def error_words(errors: Errors, rng: Random) -> tuple[str, str]:
    """Class and message of one of these errors."""
    name, text = rng.choice(errors)
    return name, text.format(
        host=rng.choice(_HOSTS),
        table="orders",
        number=rng.randrange(10_000, 900_000),
        hex=f"{rng.getrandbits(32):08x}",
    )
