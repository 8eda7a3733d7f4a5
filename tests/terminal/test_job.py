"""A job on a real terminal: its bytes are not obeyed, and what is copied arrives."""

from __future__ import annotations

import base64
import re
import sys

import redis

from tests.support import jobs
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS
from tests.support.terminal import Terminal, assert_restored
from tests.terminal.test_hostile import OWN_SEQUENCES

CLIPBOARD = re.compile(rb"\x1b\]52;c;([A-Za-z0-9+/=]*)\x07")
PROGRAM = [sys.executable, "-m", "sidekiq_tui", "--url"]


def test_what_is_copied_arrives_and_nothing_else_is_obeyed(redis_url: str) -> None:
    client = redis.Redis.from_url(redis_url)
    payloads = [jobs.FAILING, *(payload for payload in HOSTILE_PAYLOADS if len(payload) < 5000)]
    for number, payload in enumerate(dict.fromkeys(payloads)):
        client.zadd("dead", {payload: 1e9 - number})
    steps = client.zcard("dead")
    env = {"TMUX": "", "STY": "", "TERM": "xterm-256color"}
    with Terminal([*PROGRAM, redis_url], columns=100, rows=30, env=env) as terminal:
        terminal.wait_for(" Servers ")
        terminal.send("1gx")
        terminal.wait_for(f"Dead {steps}")
        terminal.send("\r")
        terminal.wait_for(f"1 of {steps}")
        terminal.send("y")
        terminal.wait_for("sent to the terminal")
        terminal.send("Y")
        terminal.wait_for("JSON of")
        for keys in ("l", "l", "l", *[">"] * min(int(steps), 150)):
            terminal.send(keys)
            terminal.wait_quiet(0.03)
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert_restored(terminal)
    copied = [base64.b64decode(part) for part in CLIPBOARD.findall(terminal.output)]
    assert copied == [jobs.JID.encode(), jobs.FAILING]
    left = (
        OWN_SEQUENCES.sub("", CLIPBOARD.sub(b"", terminal.output).decode("utf-8")).replace("\r", "").replace("\n", "")
    )
    found = CONTROL_PATTERN.search(left)
    assert found is None, left[max(0, found.start() - 60) : found.end() + 60]


def test_in_tmux_it_is_sent_both_ways(redis_url: str) -> None:
    redis.Redis.from_url(redis_url).zadd("dead", {jobs.FAILING: 1e9})
    env = {"TMUX": "/tmp/none,1,0", "STY": ""}
    with Terminal([*PROGRAM, redis_url], columns=100, rows=30, env=env) as terminal:
        terminal.wait_for(" Servers ")
        terminal.send("1gx")
        terminal.wait_for("Dead 1")
        terminal.send("y")
        terminal.wait_for("tmux needs set-clipboard on")
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
    encoded = base64.b64encode(jobs.JID.encode())
    assert b"\x1b]52;c;" + encoded + b"\x07\x1bPtmux;\x1b\x1b]52;c;" + encoded + b"\x07\x1b\\" in terminal.output
