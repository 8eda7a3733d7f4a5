"""Which servers a command line is about, and what it says and returns when something is wrong."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import redis as plain_redis

from sidekiq_tui.demo.embedded import EmbeddedRedis
from tests.conftest import LoadDump, StartRedis, plain_client
from tests.integration.cli.conftest import Sqtui

Config = Callable[[str], str]
REFUSED = "redis://127.0.0.1:1"


@pytest.fixture
def black_hole() -> Iterator[str]:
    """An address that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"redis://127.0.0.1:{server.getsockname()[1]}"


def two(redis_url: str, other: str = REFUSED) -> str:
    return f'[servers.prod]\nurl = "{redis_url}"\nlabel = "production"\n[servers.staging]\nurl = "{other}"\n'


def test_the_only_server_needs_no_name(sqtui: Sqtui, redis_url: str, config: Config) -> None:
    file = config(f'[servers.prod]\nurl = "{redis_url}"\n')
    document = sqtui("--config", file, "dashboard", "-o", "json").document
    assert [server["name"] for server in document["servers"]] == ["prod"]
    assert "total" not in document


@pytest.mark.parametrize(
    "view", [("dashboard",), ("queues",), ("retries",), ("workers",), ("check", "--max-dead", "1")]
)
def test_of_several_servers_one_must_be_named(sqtui: Sqtui, redis_url: str, config: Config, view: tuple[str]) -> None:
    ran = sqtui("--config", config(two(redis_url, redis_url)), *view)
    assert ran.code == 2
    assert ran.out == ""
    assert "prod, staging" in ran.err
    assert "--server" in ran.err
    assert "--all" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("unreachable", ["prod", "staging"])
def test_of_several_errors_an_unreachable_server_decides_the_exit_code(
    sqtui: Sqtui, redis_url: str, redis_server: EmbeddedRedis, config: Config, unreachable: str
) -> None:
    with plain_client(redis_server) as client:
        client.set("retry", "no set at all")
    urls = (REFUSED, redis_url) if unreachable == "prod" else (redis_url, REFUSED)
    ran = sqtui("--config", config(two(*urls)), "--all", "retries")
    assert ran.code == 3
    assert sqtui("--config", config(two(*urls)), "--all", "retries", "-o", "json").code == 3
    assert len(ran.err.splitlines()) == 2


@pytest.mark.parametrize("view", [("servers",), ("job", "nowhere")])
def test_the_board_and_the_search_for_a_job_take_all(
    sqtui: Sqtui, redis_url: str, config: Config, view: tuple[str]
) -> None:
    document = sqtui("--config", config(two(redis_url, redis_url)), *view, "-o", "json").document
    assert [server["name"] for server in document["servers"]] == ["prod", "staging"]
    assert "total" in document


def test_named_servers_come_in_the_order_they_were_named(sqtui: Sqtui, redis_url: str, config: Config) -> None:
    file = config(two(redis_url, redis_url))
    argv = ("--config", file, "dashboard", "--server", "staging", "--server", "prod", "-o", "json")
    document = sqtui(*argv).document
    assert [server["name"] for server in document["servers"]] == ["staging", "prod"]


def test_totals_add_up(sqtui: Sqtui, redis_url: str, config: Config, load_dump: LoadDump) -> None:
    load_dump("8.1.7")
    document = sqtui("--config", config(two(redis_url, redis_url)), "--all", "dashboard", "-o", "json").document
    one, other = document["servers"]
    for field in ("processed", "failed", "enqueued", "retries", "dead", "busy", "processes", "rss"):
        assert document["total"][field] == one[field] + other[field]


def test_an_unknown_server_is_a_usage_error_with_the_nearest_name(sqtui: Sqtui, redis_url: str, config: Config) -> None:
    ran = sqtui("--config", config(two(redis_url)), "dashboard", "--server", "prdo")
    assert ran.code == 2
    assert "prdo" in ran.err
    assert "prod" in ran.err


def test_a_missing_config_file_is_an_error(sqtui: Sqtui, tmp_path: Path) -> None:
    ran = sqtui("--config", str(tmp_path / "none.toml"), "dashboard")
    assert ran.code == 1
    assert "none.toml" in ran.err


def test_what_is_wrong_in_the_file_is_said_and_the_others_work(sqtui: Sqtui, redis_url: str, config: Config) -> None:
    file = config(f'[servers.good]\nurl = "{redis_url}"\n[servers.bad]\nhots = "x"\n')
    ran = sqtui("--config", file, "dashboard", "-o", "json", "--server", "good")
    assert ran.code == 0
    assert ran.document["servers"][0]["ok"]
    assert "hots" in ran.err
    assert "line 4" in ran.err


