"""All servers of a session: owns their connections and poll tasks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence

from sidekiq_tui.servers.poller import Listener, Poller
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.secrets import PasswordSource
from sidekiq_tui.servers.server import Server
from sidekiq_tui.servers.snapshot import ServerSnapshot


class Registry:
    """One poller per server; servers never wait for each other. Use it inside one running event loop."""

    def __init__(
        self,
        profiles: Sequence[Profile],
        *,
        password_source: PasswordSource | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        ordered = sorted(profiles, key=lambda profile: not profile.favorite)
        self._pollers: dict[str, Poller] = {}
        self._listeners: list[Listener] = []
        for profile in ordered:
            if profile.name in self._pollers:
                raise ValueError("two servers have the same name")
            server = Server(profile, password_source=password_source, clock=clock)
            self._pollers[profile.name] = Poller(server, self._publish, clock=clock)

    @property
    def servers(self) -> tuple[str, ...]:
        """The names: favourites first, then as given. The digits of the screen follow this order."""
        return tuple(self._pollers)

    def server(self, name: str) -> Server:
        """The handle to read from one server; `KeyError` if there is none of that name."""
        return self._pollers[name].server

    def snapshot(self, name: str) -> ServerSnapshot:
        """What is known now; also before the first answer."""
        return self._pollers[name].snapshot

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` in the event loop with each new snapshot, until the returned function is called."""
        self._listeners.append(listener)

        def unsubscribe() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return unsubscribe

    def start(self) -> None:
        """Starts polling; does nothing for servers that are polled already."""
        for poller in self._pollers.values():
            poller.start()

    async def stop(self) -> None:
        """Stops polling and closes every connection; safe to call twice."""
        await asyncio.gather(*(poller.stop() for poller in self._pollers.values()))

    def view(self, names: Collection[str]) -> None:
        """Servers in view are polled at their interval, the others more slowly."""
        for name, poller in self._pollers.items():
            poller.set_in_view(name in names)

    def refresh(self, name: str | None = None) -> None:
        """Polls one server, or all, now: also when paused, and without waiting for the next try of one that is gone."""
        for poller in self._pollers.values() if name is None else (self._pollers[name],):
            poller.refresh()

    def pause(self) -> None:
        """No polls until `resume` (or `refresh`, once): the screen is frozen or not in front."""
        for poller in self._pollers.values():
            poller.pause()

    def resume(self) -> None:
        """Polls again, at once."""
        for poller in self._pollers.values():
            poller.resume()

    def _publish(self, snapshot: ServerSnapshot) -> None:
        for listener in tuple(self._listeners):
            listener(snapshot)
