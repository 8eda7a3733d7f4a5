"""Operations that were begun and not ended: asked for once a server answers, told in the line under the tabs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.deeds import amount, deed_of
from sidekiq_tui.tui.screens.listing import context_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidekiq_tui.tui.state import AppState


async def look_for_unfinished(state: AppState, server: str) -> None:
    """Asks a server once in a session, and again when an operation has ended there."""
    if state.operations is None:
        return
    try:
        state.unfinished[server] = await state.operations.unfinished(server)
    except SqtuiError:
        state.unfinished[server] = ()


def unfinished_words(state: AppState) -> Sequence[Span]:
    """What waits for a person on the server in view; nothing while all is done or somebody is at it."""
    found = [one for one in state.unfinished.get(state.scope or "", ()) if not one.running]
    if not found or state.operations is None:
        return ()
    context, first = context_of(state), found[0]
    mine = {run.id for run in state.operations.runs if run.outcome is None}
    if first.id in mine:
        return ()
    one = deed_of(first.kind)
    what = amount(first.count, one) if first.count else one.things
    when = units.clock(first.at, context.now, utc=context.time_mode == "utc")
    reached = f" at {first.settled:,}" if first.count else ""
    words = f"{context.glyphs.warn} {one.doing} {what} stopped{reached}, begun {when} by {context.safe(first.who)}"
    parked = f"  {first.parked:,} jobs are parked, no worker sees them" if first.parked else ""
    more = f"  and {len(found) - 1:,} more" if len(found) > 1 else ""
    key = (Span("  U", "key"), Span(" goes on with it or ends it", "muted"))
    return (Span(words, "warn strong"), Span(parked, "warn"), *key, Span(more, "muted"))
