"""The settings file: one broken table never takes the others down, and every problem names its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidekiq_tui.errors import ConfigError, UsageError
from sidekiq_tui.servers.profile_schema import KEYS, TABLE_KEYS
from sidekiq_tui.servers.profile_store import ProfileSet, load_profiles, parse_profiles, select_servers

EXAMPLE = Path(__file__).parents[3] / "profiles.example.toml"


def parse(text: str, path: Path = Path("/etc/sqtui/config.toml")) -> ProfileSet:
    return parse_profiles(text.encode(), path)


@pytest.fixture
def config(own_machine: Path) -> Path:
    folder = own_machine / "conf"
    folder.mkdir(mode=0o700)
    return folder / "config.toml"


def test_defaults_follow_the_label() -> None:
    found = parse('[servers.a]\nurl = "redis://h"\n[servers.b]\nhost = "h"\nlabel = "Production"\n').profiles
    assert [(p.access, p.guard, p.poll_interval, p.origin) for p in found] == [
        ("full", False, 2.0, "file"),
        ("operate", True, 2.0, "file"),
    ]
    chosen = parse('[servers.b]\nhost = "h"\nlabel = "production"\nguard = false\naccess = "full"\n').profiles[0]
    assert (chosen.access, chosen.guard) == ("full", False)


def test_what_operations_keep_there() -> None:
    text = '[servers.a]\nhost = "h"\n[servers.b]\nhost = "h"\nscratch_prefix = "ops:x"\ndurability = "fsync"\n'
    plain, chosen = parse(f'{text}journal.payloads = "none"\n').profiles
    assert (plain.scratch_prefix, plain.durability, plain.journal_payloads) == ("sqtui:", "ack", None)
    assert (chosen.scratch_prefix, chosen.durability, chosen.journal_payloads) == ("ops:x:", "fsync", "none")


def test_the_example_is_right_and_shows_every_key() -> None:
    text = EXAMPLE.read_text("utf-8")
    found = parse(text)
    assert found.problems == ()
    assert len(found.profiles) == 4
    tables = [key for keys in TABLE_KEYS.values() for key in keys]
    missing = [key for key in (*KEYS, *tables) if f"\n{key} = " not in text and key not in TABLE_KEYS]
    assert missing == []


def test_a_broken_table_leaves_the_others_alone() -> None:
    found = parse(
        """# servers
[servers.good]
url = "redis://h"

[servers."bad one"]
url = "redis://h"
pol_interval = 3
access = "opperate"
port = "x"