@pytest.mark.parametrize("format", ["table", "json", "ndjson", "csv"])
def test_one_server_down_does_not_hide_the_other(
    sqtui: Sqtui, redis_url: str, load_dump: LoadDump, config: Config, format: str
) -> None:
    load_dump("8.1.7")
    ran = sqtui("--config", config(two(redis_url)), "--all", "retries", "--limit", "3", "-o", format)
    assert ran.code == 3
    assert ran.err.startswith("sqtui: staging: ")
    assert "127.0.0.1:1" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "61bdcd497453879b366a6222" in ran.out
    if format == "json":
        good, bad = ran.document["servers"]
        assert (good["name"], good["ok"], good["error"], len(good["jobs"])) == ("prod", True, None, 3)
        assert (bad["name"], bad["ok"], bad["size"], bad["jobs"]) == ("staging", False, None, [])
        assert "\n" not in bad["error"]
        assert ran.document["total"] == {"size": 31}


@pytest.mark.parametrize("view", ["servers", "dashboard", "queues", "workers", "retries"])
def test_a_lost_server_has_the_fields_of_the_others(sqtui: Sqtui, redis_url: str, config: Config, view: str) -> None:
    for format in ("ndjson", "csv"):
        assert sqtui("--config", config(two(redis_url)), "--all", view, "-o", format).code == 3
    document = sqtui("--config", config(two(redis_url)), "--all", view, "-o", "json").document
    good, bad = document["servers"]
    assert list(bad) == list(good)
    assert None not in document["total"].values() or view in ("servers", "dashboard")


def test_a_lost_dashboard_knows_nothing(sqtui: Sqtui, redis_url: str, config: Config) -> None:
    _, bad = sqtui("--config", config(two(redis_url)), "--all", "dashboard", "-o", "json").document["servers"]
    assert (bad["processed"], bad["latency"], bad["queues"], bad["redis"]["version"]) == (None,) * 4


def test_a_job_that_may_lie_where_we_may_not_look(sqtui: Sqtui, redis_server: EmbeddedRedis, redis_url: str) -> None:
    with plain_client(redis_server) as client:
        client.sadd("queues", "low")
        client.lpush("queue:low", '{"jid":"here"}')
        client.set("queue:odd", "no list")
        client.sadd("queues", "odd")
        client.set("retry", "no set")
    for jid, code in (("here", 0), ("there", 1)):
        ran = sqtui("--url", redis_url, "job", jid, "-o", "json")
        assert (ran.code, len(ran.document["servers"][0]["jobs"])) == (code, 1 - code)
        assert "not everything could be searched: retries, queue odd; the job may be there" in ran.err


@pytest.mark.parametrize("format", ["table", "json", "ndjson", "csv"])
def test_the_board_shows_a_lost_server_too(sqtui: Sqtui, redis_url: str, config: Config, format: str) -> None:
    ran = sqtui("--config", config(two(redis_url)), "servers", "-o", format)
    assert ran.code == 3
    assert "staging" in ran.out
    assert "offline" in ran.out
    if format == "json":
        bad = ran.document["servers"][1]
        assert bad["state"] == "offline"
        assert bad["processed"] is None
        assert bad["label"] is None
        assert bad["reasons"]


def test_a_silent_server_costs_its_own_timeout_only(
    sqtui: Sqtui, redis_url: str, config: Config, black_hole: str
) -> None:
    ran = sqtui("--config", config(two(redis_url, black_hole)), "--all", "dashboard", "-o", "json", "--timeout", "0.3")
    good, bad = ran.document["servers"]
    assert ran.code == 3
    assert good["ok"]
    assert not bad["ok"]
    assert "0.3" in bad["error"]


def test_a_user_that_may_only_read_can_use_every_view(
    sqtui: Sqtui, redis_server: EmbeddedRedis, redis_url: str, load_dump: LoadDump
) -> None:
    load_dump("8.1.7")
    with plain_client(redis_server) as client:
        client.execute_command(
            *("ACL", "SETUSER", "reader", "on", ">secret", "~*", "+@read", "+@connection", "-@dangerous", "+info")
        )
    url = redis_url.replace("unix://", "unix://reader:secret@")
    views = (
        *(
            ("servers",),
            ("dashboard",),
            ("queues",),
            ("queue", "default"),
            ("retries",),
            ("scheduled", "Job"),
            ("dead",),
        ),
        *(("job", "61bdcd497453879b366a6222"), ("workers",), ("check", "--max-dead", "1000")),
    )
    for view in views:
        ran = sqtui(*view, "--url", url, "-o", "json")
        assert (ran.code, ran.err) == (0, ""), view
        assert "secret" not in ran.out
        assert ran.document["servers"][0]["ok"]


def test_what_a_user_may_not_read_is_said_and_the_rest_shown(
    sqtui: Sqtui, redis_server: EmbeddedRedis, redis_url: str, load_dump: LoadDump
) -> None:
    load_dump("8.1.7")
    with plain_client(redis_server) as client:
        client.execute_command(
            "ACL", "SETUSER", "half", "on", ">x", "~*", "+@read", "+@connection", "-zcard", "-hgetall", "-hmget"
        )
    url = redis_url.replace("unix://", "unix://half:x@")
    ran = sqtui("dashboard", "--url", url, "-o", "json")
    server = ran.document["servers"][0]
    assert server["enqueued"] == 287
    assert server["retries"] is None
    assert [warning for warning in server["warnings"] if warning.startswith("retries: cannot be read")]
    refused = sqtui("retries", "--url", url, "-o", "json")
    assert refused.code == 1
    assert "NOPERM" in refused.err or "zcard" in refused.err.lower()
    assert refused.document["servers"][0]["ok"] is False


