"""What is known about one server at one moment: immutable, handed to whoever listens."""

from __future__ import annotations

from dataclasses import dataclass

from sidekiq_tui.servers.health import Health
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.series import Rates, SeriesView
from sidekiq_tui.sidekiq.errors import SidekiqError
from sidekiq_tui.sidekiq.overview import Overview


@dataclass(frozen=True, slots=True)
class ServerSnapshot:
    """The last good overview and how the server feels now. Times are Unix seconds, `interval` seconds."""

    server: str
    profile: Profile
    health: Health
    state_since: float
    series: SeriesView
    taken_at: float | None = None
    overview: Overview | None = None
    rates: Rates | None = None
    error: SidekiqError | None = None
    attempt: int = 0
    next_try_at: float | None = None
    interval: float = 2.0

    def age(self, now: float) -> float | None:
        """Seconds since the last good data; None if there never was any."""
        return None if self.taken_at is None else max(0.0, now - self.taken_at)

    def late(self, now: float) -> bool:
        """Whether the data is older than two poll intervals."""
        age = self.age(now)
        return age is not None and age > 2 * self.interval

    def stale(self, now: float) -> bool:
        """Whether the data is late, or the server does not answer now."""
        return self.error is not None or self.late(now)