[servers.tls]
url = "rediss://h"
[servers.tls.tls]
verfy = "none"
[servers.also-good]
socket = "/s"
[server.x]
"""
    )
    assert [profile.name for profile in found.profiles] == ["good", "also-good"]
    said = {(p.line, p.table, p.key): f"{p.message} {p.suggestion}" for p in found.problems}
    assert set(said) == {
        (7, 'servers."bad one"', "pol_interval"),
        (8, 'servers."bad one"', "access"),
        (9, 'servers."bad one"', "port"),
        (14, "servers.tls", "tls.verfy"),
        (17, "server", ""),
    }
    assert "did you mean poll_interval?" in said[7, 'servers."bad one"', "pol_interval"]
    assert "did you mean operate?" in said[8, 'servers."bad one"', "access"]
    assert "expected int" in said[9, 'servers."bad one"', "port"]
    assert "did you mean verify?" in said[14, "servers.tls", "tls.verfy"]
    assert "did you mean servers?" in said[17, "server", ""]
    assert str(found.problems[0]).startswith("/etc/sqtui/config.toml, line ")


@pytest.mark.parametrize(
    ("body", "key", "said"),
    [
        ("", "", "no url"),
        ('url = "redis://h"\nhost = "h"', "host", "the url says this already"),
        ('socket = "/s"\nport = 1', "port", "does not go with a socket"),
        ('url = "redis://h"\ntls = true', "url", "rediss://"),
        ('url = "rediss://h"\ntls = false', "url", "redis://"),
        ('url = "redis://h:x"', "url", "port"),
        ('url = "redis://:hunter2@h"', "url", "password_command"),
        ('host = "h"\npassword = "hunter2"', "password", "password_command"),
        ('host = "h"\npoll_interval = 0', "poll_interval", "> 0"),
        ('host = "h"\npoll_interval = "fast"', "poll_interval", "expected float"),
        ('host = "h"\npoll_interval = nan', "poll_interval", ""),
        ('host = "h"\nport = 70000', "port", "<= 65535"),
        ('host = "h"\nlabel = ""', "label", "length"),
        ('host = "h"\ndead_max_jobs = 0', "dead_max_jobs", ">= 1"),
        ('host = "h"\npassword_command = []', "password_command", "length"),
        ('host = "h"\npassword_command = "pass \'x"', "password_command", "quotes"),
        ('host = "h"\npassword_command = "a"\npassword_file = "b"', "password_file", "one of the two"),
        ('host = "h"\ntls = {key_file = "k"}', "tls.key_file", "cert_file"),
        ('host = "h"\nfavourite = true', "favourite", "favorite"),
        ('host = "h"\ndatabase = -1', "database", ">= 0"),
        ('host = "h"\ndurability = "replicas"', "durability", "ack, fsync, replica"),
        ('host = "h"\nscratch_prefix = "a b"', "scratch_prefix", "letters"),
        ('host = "h"\nscratch_prefix = "queue:x"', "scratch_prefix", "Sidekiq's own"),
        ('host = "h"\njournal = {payload = "none"}', "journal.payload", "payloads"),
        ('host = "h"\njournal.payloads = "some"', "journal.payloads", "keep, server-only, none"),
    ],
)
def test_problems_of_one_server(body: str, key: str, said: str) -> None:
    found = parse(f"[servers.x]\n{body}\n")
    assert found.profiles == ()
    assert [problem.key for problem in found.problems] == [key]
    text = f"{found.problems[0]} {found.problems[0].suggestion}"
    assert said in text
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ('[servers.x]\nhost = "h"\nport 3\n', 3, "not TOML"),
        ("servers = 3", 1, "must be tables"),
        ("[servers]\nx = 3", 2, "must be a table"),
        ('[servers.""]\nhost = "h"', 1, "printable"),
        ('[servers."a\\nb"]\nhost = "h"', 1, "printable"),
        ('[[servers.x]]\nhost = "h"', 1, "must be a table"),
        ("x = [" * 3000, None, ""),
    ],
)
def test_problems_of_the_file(text: str, line: int | None, said: str) -> None:
    found = parse(text)
    assert found.profiles == ()
    assert len(found.problems) >= 1
    assert said in str(found.problems[0])
    if line is not None:
        assert found.problems[0].line == line


def test_bytes_that_are_not_text_are_a_problem() -> None:
    found = parse_profiles(b'[servers.x]\nhost = "\xff"\n', Path("/c"))
    assert (found.problems[0].line, found.problems[0].message) == (2, "not UTF-8 text")


def test_two_names_with_one_password_variable_are_refused() -> None:
    found = parse('[servers.prod-eu]\nhost = "a"\n[servers.PROD_EU]\nhost = "b"\n[servers."продЪ"]\nhost = "c"\n')
    assert [profile.name for profile in found.profiles] == ["prod-eu", "продЪ"]
    assert "SQTUI_PROD_EU_PASSWORD" in found.problems[0].message
    assert found.problems[0].line == 3


def test_relative_files_begin_at_the_settings_file() -> None:
    profile = parse(
        '[servers.x]\nhost = "h"\npassword_file = "pw"\ntls = {ca_file = "~/ca", cert_file = "/c"}\n'
    ).profiles[0]
    assert profile.password_file == "/etc/sqtui/pw"
    assert profile.tls is not None
    assert profile.tls.ca_file == str(Path("~/ca").expanduser())
    assert profile.tls.cert_file == "/c"


def test_a_missing_file(config: Path) -> None:
    with pytest.raises(ConfigError):
        load_profiles(config)
    assert load_profiles(environ={}).notices == ()
    found = load_profiles(environ={"SQTUI_CONFIG": str(config)})
    assert (found.profiles, len(found.notices)) == ((), 1)
    assert "SQTUI_CONFIG" in found.notices[0]


def test_nothing_configured_takes_what_sidekiq_would(config: Path) -> None:
    def taken(**environ: str) -> tuple[str, str]:
        (profile,) = select_servers(environ=environ).chosen
        return profile.name, profile.origin

    assert taken() == ("localhost:6379/0", "default")
    assert taken(REDIS_URL="redis://r/1") == ("r:6379/1", "environment")
    assert taken(REDIS_URL="redis://r/1", REDIS_PROVIDER="OTHER", OTHER="redis://o/2") == ("o:6379/2", "environment")
    assert taken(REDIS_URL="redis://r/1", REDIS_PROVIDER="GONE") == ("r:6379/1", "environment")
    for environ in (
        {"REDIS_PROVIDER": "GONE"},
        {"REDIS_PROVIDER": "redis://x"},
        {"REDIS_URL": "nonsense://:hunter2@h"},
    ):
        with pytest.raises(ConfigError) as caught:
            taken(**environ)
        assert "hunter2" not in str(caught.value)
    config.write_text('[servers.a]\nhost = "h"\n')
    assert taken(SQTUI_CONFIG=str(config), REDIS_URL="redis://r/1") == ("a", "file")


def test_a_broken_file_never_falls_back_to_another_server(config: Path) -> None:
    config.write_text('[servers.a]\nhots = "h"\n')
    with pytest.raises(ConfigError, match="hots"):
        select_servers(config=config, environ={})
    assert select_servers(config=config, urls=["redis://u"], environ={}).chosen[0].name == "u:6379/0"


def test_the_servers_of_a_run(config: Path) -> None:
    config.write_text('[servers.a]\nhost = "h"\n[servers.b]\nhost = "i"\nfavorite = true\n[servers.c]\nhots = "i"\n')

    def chosen(**options: object) -> list[str]:
        return [profile.name for profile in select_servers(config=config, environ={}, **options).chosen]  # type: ignore[arg-type]

    assert chosen() == []
    with pytest.raises(UsageError, match="which server"):
        select_servers(config=config, environ={}).require()
    assert chosen(all_servers=True) == ["a", "b"]
    assert chosen(servers=["b", "a", "b"]) == ["b", "a"]
    assert chosen(urls=["redis://u"]) == ["u:6379/0"]
    assert chosen(urls=["redis://u"], servers=["a"]) == ["u:6379/0", "a"]
    assert chosen(urls=["redis://u"], all_servers=True) == ["u:6379/0", "a", "b"]
    merged = select_servers(config=config, urls=["redis://u"], environ={})
    assert [profile.name for profile in merged.profiles] == ["u:6379/0", "a", "b"]
    with pytest.raises(UsageError) as unknown:
        chosen(servers=["aa"])
    assert "did you mean a?" in unknown.value.hint
    with pytest.raises(ConfigError, match="hots"):
        chosen(servers=["c"])


def test_urls_with_one_name_are_told_apart() -> None:
    found = select_servers(urls=["redis://h", "redis://h", "redis://other:pw@h"], environ={}).profiles
    assert [profile.name for profile in found] == ["h:6379/0", "h:6379/0#2"]


def test_a_file_that_others_may_change_decides_no_command(config: Path) -> None:
    config.write_text('[servers.a]\nhost = "h"\npassword_command = ["pass"]\n[servers.b]\nhost = "h"\n')
    config.chmod(0o600)
    assert [p.commands_refused for p in load_profiles(config).profiles] == ["", ""]
    config.chmod(0o602)
    refused = load_profiles(config).profiles
    assert "can be written by others" in refused[0].commands_refused
    assert refused[1].commands_refused == ""
    config.chmod(0o600)
    config.parent.chmod(0o770)
    assert str(config.parent) in load_profiles(config).profiles[0].commands_refused
