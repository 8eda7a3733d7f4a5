"""Exports: the exact bytes of any selection, in a file that only its owner reads, and back again."""

from __future__ import annotations

import csv
import io
import json
import math
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from sidekiq_tui.demo.embedded import EmbeddedRedis
from sidekiq_tui.errors import ConfigError
from sidekiq_tui.operations import export as exporting
from sidekiq_tui.operations.export import COLUMNS, FORMATS, export, export_to
from sidekiq_tui.operations.new_jobs import read_import
from sidekiq_tui.operations.payloads import PayloadContext
from sidekiq_tui.operations.selection import Matching, Rows, Whole
from sidekiq_tui.servers.profile import Profile
from sidekiq_tui.servers.server import Server
from sidekiq_tui.sidekiq.filter import parse_filter
from sidekiq_tui.sidekiq.job import JobRecord, Place
from sidekiq_tui.sidekiq.payload import to_bytes
from tests.support.hostile import HOSTILE_PAYLOADS

GOOD = b'{"class":"Mail","args":[1,"\xc5\xbc"],"jid":"%s","queue":"mails","created_at":5,"retry":true}' % (b"a" * 24)
ODD = (
    GOOD,
    b'{"class":"=cmd()","args":[1e400,NaN],"jid":"@b","queue":"q\xff"}',
    b'{"class":"M\\ud800","args":[{"x":"line\\nbreak, \\"quoted\\""}],"error_message":"+1"}',
    b"\x80\x04 no job\x1b]52;c;aGFja2Vk\x07 {\n",
    b"",
)


@pytest.fixture
async def server(redis_url: str, redis_server: EmbeddedRedis) -> AsyncIterator[Server]:
    opened = Server(Profile(name="prod", socket=str(redis_server.socket)))
    yield opened
    await opened.close()


async def text_of(server: Server, selection: Any, format: Any) -> str:
    parts: list[str] = []
    heard: list[int] = []
    count = await export(server, selection, parts.append, format, progress=heard.append)
    assert heard[-1:] == [count]
    return "".join(parts)


async def test_ndjson_has_the_exact_bytes_of_a_whole_place(raw: Any, server: Server) -> None:
    await raw.zadd("dead", {one: at for at, one in enumerate(ODD)})
    lines = (await text_of(server, Whole(Place("dead")), "ndjson")).splitlines()
    assert all(line.isascii() for line in lines)
    records = [json.loads(line) for line in lines]
    assert [to_bytes(one["raw"]) for one in records] == list(ODD[::-1])  # the newest dead first
    assert [one["at"] for one in records] == [4.0, 3.0, 2.0, 1.0, 0.0]
    assert {one["place"] for one in records} == {"dead"}


async def test_an_export_of_more_than_a_slice_comes_back_by_an_import(raw: Any, server: Server) -> None:
    jobs = [GOOD.replace(b"[1,", b"[%d," % number) for number in range(1200)]
    await raw.lpush("queue:mails", *jobs)
    text = await text_of(server, Matching((Place("queue", "mails"),), parse_filter("class:Mail")), "ndjson")
    made = read_import(text.encode().splitlines(), context=PayloadContext(now=9.0, form="seconds"))
    assert sorted(one for one, _, _ in made.payloads) == sorted(job[:-1] + b',"enqueued_at":9.0}' for job in jobs)


@pytest.mark.parametrize("jobs", [(), ODD[:1], ODD])
async def test_json_is_one_document_with_payloads_where_they_are_json(server: Server, jobs: tuple[bytes, ...]) -> None:
    rows = Rows(tuple(JobRecord(one, Place("retry"), float("inf")) for one in jobs))
    document = json.loads(await text_of(server, rows, "json"), parse_constant=pytest.fail)
    assert [to_bytes(one["raw"]) for one in document] == list(jobs)
    assert [one["payload"] is None for one in document] == [at not in (0, 2) for at in range(len(jobs))]
    assert all(one["at"] is None for one in document)


async def test_csv_has_one_line_a_job_and_no_formula(server: Server) -> None:
    rows = Rows(tuple(JobRecord(one, Place("retry"), 5.5) for one in ODD))
    text = await text_of(server, rows, "csv")
    assert len(text.splitlines()) == 1 + len(ODD)
    header, *lines = csv.reader(io.StringIO(text))
    assert tuple(header) == COLUMNS
    cells = [dict(zip(header, line, strict=True)) for line in lines]
    assert cells[0]["args"] == '[1,"ż"]'
    assert cells[0]["created_at"] == "5.0"
    assert cells[1]["class"] == "'=cmd()"
    assert cells[1]["jid"] == "'@b"
    assert cells[2]["error_message"] == "'+1"
    assert not [one for line in lines for one in line if one.startswith(("=", "+", "-", "@"))]
    assert "\x1b" not in text
    text.encode("utf-8")


def named(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir() if "dead" in one.name]


@pytest.mark.parametrize("format", FORMATS)
async def test_a_file_is_private_and_never_replaced_unasked(server: Server, tmp_path: Path, format: Any) -> None:
    path = tmp_path / "dead.out"
    rows = Rows((JobRecord(GOOD, Place("dead"), 1.0),))
    done = await export_to(server, rows, path, format)
    assert (done.count, done.size, done.path) == (1, path.stat().st_size, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    with pytest.raises(ConfigError, match="exists"):
        await export_to(server, Rows(()), path, format)
    assert path.read_bytes() == before
    await export_to(server, Rows(()), path, format, force=True)
    assert path.read_bytes() != before
    assert named(tmp_path) == ["dead.out"]


async def test_a_link_is_not_followed_and_a_folder_is_no_file(server: Server, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ConfigError):
        await export_to(server, Rows(()), tmp_path / "link", "json")
    assert not (tmp_path / "elsewhere").exists()
    with pytest.raises(ConfigError, match="cannot be written"):
        await export_to(server, Rows(()), tmp_path / "none" / "file", "json")
    with pytest.raises(ConfigError, match="cannot be written"):
        await export_to(server, Rows(()), tmp_path, "json", force=True)


@pytest.mark.parametrize("force", [False, True])
async def test_what_fails_leaves_no_file(raw: Any, server: Server, tmp_path: Path, force: bool) -> None:
    await raw.set("dead", "no set")
    if force:
        (tmp_path / "dead.json").write_text("the old one")
    with pytest.raises(Exception, match="another type"):
        await export_to(server, Whole(Place("dead")), tmp_path / "dead.json", "json", force=force)
    assert named(tmp_path) == (["dead.json"] if force else [])


@pytest.mark.parametrize("score", [None, 0.0, -1.5, 1e300, math.inf, math.nan, 1795400470.9334693])
@pytest.mark.parametrize("place", [Place("dead"), Place("queue", 'ein"bär\udc80')])
def test_a_line_is_what_an_encoder_of_json_makes_of_the_facts(place: Place, score: float | None) -> None:
    for raw in (
        *HOSTILE_PAYLOADS,
        *ODD,
        b'{"class":"A","args":[],"retry":1,"queue":"q","jid":"\\u00e4\\"","created_at":1}',
    ):
        job = JobRecord(raw, place, score)
        assert exporting._ndjson_line(job) == json.dumps(exporting._facts(JobRecord(raw, place, score)))
