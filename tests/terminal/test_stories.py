"""The operators' stories, typed as they would be over SSH, on the servers of the demo."""

from __future__ import annotations

import asyncio
import csv
import io
import re
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sidekiq_tui.servers.profile_store import load_profiles
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.job import Place
from tests.support.stories import PASTE, STORIES, Story, filled, story_table
from tests.support.terminal import ROOT, Terminal, sqtui


@pytest.fixture(scope="module")
def settings() -> Iterator[Path]:
    """The settings file of a running demo."""
    demo = subprocess.Popen(sqtui("demo", "--headless", "--seed", "7"), cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    found = None
    for line in demo.stdout:
        if found := re.search(r"--config (\S+)", line):
            break
    assert found is not None, "the demo did not start"
    yield Path(found[1])
    demo.send_signal(signal.SIGINT)
    demo.wait(30)


def test_the_readme_tells_the_stories_as_they_are() -> None:
    assert story_table() in (ROOT / "README.md").read_text("utf-8"), story_table()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.question)
def test_a_story(settings: Path, story: Story, tmp_path_factory: pytest.TempPathFactory) -> None:
    jid = f"{PASTE[0]}{asyncio.run(_jid(settings))}{PASTE[1]}"
    folder, day = tmp_path_factory.mktemp("d", numbered=True), datetime.now(UTC).date()
    first = ["--server", story.server] if story.server else []
    if story.before:
        ran = _run("--config", str(settings), *first, *story.before)
        assert ran.returncode == 0, ran.stderr
    with Terminal(sqtui("--config", str(settings), *first), columns=120, rows=40) as terminal:
        terminal.wait_for("enq")
        terminal.wait_for("3 of 3" if not first else "live")
        for step in story.steps:
            seen = len(terminal.output)
            terminal.send(filled(step.keys, jid=jid, folder=str(folder), day=day))
            terminal.wait_for(step.shows, seen)
            if story.number == 1:
                assert _first_row(terminal.screen) == "shop-prod"
                assert "shop-prod is ▲ warn" in terminal.screen
        terminal.send("\x11")
        assert terminal.wait_exit() == 0


def test_yesterdays_dead_jobs_as_csv(settings: Path) -> None:
    """Story 9, for the shell."""
    today = datetime.now(UTC).date()
    words = [f"at>={today - timedelta(days=1)}", f"at<{today}"]
    ran = _run("--config", str(settings), "--server", "shop-prod", "dead", *words, "--limit", "all", "-o", "csv")
    assert ran.returncode == 0, ran.stderr
    rows = list(csv.DictReader(io.StringIO(ran.stdout)))
    assert rows
    days = {datetime.fromtimestamp(float(row["at"]), UTC).date() for row in rows}
    assert days == {today - timedelta(days=1)}


def test_a_cron_line_that_says_when_a_latency_passes_a_minute(settings: Path) -> None:
    """Story 12."""
    check = ("--config", str(settings), "--server", "shop-prod", "check", "--max-latency")
    assert _run(*check, "60").returncode == 6
    assert _run(*check, "10000000").returncode == 0


def _run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(sqtui(*arguments), cwd=ROOT, capture_output=True, text=True, check=False)


def _first_row(screen: str) -> str:
    lines = screen.splitlines()
    heading = next((index for index, line in enumerate(lines) if line.split()[:1] == ["server"]), None)
    words = lines[heading + 1].replace("▌", " ").split() if heading is not None else []
    return next((word for word in words if not word.isdigit()), "")


async def _jid(settings: Path) -> str:
    """A job that is dead, and stays it."""
    profile = next(one for one in load_profiles(settings).profiles if one.name == "shop-prod")
    server = Server(profile)
    try:
        page = await server.page(Place("dead"), 200, 50)
        return next(job.jid for job in page.jobs if job.jid and len(job.jid) == 24)
    finally:
        await server.close()
