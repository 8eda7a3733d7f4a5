"""Jobs that come from a form or a file, and jobs that go to a file."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sidekiq_tui.errors import SqtuiError
from sidekiq_tui.operations import catalog
from sidekiq_tui.operations.selection import Rows, Whole
from sidekiq_tui.presentation import units
from sidekiq_tui.presentation.columns.base import Span
from sidekiq_tui.presentation.text import display_text
from sidekiq_tui.servers.background import call_in_daemon
from sidekiq_tui.sidekiq.job import Place
from sidekiq_tui.tui import operating
from sidekiq_tui.tui.modals.new_job import NewJob, NewJobModal
from sidekiq_tui.tui.saving import file_name, target, why
from sidekiq_tui.tui.screens.listing import context_of

if TYPE_CHECKING:
    from sidekiq_tui.operations.export import Format
    from sidekiq_tui.operations.selection import Selection
    from sidekiq_tui.sidekiq.job import JobRecord
    from sidekiq_tui.tui.screens.base import ViewScreen
    from sidekiq_tui.tui.subject import Subject

DEFAULT_QUEUE: Final = "default"
LARGEST_FILE: Final = 256 << 20
"""Of an import: all of it is checked, in memory, before anything is pushed."""
TELL_SECONDS: Final = 0.2
_FORMATS: Final[dict[str, Format]] = {".ndjson": "ndjson", ".jsonl": "ndjson", ".json": "json", ".csv": "csv"}


# New jobs.


def fill_in(screen: ViewScreen, subject: Subject, argument: str) -> None:
    """Asks what the new job is; the one under the cursor fills the form."""
    queue = argument or subject.queue or DEFAULT_QUEUE

    def done(new: NewJob | None) -> None:
        if new is not None:
            operating.work(screen, _push(screen, subject, new))

    screen.app.push_screen(NewJobModal(context_of(screen.app_state), queue, subject.template), done)


async def _push(screen: ViewScreen, subject: Subject, new: NewJob) -> None:
    template = subject.template
    if template is not None and new.klass == template.display_class and new.count == 1:
        # Its other fields, and ActiveJob's wrapping, are the application's business: a copy keeps them.
        operation: catalog.Operation = catalog.Copy(
            jobs=Rows((template,)),
            queue=new.queue if new.at is None or new.queue != template.queue else None,
            at=new.at,
            fields={"args": new.args, **new.options},
        )
    else:
        from sidekiq_tui.operations.new_jobs import new_jobs
        from sidekiq_tui.operations.survey import payload_context

        state = screen.app_state
        klass = _pushed_class(new, template)
        try:
            given = await payload_context(state.registry.server(subject.server), state.clock())
            make = partial(new_jobs, klass, [new.args] * new.count, queue=new.queue, at=new.at, options=new.options)
            operation = await call_in_daemon(lambda: make(now=given.now, form=given.form or given.fallback))
        except SqtuiError as error:
            screen.say(operating.words_of(error), "bad")
            return
    await operating.carry_out(screen, subject.server, operation)


def _pushed_class(new: NewJob, template: JobRecord | None) -> str:
    """The class itself: what is shown of it may be shorter, as of ActiveJob's mailers."""
    if template is not None and new.klass == template.display_class and not template.is_active_job:
        return template.klass or new.klass
    return new.klass


# Import.


def ask_import(screen: ViewScreen, subject: Subject, argument: str) -> None:
    """Asks which file, reads all of it, and plans."""

    def typed(name: str | None) -> None:
        if name is not None and name.strip():
            operating.work(screen, _import(screen, subject, Path(name.strip()).expanduser()))

    if argument:
        typed(argument)
    else:
        screen.ask("<", "", typed, (Span("file of NDJSON to read", "muted"),))


async def _import(screen: ViewScreen, subject: Subject, path: Path) -> None:
    from sidekiq_tui.operations.new_jobs import read_import
    from sidekiq_tui.operations.survey import payload_context

    state = screen.app_state
    name = display_text(str(path))
    try:
        lines = await call_in_daemon(lambda: _lines(path))
        given = await payload_context(state.registry.server(subject.server), state.clock())
        operation = await call_in_daemon(lambda: read_import(lines, context=given))
    except OSError as error:
        screen.say(f"{name} can't be read: {display_text(why(error))}", "bad")
        return
    except SqtuiError as error:
        screen.say(operating.words_of(error), "bad")
        return
    await operating.carry_out(screen, subject.server, operation, (("file", (Span(name),)),))


def _lines(path: Path) -> list[bytes]:
    size = path.stat().st_size
    if size > LARGEST_FILE:
        raise SqtuiError(f"{path} has {units.size(size)}: {units.size(LARGEST_FILE)} at most")
    return [line for line in path.read_bytes().split(b"\n") if line.strip()]


# Export.


def ask_export(screen: ViewScreen, subject: Subject, argument: str) -> None:
    """Asks for a file, whose end says how it is written."""
    jobs = subject.jobs or (Whole(Place("queue", subject.queue)) if subject.queue is not None else None)
    if jobs is None:
        return
    what = "queue-" + subject.queue if subject.queue and subject.jobs is None else screen.view
    stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(screen.app_state.clock()))
    name = file_name(subject.server, what, stamp, suffix=".ndjson")

    def typed(text: str | None) -> None:
        if text is not None and text.strip():
            _export_to(screen, subject.server, jobs, name, text.strip())

    if argument:
        typed(argument)
    else:
        screen.ask(">", name, typed, (Span(".ndjson, .json or .csv", "muted"),))


def _export_to(screen: ViewScreen, server: str, jobs: Selection, name: str, typed: str) -> None:
    shown = display_text(typed)
    try:
        path = target(typed, name)
        there = path.exists()
    except OSError as error:
        screen.say(f"{shown} can't be written: {display_text(why(error))}", "bad")
        return
    except (RuntimeError, ValueError) as error:  # a user without a home; a NUL in the name
        screen.say(f"{shown} names no file: {display_text(str(error))}", "bad")
        return
    form = _FORMATS.get(path.suffix.lower())
    if form is None:
        screen.say(f"{display_text(path.name)} ends in none of .ndjson, .json and .csv", "bad")
        return

    def write(*, force: bool) -> None:
        operating.work(screen, _export(screen, server, jobs, path, form, force=force))

    def answered(answer: str | None) -> None:
        if answer is not None and answer.strip().casefold() == "y":
            write(force=True)
        else:
            screen.say("nothing written", "muted")

    if there:
        screen.ask("!", "", answered, (Span("it exists: ", "warn"), Span("y overwrites", "muted")))
    else:
        write(force=False)


async def _export(screen: ViewScreen, server: str, jobs: Selection, path: Path, form: Format, *, force: bool) -> None:
    from sidekiq_tui.operations.export import export_to

    told = time.monotonic()

    def progress(done: int) -> None:
        nonlocal told
        if time.monotonic() - told >= TELL_SECONDS:
            told = time.monotonic()
            stops = (Span("  ctrl+x", "key"), Span(" stops", "muted"))
            screen.show_progress((Span(f"writing, {units.count(done)} so far", "strong"), *stops))

    try:
        done = await export_to(
            screen.app_state.registry.server(server), jobs, path, form, force=force, progress=progress
        )
    except SqtuiError as error:
        screen.say(operating.words_of(error), "bad")
        return
    finally:
        screen.show_progress()
    many = "1 job" if done.count == 1 else f"{done.count:,} jobs"
    screen.say(f"wrote {many}, {units.size(done.size)}, to {display_text(str(done.path.absolute()))}", "ok")
