"""`y` and `Y` on lists and jobs: what is written to the terminal and what is said about it."""

from __future__ import annotations

import base64
import re
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.tui.clipboard import copy_jids, copy_json
from tests.support import jobs
from tests.support.framed import framed_app
from tests.support.live import Live
from tests.support.tui import NOW, make_snapshot


def job(raw: bytes) -> JobRecord:
    return JobRecord(raw, Place("retry"), NOW)


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal of which nothing is known."""
    for name in ("TMUX", "STY", "KITTY_WINDOW_ID", "WT_SESSION", "ALACRITTY_WINDOW_ID", "WEZTERM_PANE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("GHOSTTY_RESOURCES_DIR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


def written(live: Live) -> list[str]:
    """What goes to the terminal's clipboard from now on."""
    texts: list[str] = []
    driver: Any = live.app._driver

    def write(data: str) -> None:
        texts.extend(base64.b64decode(part).decode() for part in re.findall(r"\]52;c;([^\x07]*)\x07", data))

    driver.write = write
    return texts


@pytest.mark.usefixtures("plain")
async def test_copying_says_what_was_sent(redis_url: str) -> None:
    async with framed_app(redis_url, make_snapshot("prod"), view="retries") as live:
        texts = written(live)
        copy_jids(live.screen, [job(jobs.FAILING)])
        await live.sees("JID e5d1f0a9… sent to the terminal; it must allow OSC 52")
        copy_jids(live.screen, [job(jobs.FAILING), job(jobs.payload(jid="other")), job(jobs.MALFORMED)])
        await live.sees("2 JIDs sent to the terminal; it must allow OSC 52; 1 without a JID left out")
        copy_json(live.screen, [job(jobs.FAILING), job(jobs.MAILER)])
        await live.sees("JSON of 2 jobs sent")
        assert texts == [jobs.JID, f"{jobs.JID}\nother", f"{jobs.FAILING.decode()}\n{jobs.MAILER.decode()}"]


@pytest.mark.usefixtures("plain")
async def test_a_terminal_that_takes_it_makes_a_shorter_message(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-kitty")
    async with framed_app(redis_url, make_snapshot("prod"), view="retries") as live:
        copy_jids(live.screen, [job(jobs.FAILING)])
        await live.sees("copied JID e5d1f0a9…")


@pytest.mark.usefixtures("plain")
async def test_what_cannot_be_copied_is_told_and_not_sent(redis_url: str) -> None:
    async with framed_app(redis_url, make_snapshot("prod"), view="retries") as live:
        texts = written(live)
        copy_jids(live.screen, [job(jobs.MALFORMED)])
        await live.sees("there is no JID to copy")
        copy_json(live.screen, [])
        await live.sees("there is no job to copy")
        copy_json(live.screen, [job(jobs.payload(args=["x" * 800_000]))])
        await live.sees("is too large for a terminal's clipboard")
        assert texts == []


@pytest.mark.usefixtures("plain")
async def test_the_keys_work_on_a_list_and_on_a_job(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await raw.zadd("retry", {jobs.FAILING: NOW})
    async with framed_app(redis_url, make_snapshot("prod"), view="retries") as live:
        texts = written(live)
        await live.sees("Retries 1")
        await live.pilot.press("y")
        await live.sees("JID e5d1f0a9… sent")
        await live.pilot.press("enter", "Y")
        await live.sees("JSON of e5d1f0a9… sent")
        assert texts == [jobs.JID, jobs.FAILING.decode()]
