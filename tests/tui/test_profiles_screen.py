"""Profiles: the list, what stands there without one, and each as a file."""

from __future__ import annotations

import gzip
import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from sidekiq_tui.servers.snapshot import ServerSnapshot
from sidekiq_tui.tui.screens.profiles import ProfilesScreen
from tests.support.framed import answer, framed_app, gone
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_TEXTS
from tests.support.live import Live
from tests.support.tui import NOW, Clock, make_overview, make_process, make_snapshot
from tests.tui.conftest import GoldenScreen

BOTH = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["120x40", "80x24"])
EVERY = pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 20)], ids=["120x40", "80x24", "60x20"])
DATA = gzip.compress(json.dumps({"meta": {"product": "ChargeJob"}, "threads": []}).encode(), mtime=0)
NAME = "Billing-ChargeJob-1f0000000000.json.gz"


def snapshot(version: str = "8.1.7") -> ServerSnapshot:
    overview = make_overview(processes=(make_process(version=version),), sidekiq_versions=(version,))
    return make_snapshot("prod", label="production", overview=overview)


async def store(raw: redis.asyncio.Redis, number: int, data: bytes = DATA, **changes: Any) -> None:
    """A profile as Sidekiq 8.1.7 leaves it, `number` hours old."""
    jid = f"{0x1F + number:02x}".ljust(24, "0")
    began = NOW - 600 - number * 3_600
    fields: dict[str, Any] = {
        "started_at": int(began), "token": ("slow", "perf", "anna")[number % 3], "jid": jid,
        "type": ("Billing::ChargeJob", "Search::ReindexProductsJob", "OrderMailer")[number % 3],
        "elapsed": 1.5 * (number + 1), "size": len(data), "data": data, "filename": "x.json",
    }  # fmt: skip
    fields.update(changes)
    key = f"perf-{jid}"
    await raw.zadd("profiles", {key: began + 86_400})
    await raw.hset(key, mapping={name: value for name, value in fields.items() if value is not None})


def app(url: str, shown: ServerSnapshot | None = None, **options: Any) -> Any:
    return framed_app(url, shown or snapshot(), view="profiles", **options)


async def read(live: Live) -> ProfilesScreen:
    """The list has been read."""
    screen = live.screen
    assert isinstance(screen, ProfilesScreen)
    await live.until(lambda: screen.read_at is not None)
    await live.pilot.pause()
    return screen


# What it looks like


