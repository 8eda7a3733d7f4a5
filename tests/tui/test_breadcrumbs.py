"""The way to an opened screen."""

from __future__ import annotations

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.breadcrumbs import trail, trail_to
from sidekiq_tui.tui.screens.base import ViewScreen
from tests.support.tui import FakeRegistry, make_snapshot, make_state


class Opened(ViewScreen):
    """Something opened from a list of queues."""

    view = "queues"
    server = "dev"

    @property
    def crumb(self) -> str:
        """Its own name."""
        return "mail\x1bers"


def test_parents_are_muted_and_names_safe() -> None:
    assert trail(["Queues"], "mailers") == [Span("Queues", "muted"), Span(" › ", "muted"), Span("mailers", "title")]
    spans = trail(["x" * 60, "a\x1b"], "b\x1b", ascii=True)
    assert all(span.text.isprintable() for span in spans)
    assert spans[1].text == " > "
    assert len(spans[0].text) == 24


async def test_the_way_follows_what_was_opened() -> None:
    state = make_state(FakeRegistry(make_snapshot("prod"), make_snapshot("dev")), scope="prod")
    app = SqtuiApp(state, start_view="queues")
    async with app.run_test(size=(120, 30)):
        screen = Opened(state)
        await app.push_screen(screen)
        assert "".join(span.text for span in trail_to(screen)) == "Queues › mail␛ers"
        state.scope = None
        assert "".join(span.text for span in trail_to(screen)) == "dev › Queues › mail␛ers"
        assert "".join(span.text for span in trail_to(screen, narrow=True)) == "Queues › mail␛ers"
