"""What is to be known about a queue besides its jobs: how it moves, who serves it, what is in it."""

from __future__ import annotations

from textual.containers import Vertical

from sidekiq_tui.tui.actions import Action, bindings
from sidekiq_tui.tui.actions.lists import SCAN
from sidekiq_tui.tui.actions.queue import QUEUE
from sidekiq_tui.tui.state import AppState


class QueueAbout(Vertical, can_focus=True):
    """The second inner tab of a queue's screen. `shown` starts its reads, `hidden` ends them, `show` draws."""

    DEFAULT_CSS = """
    QueueAbout { height: 1fr; width: 1fr; }
    """
    BINDINGS = bindings(QUEUE, SCAN)

    def __init__(self, app_state: AppState, server: str, queue: str, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.app_state = app_state
        self.server = server
        self.queue = queue

    def show(self) -> None:
        """Draws what is known: new data of the poller, another time mode."""

    def shown(self) -> None:
        """In front: reads begin."""

    def hidden(self) -> None:
        """Not in front any longer: reads end."""

    def reason_against(self, action: Action) -> str | None:
        """Why an action of this panel cannot work now, in words; None when it can."""
        return None

    def action_count_classes(self) -> None:
        """Reads all of the queue and counts."""

    def action_stop_scan(self) -> None:
        """Stops counting and keeps what was counted."""