@EVERY
async def test_the_list(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    for number in range(7):
        await store(raw, number, sid="abc" if number == 0 else None)
    async with app(redis_url, size=size) as live:
        await read(live)
        await golden_screen(f"profiles-{size[0]}x{size[1]}", live.pilot)


@BOTH
@pytest.mark.parametrize("version", ["8.1.7", "7.3.10"])
async def test_none(redis_url: str, size: tuple[int, int], version: str, golden_screen: GoldenScreen) -> None:
    async with app(redis_url, snapshot(version), size=size) as live:
        await read(live)
        await golden_screen(f"profiles-none-{version[0]}-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_forbidden(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await raw.execute_command("ACL", "SETUSER", "narrow", "on", ">x", "~other", "+@all")  # type: ignore[no-untyped-call]
    async with app(redis_url.replace("unix://", "unix://narrow:x@"), size=size) as live:
        await read(live)
        await golden_screen(f"profiles-forbidden-{size[0]}x{size[1]}", live.pilot)


@BOTH
async def test_a_server_that_went_away(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await store(raw, 0)
    shown = snapshot()
    async with app(redis_url, shown, size=size) as live:
        await read(live)
        answer(live, gone(shown))
        await live.sees("prod is offline")
        await live.pilot.pause()
        await golden_screen(f"profiles-offline-{size[0]}x{size[1]}", live.pilot)


@pytest.mark.parametrize("version", ["9" * 5_000, "\u0661.0", "-1", "", "x.y"])
async def test_a_version_that_is_none(redis_url: str, version: str) -> None:
    async with app(redis_url, snapshot(version)) as live:
        await live.sees("No profiles on prod.")


async def test_a_server_that_was_never_read(redis_url: str) -> None:
    async with app(redis_url, gone(snapshot())) as live:
        await live.sees("Not read yet: prod does not answer.")


@BOTH
async def test_the_prompt(
    redis_url: str, raw: redis.asyncio.Redis, size: tuple[int, int], golden_screen: GoldenScreen
) -> None:
    await store(raw, 0)
    async with app(redis_url, size=size) as live:
        await read(live)
        await live.pilot.press("s")
        await live.sees("file to write")
        await live.pilot.pause()
        await golden_screen(f"profiles-save-{size[0]}x{size[1]}", live.pilot)


# What it reads


async def test_two_trips_to_open_it_and_none_while_it_is_fresh(redis_url: str, raw: redis.asyncio.Redis) -> None:
    await store(raw, 0)
    shown, clock = snapshot(), Clock()
    async with app(redis_url, shown, clock=clock) as live:
        await read(live)
        assert live.server().trips == 2
        clock.now += 5
        answer(live, replace(shown, taken_at=clock.now - 1))
        await live.pilot.pause()
        assert live.server().trips == 2
        clock.now += 30
        answer(live, replace(shown, taken_at=clock.now - 1))
        await live.until(lambda: live.server().trips == 4)
        await live.pilot.press("g", "v")
        clock.now += 300
        answer(live, replace(shown, taken_at=clock.now - 1))
        await live.pilot.pause()
        assert live.server().trips == 4


async def test_hostile_profiles(redis_url: str, raw: redis.asyncio.Redis) -> None:
    for number, text in enumerate(HOSTILE_TEXTS):
        value = text.encode("utf-8", "surrogatepass")
        await store(raw, number, type=value, token=value, sid=value, elapsed=value, size=value, jid=value)
    async with app(redis_url, size=(80, 24)) as live:
        await read(live)
        for key in ("j", "G", "o", "z"):
            await live.pilot.press(key)
            await live.pilot.pause()
            assert not CONTROL_PATTERN.search(live.text.replace("\n", ""))


# Saving


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that sqtui was started in."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def files(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


async def test_the_bytes_arrive_as_they_are(redis_url: str, raw: redis.asyncio.Redis, here: Path) -> None:
    await store(raw, 0)
    async with app(redis_url, size=(160, 40)) as live:
        await read(live)
        await live.pilot.press("s", "enter")
        await live.sees("saved")
        assert "profiler.firefox.com" in live.text.splitlines()[-2] or str(here)[:20] in live.text
    assert (here / NAME).read_bytes() == DATA


async def test_what_is_not_compressed_is_not_called_so(redis_url: str, raw: redis.asyncio.Redis, here: Path) -> None:
    await store(raw, 0, b'{"meta":{}}')
    async with app(redis_url) as live:
        await read(live)
        await live.pilot.press("s", "enter")
        await live.sees("saved")
    assert files(here) == [NAME.removesuffix(".gz")]


async def test_an_existing_file_is_overwritten_only_after_a_yes(
    redis_url: str, raw: redis.asyncio.Redis, here: Path
) -> None:
    await store(raw, 0)
    (here / NAME).write_bytes(b"precious")
    async with app(redis_url) as live:
        await read(live)
        for answers in (("n", "enter"), ("enter",), ("escape",)):
            await live.pilot.press("s", "enter")
            await live.sees("it exists: y overwrites")
            await live.pilot.press(*answers)
            await live.sees("nothing written")
            assert (here / NAME).read_bytes() == b"precious"
        await live.pilot.press("s", "enter")
        await live.sees("it exists: y overwrites")
        await live.pilot.press("y", "enter")
        await live.sees("saved")
    assert (here / NAME).read_bytes() == DATA


async def test_a_typed_place(redis_url: str, raw: redis.asyncio.Redis, here: Path, own_machine: Path) -> None:
    await store(raw, 0)
    async with app(redis_url) as live:
        await read(live)
        await live.pilot.press("s", "ctrl+u", *"~/p.gz", "enter")
        await live.sees("saved")
    assert (own_machine / "p.gz").read_bytes() == DATA
    assert files(here) == []


async def test_esc_writes_nothing(redis_url: str, raw: redis.asyncio.Redis, here: Path) -> None:
    await store(raw, 0)
    async with app(redis_url) as live:
        await read(live)
        before = live.server().trips
        await live.pilot.press("s", "escape")
        await live.pilot.pause()
        assert live.server().trips == before
    assert files(here) == []


@pytest.mark.parametrize(
    ("typed", "words"),
    [("no/such/folder/p.gz", "No such file or directory"), ("/dev/null/p.gz", "Not a directory")],
)
async def test_a_place_that_cannot_be(
    redis_url: str, raw: redis.asyncio.Redis, here: Path, typed: str, words: str
) -> None:
    await store(raw, 0)
    async with app(redis_url) as live:
        await read(live)
        await live.pilot.press("s", "ctrl+u", *typed, "enter")
        await live.sees(words)


async def test_a_full_disk_is_said_in_words(
    redis_url: str, raw: redis.asyncio.Redis, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    await store(raw, 0)
    async with app(redis_url) as live:
        await read(live)
        await live.pilot.press("s", "enter")
        await live.sees("No space left on device")
    assert files(here) == []


async def test_a_profile_that_is_gone(redis_url: str, raw: redis.asyncio.Redis, here: Path) -> None:
    await store(raw, 0)
    async with app(redis_url) as live:
        await read(live)
        await raw.delete("perf-1f0000000000000000000000")
        await live.pilot.press("s", "enter")
        await live.sees("it is gone")
    assert files(here) == []
