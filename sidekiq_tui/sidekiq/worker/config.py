"""What a worker process is told: queues, threads, limits, and which Sidekiq it writes like."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from sidekiq_tui.sidekiq.client_payload import WrittenTime
from sidekiq_tui.sidekiq.time_form import form_for

VERSION: Final = "8.1.7"
"""The Sidekiq that is imitated unless another is asked for."""

Mode = Literal["strict", "random", "weighted"]


@dataclass(frozen=True, slots=True)
class CapsuleConfig:
    """Threads that share queues. `queues` are (name, weight); all weights 0: strictly in this order."""

    name: str = "default"
    concurrency: int = 5
    queues: tuple[tuple[str, int], ...] = (("default", 0),)

    @property
    def names(self) -> tuple[str, ...]:
        """The queues, each once."""
        return tuple(dict.fromkeys(name for name, _ in self.queues))

    @property
    def weights(self) -> dict[str, int]:
        """The weight of each queue."""
        return dict(self.queues)

    @property
    def mode(self) -> Mode:
        """How the next queue is chosen (capsule.rb)."""
        weights = {weight for _, weight in self.queues}
        return "strict" if weights <= {0} else "random" if weights == {1} else "weighted"


@dataclass(frozen=True, slots=True)
class WorkerConfig:
    """One worker process. Durations are seconds."""

    capsules: tuple[CapsuleConfig, ...] = (CapsuleConfig(),)
    timeout: float = 25.0
    """How long a stopping process waits for its jobs before it gives them back."""
    tag: str = ""
    labels: tuple[str, ...] = ("python",)
    hostname: str = ""
    """Shown instead of this machine's name."""
    version: str = VERSION
    max_retries: int = 25
    dead_max_jobs: int = 10_000
    dead_timeout: float = 180 * 86_400.0
    beat_interval: float = 10.0
    poll_interval: float | None = None
    """A fixed average between two looks for jobs that are due; None scales it with the number of processes."""
    reliable: bool = False
    """Keep each job in a list of our own until it is done, so that a kill loses nothing."""
    embedded: bool = False
    """Runs inside another program: signals from Redis are taken and ignored."""

    @property
    def concurrency(self) -> int:
        """Threads of all capsules."""
        return sum(capsule.concurrency for capsule in self.capsules)

    @property
    def major(self) -> int:
        """The first number of the imitated version."""
        return int(self.version.partition(".")[0])

    @property
    def release(self) -> tuple[int, ...]:
        """The imitated version as numbers."""
        return tuple(int(part) for part in self.version.split(".") if part.isdigit())

    @property
    def form(self) -> WrittenTime:
        """How times in payloads are written."""
        return form_for([self.version])
