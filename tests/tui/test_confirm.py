"""The question before an operation: what does not fit is told of, and a wrong answer too."""

from __future__ import annotations

from textual.app import App
from textual.containers import Vertical

from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.tui.modals.confirm import ConfirmModal
from sidekiq_tui.tui.widgets.line import Line

FACTS = tuple((f"fact {number}", (Span("value"),)) for number in range(12))


async def test_facts_that_do_not_fit_are_told_of() -> None:
    app: App[None] = App()
    async with app.run_test(size=(60, 16)) as pilot:
        modal = ConfirmModal("Delete 12 jobs", FACTS, "delete 12", kind="name", expected="prod")
        await app.push_screen(modal)
        await pilot.pause()
        dialog = modal.query_one("#dialog", Vertical)
        assert str(dialog.border_subtitle) == "5 more lines · down"
        await pilot.resize_terminal(60, 40)
        await pilot.pause()
        assert not dialog.border_subtitle


async def test_a_wrong_answer_is_told_of_and_does_nothing() -> None:
    app: App[None] = App()
    async with app.run_test(size=(80, 24)) as pilot:
        modal = ConfirmModal("Delete 12 jobs", FACTS, "delete 12", kind="name", expected="prod")
        await app.push_screen(modal)
        await pilot.press(*"stg", "enter")
        line = modal.query_one("#confirm-question", Line)
        assert modal.is_current
        assert "That is not it." in line.render_line(0).text
        await pilot.press("backspace")
        assert "That is not it." not in line.render_line(0).text
