"""What reaches stderr: one safe line an error, and nothing that quotes data or secrets by accident."""

from __future__ import annotations

import io
import sys

import pytest

from sidekiq_tui.cli import diagnostics, output
from sidekiq_tui.errors import UsageError
from sidekiq_tui.sidekiq.errors import ServerTimeout, ServerUnreachable
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS


def test_an_error_and_what_to_do_next_are_one_line() -> None:
    assert diagnostics.sentence(UsageError("no such view.", hint="see: --help")) == "no such view; see: --help"
    assert diagnostics.sentence(UsageError("no such view")) == "no such view"


def test_an_unreachable_server_is_named_once() -> None:
    error = ServerUnreachable("Connection refused", hint="is Redis running?")
    assert (
        diagnostics.sentence(error, "redis.internal:6379")
        == "Connection refused (redis.internal:6379); is Redis running?"
    )
    assert diagnostics.sentence(ServerTimeout("h:1 is slow"), "h:1") == "h:1 is slow"
    assert diagnostics.sentence(UsageError("wrong"), "h:1") == "wrong"


def test_a_mistake_of_ours_says_where_but_not_what() -> None:
    try:
        raise KeyError("hunter2 \x1b]52;c;x\x07")
    except KeyError as error:
        said = diagnostics.sentence(error)
    assert said.startswith("unexpected KeyError")
    assert "hunter2" not in said


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_words_stay_one_harmless_line(capsys: pytest.CaptureFixture[str], text: str) -> None:
    error = UsageError(text, hint=text)
    error.__cause__ = ValueError(text)
    diagnostics.complain(error)
    diagnostics.complain_of(text, diagnostics.sentence(error))
    diagnostics.warn(text, text)
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 3
    assert not CONTROL_PATTERN.search(said.replace("\n", ""))
    diagnostics.complain(error, debug=True)
    assert not CONTROL_PATTERN.search(capsys.readouterr().err.replace("\n", ""))


def test_progress_is_for_terminals_only(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sidekiq_tui.cli.diagnostics.time.monotonic", iter(range(0, 1000, 10)).__next__)
    quiet = diagnostics.Progress()
    quiet.show("half")
    quiet.clear()
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    loud = diagnostics.Progress()
    loud.show("half \x1b[2J" + "x" * 200)
    loud.clear()
    loud.clear()
    said = capsys.readouterr().err
    assert said.startswith("\r\x1b[Khalf ␛[2Jxxx")
    assert said.endswith("x\r\x1b[K")
    assert len(said) < 100


def test_progress_of_what_is_quick_is_not_shown(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sidekiq_tui.cli.diagnostics.time.monotonic", lambda: 5.0)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    quick = diagnostics.Progress()
    quick.show("half")
    quick.clear()
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_the_locale_cannot_say_becomes_a_question_mark(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    output.write("é漢\n")
    assert raw.getvalue() == {"ascii": b"??\n", "latin-1": b"\xe9?\n", "utf-8": "é漢\n".encode()}[encoding]
