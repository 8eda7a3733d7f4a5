"""Every one-shot view in every format on hostile data: it works, and no control byte of the data comes out."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import pytest
import redis.asyncio

from sidekiq_tui.sidekiq.keys import Keys
from tests.support.hostile import CONTROL_PATTERN, HOSTILE_PAYLOADS, HOSTILE_TEXTS
from tests.support.terminal import Terminal
from tests.support.terminal import sqtui as command

# Lines end in these; everything else of C0 must be a picture by now.
LINE_ENDS: Final = str.maketrans("", "", "\n\r")
# The colours of our own tables: SGR and nothing else.
OUR_COLOURS: Final = re.compile(r"\x1b\[[0-9;]*m")
FORMATS: Final = ("table", "json", "ndjson", "csv")
EVIL: Final = "\x1b]52;c;aGFja2Vk\x07"
JID: Final = "0123456789abcdef01234567"

VIEWS: Final[dict[str, tuple[str, ...]]] = {
    "servers": ("servers",),
    "dashboard": ("dashboard",),
    "queues": ("queues",),
    "queue": ("queue", "hostile", "--limit", "all"),
    "queue with a page": ("queue", "hostile", "--limit", "50", "--offset", "40"),
    "queue with a hostile name": ("queue", EVIL),
    "retries": ("retries", "--limit", "60"),
    "scheduled": ("scheduled", "--limit", "60", "--offset", "60"),
    "dead": ("dead", "--limit", "all"),
    "dead with a filter": ("dead", "class:Hostile", EVIL, "--limit", "all"),
    "job": ("job", JID),
    "hostile job": ("job", HOSTILE_TEXTS[0]),
    "search": ("search", "age>0s"),
    "search for hostile text": ("search", EVIL),
    "plan of a delete": ("delete", "dead", "--dry-run"),
    "plan of a move": ("move", "queue", "hostile", "--to", EVIL, "--dry-run"),
    "plan of a clear": ("clear", "queue", EVIL, "--dry-run"),
    "plan for processes": ("quiet", "all", "--dry-run"),
    "plan of a push": ("push", EVIL, "--queue", EVIL, "--dry-run"),
    "workers": ("workers",),
    "errors": ("errors", "--limit", "all"),
    "errors with a filter": ("errors", EVIL),
    "metrics": ("metrics",),
    "metrics of a hostile class": ("metrics", EVIL),
}


async def fill(client: redis.asyncio.Redis) -> None:
    """The corpus in a queue, in the sets and in work; hostile names of queues and processes."""
    now = time.time()
    names = [text.encode("utf-8", "surrogatepass") for text in HOSTILE_TEXTS]
    pipe = client.pipeline(transaction=False)
    pipe.sadd("queues", "hostile", *names, b"\xff\xfe", EVIL)
    pipe.lpush("queue:hostile", *HOSTILE_PAYLOADS)
    for name in (*names, EVIL.encode()):
        pipe.lpush(b"queue:" + name, HOSTILE_PAYLOADS[4], HOSTILE_PAYLOADS[3])
    for index, job in enumerate(HOSTILE_PAYLOADS):
        for key, score in (("retry", now + index), ("schedule", now + index), ("dead", now - index)):
            pipe.zadd(key, {job: score})
    pipe.zadd("dead", {b'{"class":"Never","args":[]}': "inf", b'{"class":"Ever","args":[]}': "-inf"})
    for index, text in enumerate((*HOSTILE_TEXTS, "plain")):
        identity = f"host:{index}:{text}".encode("utf-8", "surrogatepass")
        info: dict[str, object] = {
            "hostname": text,
            "pid": index,
            "tag": text,
            "queues": [text],
            "labels": [text],
            "version": text,
        }
        info |= {"identity": text, "started_at": now - 60, "concurrency": 5, "weights": [{text: 2}]}
        info |= {"capsules": {text: {"concurrency": 5, "mode": text, "weights": {text: 2}}}}
        pipe.sadd("processes", identity)
        pipe.hset(identity, mapping={"info": json.dumps(info), "busy": 1, "beat": now, "quiet": "false", "rss": 9})
        payload = HOSTILE_PAYLOADS[index % len(HOSTILE_PAYLOADS)].decode("utf-8", "replace")
        work = {"queue": text, "payload": payload, "run_at": int(now)}
        pipe.hset(identity + b":work", mapping={text.encode("utf-8", "surrogatepass"): json.dumps(work)})
    minute = Keys().metrics_minute(datetime.fromtimestamp(now - 60, UTC))
    pipe.hset(minute, mapping={name + b"|p": 1 + index for index, name in enumerate((*names, EVIL.encode()))})
    today = datetime.fromtimestamp(now - 60, UTC)
    pipe.hset(Keys().marks(today.date()), f"{today:%Y-%m-%dT%H:%M:00Z}", EVIL)
    for identity, text in ((b"broken\x1b", "{"), (b"wrong\x07", '{"pid":{},"queues":1,"started_at":[]}')):
        pipe.sadd("processes", identity)
        pipe.hset(identity, mapping={"info": text, "busy": "\x1b[2J", "beat": "nan", "rss": "-1", "quiet": "\x9b"})
        pipe.hset(identity + b":work", mapping={"\x1b": "\x1b[2J", "tid": "[]", "other": '{"payload":5,"run_at":"x"}'})
    await pipe.execute()


@pytest.fixture
async def hostile_url(raw: redis.asyncio.Redis, redis_url: str) -> str:
    """The address of a server that holds the corpus."""
    await fill(raw)
    return redis_url


async def sqtui(*args: str) -> tuple[int, str, str]:
    """Runs the program with its output piped; exit code, stdout, stderr."""
    process = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "sidekiq_tui", *args], capture_output=True, timeout=120, check=False
    )
    return process.returncode, process.stdout.decode("utf-8"), process.stderr.decode("utf-8")


def harmless(text: str) -> None:
    """No control character but line ends (and tabs between the columns of a piped table)."""
    found = CONTROL_PATTERN.search(text.translate(LINE_ENDS))
    assert not found, ascii(text[max(0, found.start() - 100) : found.end() + 100])


@pytest.mark.parametrize("view", VIEWS)
async def test_piped(hostile_url: str, view: str) -> None:
    runs = await asyncio.gather(*(sqtui("--url", hostile_url, *VIEWS[view], "-o", form) for form in FORMATS))
    for form, (code, out, err) in zip(FORMATS, runs, strict=True):
        assert (code, err) == (0, ""), form
        harmless(out)
        check(form, out)


def check(form: str, out: str) -> None:
    """That the output is what its format says, whatever the data says."""
    if form == "table":
        assert out.endswith("\n")
        return
    if form == "csv":
        csv.field_size_limit(16 << 20)
        header, *rows = list(csv.reader(io.StringIO(out, newline=""), strict=True))
        assert all(len(row) == len(header) for row in rows)
        assert not [cell for row in rows for cell in row if cell[:1] in "=+@" and cell]
        return
    assert out.isascii()
    documents = [json.loads(line, parse_constant=_no_constant, parse_int=str) for line in out.splitlines()]
    if form == "json":
        (document,) = documents
        assert document["schema"] == "1"
        assert [server["ok"] for server in document["servers"]] == [True]
    else:
        assert all("server" in record for record in documents)


def _no_constant(name: str) -> object:
    raise AssertionError(f"{name} is no JSON")


async def test_every_payload_comes_back_byte_for_byte(hostile_url: str) -> None:
    for view, payloads in (("queue hostile", HOSTILE_PAYLOADS), ("retries", list(set(HOSTILE_PAYLOADS)))):
        _, out, _ = await sqtui("--url", hostile_url, *view.split(), "--limit", "all", "-o", "json")
        jobs = json.loads(out, parse_int=str)["servers"][0]["jobs"]
        assert sorted(job["raw"].encode("utf-8", "surrogateescape") for job in jobs) == sorted(payloads)


@pytest.mark.parametrize("view", VIEWS)
async def test_on_a_terminal(hostile_url: str, view: str) -> None:
    for form, columns in (*((form, 80) for form in FORMATS), ("table", 200)):
        harmless(await asyncio.to_thread(shown, hostile_url, [*VIEWS[view], "-o", form], columns))


def shown(url: str, args: Sequence[str], columns: int) -> str:
    """What it writes to a terminal, without our own colours and without the removal of the progress line."""
    with Terminal(command("--url", url, *args), columns=columns, rows=24) as terminal:
        assert terminal.wait_exit() == 0, terminal.output[-2000:]
        return OUR_COLOURS.sub("", terminal.output.decode("utf-8")).replace("\r\x1b[K", "")


@pytest.mark.parametrize(
    "args", [("job", EVIL + EVIL), ("queue", "hostile", f"class>{EVIL}"), ("--server", EVIL, "queues"), (EVIL,)]
)
async def test_errors_quote_harmlessly(hostile_url: str, args: tuple[str, ...]) -> None:
    code, out, err = await sqtui("--url", hostile_url, *args)
    assert code in (1, 2)
    harmless(out)
    harmless(err)
    assert "Traceback" not in err


async def test_keys_of_the_wrong_type_are_an_error_in_words(raw: redis.asyncio.Redis, redis_url: str) -> None:
    await raw.mset({"queues": EVIL, "retry": EVIL, "processes": EVIL, "stat:processed": EVIL, "paused": EVIL})
    for view in (("servers",), ("dashboard",), ("queues",), ("retries",), ("workers",), ("job", JID)):
        for form in ("table", "json"):
            code, out, err = await sqtui("--url", redis_url, *view, "-o", form)
            assert code in (0, 1), (view, err)
            harmless(out)
            harmless(err)
            assert "Traceback" not in err
            assert "unexpected" not in err
