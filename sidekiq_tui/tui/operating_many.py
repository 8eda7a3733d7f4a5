"""One deed on several servers, from a key to its runs: one plan, one question that names each, started side by side."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.global_plan import GlobalPlan, plan_everywhere, question_everywhere, start_everywhere
from sidekiq_tui.presentation import deeds, units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.global_plans import global_facts, global_outcome, global_title, outcome_lines
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.tui.messages import ManyBegan
from sidekiq_tui.tui.modals.confirm import OTHER, SERVERS_NAME, ConfirmModal
from sidekiq_tui.tui.modals.outcomes import OutcomesModal
from sidekiq_tui.tui.operating import (
    PATIENCE_SECONDS,
    STOPS,
    change,
    other_way,
    other_words,
    still_there,
    words_of,
    work,
)
from sidekiq_tui.tui.screens.listing import context_of

if TYPE_CHECKING:
    from sidekiq_tui.operations.catalog import Operation
    from sidekiq_tui.operations.global_plan import GlobalRun
    from sidekiq_tui.operations.plan import Plan
    from sidekiq_tui.tui.screens.base import ViewScreen

Doing = Mapping[str, "Operation"]
"""What is to be done, by server."""
_SERVERS_NAMES: Final = Span("the servers' names")
_MOST_TOLD: Final = 3


def change_many(screen: ViewScreen, doing: Doing, about: Mapping[str, str] | None = None) -> None:
    """Plans all, asks once, and starts all. `about`: what is done on each server, where that differs (safe)."""
    work(screen, _carry_out(screen, doing, about or {}))


async def _carry_out(screen: ViewScreen, doing: Doing, about: Mapping[str, str]) -> None:
    operations = screen.app_state.operations
    if operations is None:
        return
    while True:
        plan = await _planned(screen, doing)
        if not _may_be_asked(screen, plan):
            return
        answer = await _asked(screen, plan, about)
        if answer == OTHER:
            doing = {server: other_way(operation) or operation for server, operation in doing.items()}
            continue
        if answer is None:
            screen.say("nothing was changed on any server", "muted")
            return
        try:
            run = start_everywhere(operations, plan, answer)
        except SqtuiError as error:
            screen.say(words_of(error), "bad")
            return
        screen.post_message(ManyBegan(run))
        return


async def _planned(screen: ViewScreen, doing: Doing) -> GlobalPlan:
    state, operations = screen.app_state, screen.app_state.operations

    async def make(server: str, progress: Callable[[int, int], None]) -> Plan:
        assert operations is not None
        return await operations.plan(server, doing[server], progress=progress)

    try:
        profiles = [state.snapshots[server].profile for server in doing]
        return await plan_everywhere(profiles, make, progress=_teller(screen))
    finally:
        screen.show_progress()


def _teller(screen: ViewScreen) -> Callable[[str, int, int], None]:
    began = told = time.monotonic()
    read: dict[str, tuple[int, int]] = {}

    def tell(server: str, entries: int, total: int) -> None:
        nonlocal told
        read[server] = (entries, total)
        now = time.monotonic()
        if now - began >= PATIENCE_SECONDS and now - told >= PATIENCE_SECONDS and screen.is_front:
            told = now
            so_far, of = (sum(one[at] for one in read.values()) for at in (0, 1))
            words = f"counting {units.count(so_far)} of {units.count(of)} on several servers …"
            screen.show_progress((Span(words, "strong"), *STOPS))

    return tell


def _may_be_asked(screen: ViewScreen, plan: GlobalPlan) -> bool:
    """Whether something can be done somewhere, and the person is still where it was asked for; says why not."""
    if plan.doable:
        return still_there(screen)
    context = context_of(screen.app_state)
    told = [f"{deeds.name(part.server, context, 20)}: {context.safe(part.refused)}" for part in plan.parts[:_MOST_TOLD]]
    more = [f"and {len(plan.parts) - _MOST_TOLD} more"] if len(plan.parts) > _MOST_TOLD else []
    screen.say(f"{context.glyphs.forbidden} nothing can be done  {'  '.join([*told, *more])}", "warn")
    return False


async def _asked(screen: ViewScreen, plan: GlobalPlan, about: Mapping[str, str]) -> str | None:
    """What was answered; None for no."""
    state, operations = screen.app_state, screen.app_state.operations
    if operations is None:
        return None
    try:
        question = question_everywhere(operations, plan)
    except SqtuiError as error:
        screen.say(words_of(error), "bad")
        return None
    if question.kind == "none":
        return ""
    context, operation = context_of(state), plan.plans[0].operation
    names = len(question.expected.split()) > 1
    modal = ConfirmModal(
        global_title(plan, context),
        global_facts(plan, context, about=about),
        f"{deeds.deed(operation).do} {plan.count:,}",
        kind="names" if question.kind == "name" and names else question.kind,
        expected=question.expected,
        bad=operation.destroys,
        other=other_words(operation),
        named=_SERVERS_NAMES if names else SERVERS_NAME,
        ascii=state.ascii,
    )
    answer = await screen.app.push_screen_wait(modal)
    return question.expected if answer is not None and answer != OTHER else answer


def undo_many(screen: ViewScreen) -> None:
    """Takes back the last deed of this machine on the servers of the scope: all its parts, asked once."""
    state, operations = screen.app_state, screen.app_state.operations
    context = context_of(state)
    reason = "nothing can be changed in this session" if operations is None else ""
    if operations is None or state.read_only:
        screen.say(f"{context.glyphs.forbidden} {reason or 'sqtui runs with --read-only'}", "warn")
        return
    try:
        entries = operations.last_undoable_of(state.names)
    except SqtuiError as error:
        screen.say(words_of(error), "bad")
        return
    if not entries:
        screen.say(f"nothing to undo on {len(state.names)} servers: U has all that can be", "muted")
        return
    undo: dict[str, Operation] = {one.server: catalog.Undo(operation=one.id) for one in entries}
    about = {one.server: f"{display_text(one.words)}, {units.age(state.clock() - one.at)} ago" for one in entries}
    if len(entries) > 1:
        change_many(screen, undo, about)
    else:
        (server, operation), (words,) = *undo.items(), about.values()
        change(screen, server, operation, (("what", (Span(words),)),))


def tell_outcome(screen: ViewScreen, run: GlobalRun) -> None:
    """How it came out: in the message line; where it was not the same everywhere, a line a server to be read."""
    context = context_of(screen.app_state)
    outcomes = run.outcomes
    undo = any(outcome.undo_id for outcome in outcomes.values())
    keys = (Span("   u", "key"), Span(" undoes", "muted")) if undo else ()
    screen.say_cell((*global_outcome(run, context), *keys))
    screen.refresh_footer()

    if screen.is_front and (run.not_begun or any(outcomes[name].ending != "done" for name in run.runs)):
        title = f"{global_title(run.plan, context)}: how it came out"
        screen.app.push_screen(OutcomesModal(title, outcome_lines(run, context), ascii=screen.app_state.ascii))
    for server in run.runs:  # what would be read under the dialog waits until it was closed
        screen.tell_views(server)
