"""Names, labels, groups and errors that try to break out of the frame; the bytes that reach the terminal."""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import UTC, datetime

import redis

from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS
from tests.support.terminal import Terminal, assert_restored, sqtui

OWN_SEQUENCES = re.compile(r"\x1b\[[0-9;?<>=]*\$?[a-zA-Z]|\x1b\]22;(default|text|pointer)\x07")
"""What Textual sends to draw: cursor, colours, modes, the mouse pointer's shape. Nothing else."""

PROGRAM = """
import sys
from dataclasses import replace
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.tui import run
from tests.support.hostile import HOSTILE_TEXTS
base = Profile.from_url(sys.argv[1])
names = dict.fromkeys(text[:200] for text in HOSTILE_TEXTS)
profiles = [
    replace(base, name=name, label=name, group=name, namespace=name if index % 2 else "")
    for index, name in enumerate(names)
]
profiles.append(replace(base, name="gone" + HOSTILE_TEXTS[1], socket="/nowhere/" + HOSTILE_TEXTS[0]))
sys.exit(run.run(profiles))
"""

KEYS = ("1", "2", "gd", "5", "@", "\x1b", "?", "\x1b", "gq", "gv", "G", "\t", "\x10", "\x1b", "@gone\r", "gd", "0")
VIEWS = (
    *("gd", "gq", "\r", "l", "jj", "q", "gr", "jj", "\r", "l", "l", ">", "q", "b", "\x1b", ",", "\x1b"),
    *("gs", "\r", "q", "gx", "G", "\r", "q", "gw", "jjj", "\r", "q", "o", "ge", "j", "\r", "\r", "q", "q"),
    *("gm", "\r", "q", "g/", "/red\r", "\r", "q", "gp", "gb", ":queue \t", "\x1b", "?", "\x1b", "gv"),
)
"""Every view, and what opens from it."""


def _fill(url: str) -> None:
    """Hostile texts wherever Sidekiq's data has room for a text."""
    client = redis.Redis.from_url(url)
    now = time.time()
    moment = datetime.fromtimestamp(now, UTC)
    for number, text in enumerate(HOSTILE_TEXTS):
        raw = text.encode("utf-8", "surrogatepass")
        said = {"class": text, "args": [text, {text: text}], "jid": text, "queue": text, "tags": [text], "bid": text}
        failed = {"error_class": text, "error_message": text, "error_backtrace": [text], "failed_at": now - number}
        job = json.dumps({**said, **failed, "retry_count": number, "n": number, "wrapped": text}).encode()
        client.zadd("retry", {job: now + 60 + number, raw: now})
        client.zadd("dead", {job: now - number})
        client.zadd("schedule", {job: now + number})
        client.sadd("queues", raw)
        client.lpush(b"queue:" + raw, job, raw)
        info = {"hostname": text, "pid": number, "tag": text, "labels": [text], "queues": [text], "version": text}
        client.sadd("processes", raw)
        client.hset(raw, mapping={"info": json.dumps(info), "beat": repr(now), "busy": 1, "quiet": "false"})
        work = json.dumps({"queue": text, "payload": job.decode(), "run_at": int(now) - number})
        client.hset(raw + b":work", mapping={raw: work, raw + b"2": raw})
        minute = f"j|{moment:%y%m%d}|{moment.hour}:{moment:%M}"
        client.hset(minute, mapping={raw + b"|p": 5, raw + b"|ms": 900, raw + b"|f": 1})
        client.hset(f"{moment:%Y%m%d}-marks", f"{moment:%Y-%m-%dT%H:%M:00Z}", raw)
        client.zadd("profiles", {raw: now + 1000})
    client.set("dear-leader", HOSTILE_TEXTS[0].encode("utf-8", "surrogatepass"))
    client.close()


def test_no_byte_of_any_data_is_obeyed_on_any_view(redis_url: str) -> None:
    _fill(redis_url)
    with Terminal(sqtui("--url", redis_url), columns=120, rows=40) as terminal:
        terminal.wait_for("live")
        for keys in VIEWS:
            terminal.send(keys)
            terminal.wait_quiet(0.3)
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert_restored(terminal)
    _assert_nothing_obeyed(terminal)


def test_no_byte_of_a_name_is_obeyed(redis_url: str) -> None:
    with Terminal([sys.executable, "-c", PROGRAM, redis_url], columns=120, rows=40) as terminal:
        terminal.wait_for(" Servers ")
        for keys in KEYS:
            terminal.send(keys)
            terminal.wait_quiet(0.15)
        terminal.send("\x11")
        assert terminal.wait_exit() == 0
        assert_restored(terminal)
    _assert_nothing_obeyed(terminal)


def _assert_nothing_obeyed(terminal: Terminal) -> None:
    written = terminal.output.decode("utf-8")
    left = OWN_SEQUENCES.sub("", written).replace("\r", "").replace("\n", "")
    found = CONTROL_PATTERN.search(left)
    assert found is None, left[max(0, found.start() - 60) : found.end() + 60]
    for text in HOSTILE_TEXTS:
        if CONTROL_PATTERN.search(text):
            assert text not in written
