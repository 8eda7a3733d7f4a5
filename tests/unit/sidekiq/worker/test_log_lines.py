"""Log lines: their fields, their order, and what a payload cannot do to them."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator

import pytest

from sidekiq_tui.sidekiq.worker.logs import (
    LOGGER,
    JsonFormatter,
    LineFormatter,
    LineHandler,
    TextFormatter,
    log_context,
    log_fields,
    say,
)

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"


@pytest.fixture(params=[TextFormatter, JsonFormatter])
def stream(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    formatter: type[LineFormatter] = request.param
    stream = io.StringIO()
    monkeypatch.setattr(LOGGER, "handlers", [LineHandler(stream, formatter())])
    monkeypatch.setattr(LOGGER, "propagate", False)
    before = LOGGER.level
    LOGGER.setLevel(logging.INFO)
    yield stream
    LOGGER.setLevel(before)


async def test_lines_come_in_order_once_the_loop_has_gone_round(
    stream: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LOGGER, "handlers", LOGGER.handlers[:1])  # without pytest's
    say("one")
    say("two")
    assert stream.getvalue() == ""
    LOGGER.warning("three")
    say("four")
    await asyncio.sleep(0)
    assert re.findall("one|two|three|four", stream.getvalue()) == ["one", "two", "three", "four"]
    assert stream.getvalue().count("\n") == 4


async def test_nothing_is_said_below_the_level(stream: io.StringIO) -> None:
    LOGGER.setLevel(logging.WARNING)
    say("one")
    await asyncio.sleep(0)
    assert stream.getvalue() == ""


async def test_a_stream_that_nobody_reads_stops_no_job(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOGGER, "handlers", LOGGER.handlers[:1])
    stream.close()
    say("one")
    await asyncio.sleep(0)


def test_text_has_sidekiqs_fields() -> None:
    with log_context(tid="abc", jid="1", **{"class": "A::B"}, bid=None), log_context(elapsed=0.25):
        line = TextFormatter().line("INFO", 1_795_313_166.5, "done")
    assert re.fullmatch(r"INFO  2026-11-22T02:06:06.500Z pid=\d+ tid=abc jid=1 class=A::B elapsed=0.25: done", line)
    assert re.fullmatch(
        rf"WARN  {TIME} pid=\d+ tid=[0-9a-z]+: no context\nError",
        TextFormatter().line("WARN", 1.0005, "no context", "Error"),
    )


async def test_json_has_sidekiqs_fields() -> None:
    log_fields({"tid": "abc", "jid": "1", "tags": ["a"]})
    said = json.loads(JsonFormatter().line("INFO", 0.0, "done"))
    assert said.pop("pid") > 0
    assert said == {
        "ts": "1970-01-01T00:00:00.000Z",
        "tid": "abc",
        "lvl": "INFO",
        "msg": "done",
        "ctx": {"jid": "1", "tags": ["a"]},
    }


def test_a_payload_cannot_forge_a_line() -> None:
    with log_context(jid="1\nERROR forged\x1b[2J"):
        line = TextFormatter().line("INFO", 0.0, "start")
    assert "\n" not in line
    assert "\x1b" not in line
