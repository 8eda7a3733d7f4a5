"""What goes to the clipboard: exact, safe to paste, wrapped for what lies between, and honestly told."""

from __future__ import annotations

import base64
import json
import re

import pytest

from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.tui.clipboard import CAREFUL, caveat, safe_json, sequence
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS


def job(raw: bytes) -> JobRecord:
    return JobRecord(raw, Place("retry"))


def test_a_payload_stays_as_it_is_written() -> None:
    raw = '{"class":"A","args":[1e400, 0.10,"漢字"],"jid":"x"}'
    assert safe_json(job(raw.encode())) == raw


def test_units_that_a_terminal_obeys_become_escapes_that_mean_the_same() -> None:
    raw = '{"class":"A","args":["\u009b31m\u202e \U000e0041"],"jid":"x"}'
    shown = safe_json(job(raw.encode()))
    assert "\\u009b31m\\u202e" in shown
    assert json.loads(shown) == json.loads(raw)


def test_line_breaks_between_values_become_blanks_only_where_a_job_takes_one_line() -> None:
    pretty = b'{\r\n  "class": "A",\n\t"args": []\n}'
    assert safe_json(job(pretty)) == pretty.decode()
    one = safe_json(job(pretty), one_line=True)
    assert "\n" not in one
    assert "\r" not in one


@pytest.mark.parametrize("raw", HOSTILE_PAYLOADS, ids=range(len(HOSTILE_PAYLOADS)))
def test_nothing_hostile_can_be_pasted(raw: bytes) -> None:
    for one_line in (False, True):
        text = safe_json(job(raw), one_line=one_line)
        assert CONTROL_PATTERN.search(text.replace("\r", "").replace("\t", "")) is None
        assert not one_line or "\n" not in text
        text.encode()  # never a lone surrogate, which no clipboard takes


def decoded(text: str) -> str:
    found = re.search(r"\]52;c;([A-Za-z0-9+/=]*)\x07", text)
    assert found is not None
    return base64.b64decode(found[1]).decode()


def test_the_plain_sequence() -> None:
    assert sequence("é", {}) == "\x1b]52;c;w6k=\x07"


def test_tmux_gets_it_for_itself_and_to_hand_on() -> None:
    written = sequence("abc", {"TMUX": "/tmp/tmux"})
    plain = "\x1b]52;c;YWJj\x07"
    assert written == plain + "\x1bPtmux;\x1b" + plain + "\x1b\\"


def test_screen_gets_it_in_pieces_it_can_hold() -> None:
    written = sequence("x" * 3000, {"STY": "1.pts"})
    pieces = re.findall("\x1bP(.*?)\x1b\\\\", written, re.DOTALL)
    assert "".join(f"\x1bP{piece}\x1b\\" for piece in pieces) == written
    assert max(map(len, pieces)) < 768
    assert decoded("".join(pieces)) == "x" * 3000


@pytest.mark.parametrize(
    ("environ", "size", "words"),
    [
        ({"TERM": "xterm-kitty"}, 100, ""),
        ({"TERM": "xterm-256color", "WT_SESSION": "1"}, 100, ""),
        ({"TERM": "xterm-256color"}, 100, "it must allow OSC 52"),
        ({"TERM": "tmux-256color", "TMUX": "x"}, 100, "tmux needs set-clipboard on"),
        ({"TERM": "screen", "STY": "x"}, 100, "screen hands it on"),
        ({"TERM": "screen-256color"}, 100, "the tmux or screen around it"),
        ({"TERM": "xterm-kitty"}, CAREFUL + 1, "more than some terminals take"),
        ({}, 100, "it must allow OSC 52"),
    ],
)
def test_what_cannot_be_known_is_said(environ: dict[str, str], size: int, words: str) -> None:
    assert (
        caveat(environ, size).startswith(words)
        if words.startswith(("screen", "the tmux"))
        else words in caveat(environ, size)
    )
    assert bool(caveat(environ, size)) == bool(words)
