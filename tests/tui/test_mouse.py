"""The mouse does what keys do: tabs, servers, keys of the footer."""

from __future__ import annotations

from sidekiq_tui.tui.app import SqtuiApp
from sidekiq_tui.tui.widgets.footer import Footer
from sidekiq_tui.tui.widgets.header_strip import HeaderStrip
from sidekiq_tui.tui.widgets.line import Line
from sidekiq_tui.tui.widgets.view_tabs import ViewTabs
from tests.support.tui import FakeRegistry, make_snapshot, make_state, screen_text, until


async def test_tabs_servers_and_keys_can_be_clicked() -> None:
    state = make_state(FakeRegistry(make_snapshot("prod", label="production"), make_snapshot("dev")), scope="prod")
    app = SqtuiApp(state, start_view="queues")
    async with app.run_test(size=(120, 30)) as pilot:

        async def click(kind: type[Line] | type[HeaderStrip], words: str) -> None:
            widget = app.screen.query_one(kind)
            await pilot.click(kind, offset=(widget.text.index(words) + 1, 0))

        await click(ViewTabs, "Retries")
        await until(pilot, lambda: app.view.name == "retries")
        await click(HeaderStrip, "dev")
        await until(pilot, lambda: state.scope == "dev")
        await click(HeaderStrip, "prod")
        await until(pilot, lambda: state.scope == "prod")
        await click(HeaderStrip, "PRODUCTION")
        await click(Footer, "Z freeze")
        await until(pilot, lambda: state.frozen)
        assert state.scope == "prod"
        await click(Footer, ": command")
        await until(pilot, lambda: "servers  dashboard" in screen_text(app))
        await pilot.press("escape")
        await click(Footer, "? keys")
        await until(pilot, lambda: "Keys of retries" in screen_text(app))
        await pilot.press("escape")
        await click(HeaderStrip, "0 all")
        await until(pilot, lambda: state.scope is None)
        await pilot.click(ViewTabs, offset=(119, 0))
        assert app.view.name == "retries", "every view is of all servers, too"
