"""Operations that were begun and not ended: asked for once a server answers, told in the line under the tabs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations import catalog
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span, label_role
from sidekiq_tui.presentation.deeds import amount, deed_of, name
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui import operating
from sidekiq_tui.tui.modals.choice import ChoiceModal
from sidekiq_tui.tui.screens.listing import context_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sidekiq_tui.operations.history import Unfinished
    from sidekiq_tui.tui.screens.base import ViewScreen
    from sidekiq_tui.tui.state import AppState

_NAME_CELLS: Final = 20
Way = tuple[str, str, Callable[[], None]]
"""What a way out is called, what it means, and what it begins."""
NONE: Final = "nothing was begun here that has no end"


def waiting(state: AppState) -> list[Unfinished]:
    """What waits for a person on the servers in view: nobody is at it. What failed was told, and lies in the trash."""
    if state.operations is None:
        return []
    mine = {run.id for run in state.operations.runs if run.outcome is None}
    return [
        one
        for server in state.names
        for one in state.unfinished.get(server, ())
        if not one.running and not one.failed and one.id not in mine
    ]


def unfinished_words(state: AppState) -> Sequence[Span]:
    """The first that waits, and how to go on; nothing while there is none."""
    found = waiting(state)
    if not found:
        return ()
    context, first = context_of(state), found[0]
    one = deed_of(first.kind)
    what = amount(first.count, one) if first.count else one.things
    lead: tuple[Span, ...] = (Span(f"{context.glyphs.warn} {one.doing} {what}", "warn strong"),)
    if first.peer is not None:
        lead += (Span(" from ", "warn"), _server(state, first.server), Span(" to ", "warn"), _server(state, first.peer))
    elif state.scope is None:
        lead += (Span(" on ", "warn"), _server(state, first.server))
    when = units.clock(first.at, context.now, utc=context.time_mode == "utc")
    begun = f"  begun {when} by {context.safe(first.who)}"
    reached = f", {first.settled:,} done" if first.count else ""
    key = (Span("  W", "key"), Span(" finishes or puts back", "muted"))
    more = f", U: {len(found) - 1:,} more" if len(found) > 1 else ""
    parked = f"  {first.parked:,} parked, no worker sees them" if first.parked else ""
    rest = (Span(more, "muted"), Span(parked, "warn"), Span(begun + reached, "muted"))
    how = f" forgotten by the server: {first.forgotten:,}" if first.forgotten else " stopped"
    return (*lead, Span(how, "warn strong"), *key, *rest)


def _server(state: AppState, server: str) -> Span:
    """A name in the colour of the server's label, where there is one of that name."""
    known = state.snapshots.get(server)
    role = label_role(known.profile.label if known is not None else None)
    return Span(name(server, context_of(state), _NAME_CELLS), f"{role} strong")


# What can be done about it.


def why_nothing_waits(state: AppState) -> str | None:
    """Why there is nothing to finish or put back; None when there is."""
    if state.operations is None:
        return "nothing can be changed in this session"
    return None if waiting(state) else NONE


def ask_end(screen: ViewScreen) -> None:
    """Asks what shall become of the first that waits; looks again where none is known of."""
    operating.work(screen, _ask_end(screen))


async def _ask_end(screen: ViewScreen) -> None:
    state = screen.app_state
    if not waiting(state):
        answering = [name for name in state.names if state.snapshots[name].error is None]
        await asyncio.gather(*(operating.look_for_unfinished(state, name) for name in answering))
    found = waiting(state)
    if found:
        await _ask_end_of(screen, found[0])
    else:
        screen.say(NONE, "muted")


async def _ask_end_of(screen: ViewScreen, entry: Unfinished) -> None:
    """Asks what shall become of one. Each way has its own question."""
    server, id = entry.server, entry.id
    ways: list[Way] = [("leave it", "as it is for now", lambda: screen.say("nothing was changed", "muted"))]
    if entry.peer is not None:
        context = context_of(screen.app_state)
        target, source = name(entry.peer, context, _NAME_CELLS), name(server, context, _NAME_CELLS)
        rest = f"what is parked arrives on {target}, then the rest"
        ways.append(("finish", rest, lambda: operating.resume(screen, server, id)))
        back = f"what is parked returns to {source}, unless {target} has it"
        ways.append(("put back", back, lambda: put_back(screen, server, id)))
        ways += await _remedies(screen, entry)
        title = f"A move from {source} to {target} has no end"
    else:
        if entry.can_continue:
            ways.append(("go on", "with what is left of it", lambda: operating.resume(screen, server, id)))
        ways.append(("end it", "where it stopped; the rest stays as it is", lambda: operating.end(screen, server, id)))
        how = "is forgotten in part: the server went back in time" if entry.forgotten else "has no end"
        title = f"{deed_of(entry.kind).doing.capitalize()} on {display_text(server)} {how}"

    def taken(index: int | None) -> None:
        if index is not None:
            ways[index][2]()

    if screen.is_front:
        shown = [(word, meaning) for word, meaning, _ in ways]
        screen.app.push_screen(ChoiceModal(title, shown, ascii=screen.app_state.ascii), taken)


async def _remedies(screen: ViewScreen, entry: Unfinished) -> list[Way]:
    """What can be done where one of the two servers went back in time; nothing while either cannot be asked."""
    operations, context = screen.app_state.operations, context_of(screen.app_state)
    if operations is None:
        return []
    try:
        plans = await operations.remedies(entry.server, entry.id)
    except SqtuiError:
        return []
    ways: list[Way] = []
    for plan in plans:
        if not plan.count:
            continue
        where = name(plan.server, context, _NAME_CELLS)
        many = "1 job" if plan.count == 1 else f"{plan.count:,} jobs"
        again = isinstance(plan.operation, catalog.PushAgain)
        word = "push again" if again else f"delete on {where}"
        why = f"{many} that {where} forgot; they may run twice" if again else f"{many} that may be on both servers"
        ways.append((word, why, partial(operating.change, screen, plan.server, plan.operation)))
    return ways


def put_back(screen: ViewScreen, server: str, id: str) -> None:
    """Plans that parked jobs return; where the target cannot say what it has, asks whether they shall all the same."""
    operating.work(screen, _put_back(screen, server, id))


async def _put_back(screen: ViewScreen, server: str, id: str) -> None:
    operations = screen.app_state.operations
    if operations is None:
        return
    operation = catalog.ReturnStaged(operation=id)
    try:
        reason = (await operations.plan(server, operation)).refused
    except SqtuiError as error:
        reason = operating.words_of(error)
    if not reason:
        await operating.carry_out(screen, server, operation)
        return
    forced = catalog.ReturnStaged(operation=id, force=True)
    try:
        refused = (await operations.plan(server, forced)).refused
    except SqtuiError as error:
        refused = operating.words_of(error)
    if refused:
        if await _affects(screen, server, id) or await operating.ended(screen, server, id):
            screen.say(f"{context_of(screen.app_state).glyphs.forbidden} {display_text(reason)}", "warn")
        return
    screen.say(display_text(reason), "warn")
    ways = (("leave them", "parked until that server answers"), ("by force", "they may run twice"))
    asks = ChoiceModal("Put back without an answer", ways, ascii=screen.app_state.ascii)
    if await screen.app.push_screen_wait(asks) == 1:
        await operating.carry_out(screen, server, forced)


async def _affects(screen: ViewScreen, server: str, id: str) -> bool:
    """Whether jobs of a move may be on both servers or on neither: then it must not just be ended."""
    operations = screen.app_state.operations
    try:
        return operations is None or await operations.setback(server, id) is not None
    except SqtuiError:
        return True