def test_a_wrong_password_is_not_repeated(sqtui: Sqtui, embedded: StartRedis) -> None:
    server = embedded(password="right-secret")
    for url in (f"unix://:wrong-secret@{server.socket}", f"unix://{server.socket}"):
        ran = sqtui("dashboard", "--url", url, "--no-input", "--debug")
        assert ran.code == 3
        assert "secret" not in ran.err + ran.out
        assert "password" in ran.err.lower()


def test_wrong_types_are_an_error_of_that_list_alone(
    sqtui: Sqtui, redis_server: EmbeddedRedis, redis_url: str, load_dump: LoadDump
) -> None:
    load_dump("8.1.7")
    with plain_client(redis_server) as client:
        client.delete("retry")
        client.set("retry", "text")
    ran = sqtui("retries", "--url", redis_url, "-o", "json")
    assert ran.code == 1
    assert not ran.document["servers"][0]["ok"]
    assert sqtui("dead", "--url", redis_url).code == 0
    assert sqtui("dashboard", "--url", redis_url).code == 0


@pytest.mark.parametrize(
    "view", [("servers",), ("dashboard",), ("queues",), ("retries",), ("workers",), ("queue", "x")]
)
@pytest.mark.parametrize("format", ["table", "json", "ndjson", "csv"])
def test_an_empty_redis_is_no_error(sqtui: Sqtui, redis_url: str, view: tuple[str, ...], format: str) -> None:
    ran = sqtui(*view, "--url", redis_url, "-o", format)
    assert (ran.code, ran.err) == (0, "")


def test_an_unknown_queue_is_empty(sqtui: Sqtui, redis_url: str) -> None:
    ran = sqtui("queue", "nowhere", "--url", redis_url, "-o", "json")
    server = ran.document["servers"][0]
    assert (ran.code, server["size"], server["jobs"]) == (0, 0, [])


@pytest.mark.parametrize("format", ["table", "json", "ndjson", "csv"])
def test_a_job_that_is_nowhere(sqtui: Sqtui, redis_url: str, format: str) -> None:
    ran = sqtui("job", "feedfacefeedfacefeedface", "--url", redis_url, "-o", format)
    assert ran.code == 1
    assert "feedfacefeedfacefeedface" in ran.err
    if format == "json":
        assert ran.document["servers"][0] == {
            "name": ran.document["servers"][0]["name"],
            "ok": True,
            "error": None,
            "jobs": [],
        }


def test_a_job_that_may_be_on_the_lost_server_is_not_said_to_be_nowhere(
    sqtui: Sqtui, redis_url: str, config: Config
) -> None:
    ran = sqtui("--config", config(two(redis_url)), "job", "feedfacefeedfacefeedface")
    assert ran.code == 3
    assert "there is no job" not in ran.err


def test_a_mistake_of_ours_shows_neither_data_nor_secrets(
    sqtui: Sqtui, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sidekiq_tui.servers.server import Server

    async def broken(self: Server, now: float | None = None) -> None:
        password = "hunter2"
        raise KeyError(f"\x1b]52;c;{password}\x07")

    monkeypatch.setattr(Server, "overview", broken)
    ran = sqtui("dashboard", "--url", redis_url, "-o", "json")
    assert ran.code == 1
    assert "hunter2" not in ran.err + ran.out
    assert "unexpected KeyError" in ran.err
    assert "--debug" in ran.err
    assert ran.document["servers"][0]["ok"] is False
    traced = sqtui("dashboard", "--url", redis_url, "--debug")
    assert "Traceback" in traced.err
    assert "\x1b" not in traced.err


def test_nothing_is_ever_written_to_the_server(
    sqtui: Sqtui, redis_server: EmbeddedRedis, redis_url: str, load_dump: LoadDump
) -> None:
    load_dump("8.1.7")
    with plain_client(redis_server) as client:
        before = _everything(client)
        for view in (
            ("servers",),
            ("dashboard",),
            ("queues",),
            ("queue", "default", "x"),
            ("retries",),
            ("workers",),
            ("job", "x"),
        ):
            sqtui(*view, "--url", redis_url)
        assert _everything(client) == before


def _everything(client: plain_redis.Redis) -> dict[bytes, bytes | None]:
    return {key: client.dump(key) for key in client.scan_iter(count=1000)}


def test_errors_leave_stdout_to_data(sqtui: Sqtui) -> None:
    for argv in (("nonsense",), ("dashboard", "--nonsense"), ("retries", "age>soon"), ("check",)):
        ran = sqtui(*argv)
        assert ran.code == 2
        assert ran.out == ""
        assert len(ran.err.splitlines()) == 1
        assert ran.err.startswith("sqtui: ")


def test_json_is_one_line_in_a_pipe(sqtui: Sqtui, redis_url: str) -> None:
    out = sqtui("servers", "--url", redis_url, "-o", "json").out
    assert len(out.splitlines()) == 1
    assert json.loads(out)["schema"] == 1
