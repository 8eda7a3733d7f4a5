"""The tables of the settings file that are about the terminal: read strictly, written without losing a comment."""

from __future__ import annotations

from pathlib import Path

import pytest

from sidekiq_tui.errors import ConfigError, UsageError
from sidekiq_tui.servers.profile_store import load_profiles, parse_profiles, select_servers
from sidekiq_tui.servers.settings import Settings
from sidekiq_tui.servers.settings_edit import remove_filter, save_filter


def _read(text: str) -> tuple[Settings, list[str]]:
    found = parse_profiles(text.encode(), Path("/c"))
    return found.settings, [f"{problem}  {problem.suggestion}".strip() for problem in found.problems]


def test_an_empty_file_has_the_defaults() -> None:
    assert _read("") == (Settings(), [])


def test_all_that_can_be_set() -> None:
    settings, problems = _read(
        '[ui]\ntheme = "nord"\nascii = true\nmouse = false\ntimes = "utc"\nhistory = false\n'
        '[keys]\nfreeze = "F"\ndown = ["n", "down"]\ngo-dead = "g  D"\n'
        '[filters]\ntimeouts = " error:Timeout age>2h "\n'
    )
    assert problems == []
    assert settings == Settings(
        theme="nord",
        ascii=True,
        mouse=False,
        times="utc",
        history=False,
        keys={"freeze": ("F",), "down": ("n", "down"), "go-dead": ("g D",)},
        filters={"timeouts": "error:Timeout age>2h"},
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[filter]\n", "/c, line 1: [filter]: there is no such table  did you mean filters?"),
        ("ui = 3\n", "/c, line 1: [ui]: must be a table: [ui]"),
        ('[ui]\nthem = "x"\n', "/c, line 2: [ui] them: there is no such key  did you mean theme?"),
        ("[ui]\nzzz = 1\n", "/c, line 2: [ui] zzz: there is no such key  known: theme, ascii, mouse, times, history"),
        ('[ui]\nascii = "yes"\n', "/c, line 2: [ui] ascii: must be true or false"),
        ("[ui]\ntheme = 1\n", "/c, line 2: [ui] theme: must be a text"),
        (
            '[ui]\ntimes = "UTC"\n',
            "/c, line 2: [ui] times: must be one of relative, local, utc",
        ),
        (
            "[keys]\nfreeze = 3\n",
            '/c, line 2: [keys] freeze: must be a key or a list of keys  e.g. "ctrl+r" or ["j", "down"]',
        ),
        (
            "[keys]\nfreeze = []\n",
            '/c, line 2: [keys] freeze: must be a key or a list of keys  e.g. "ctrl+r" or ["j", "down"]',
        ),
        ('[filters]\n"a b" = "x"\n', "/c, line 2: [filters] a b: a filter's name is one printable word"),
        (
            '[filters]\nx = ""\n',
            '/c, line 2: [filters] x: must be the words of a filter  e.g. "class:Invoice age>2h"',
        ),
        ('[filters]\nx = "a\\u001bb"\n', "/c, line 2: [filters] x: must be printable and at most 4,096 characters"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, words: str) -> None:
    settings, problems = _read(text)
    assert problems == [words]
    assert settings == Settings()


def test_what_is_wrong_leaves_the_rest_and_the_servers(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[ui]\nascii = true\nthem = "x"\n[servers.a]\nurl = "redis://h"\n')
    found = select_servers(config=config, environ={})
    assert found.settings.ascii is True
    assert [profile.name for profile in found.profiles] == ["a"]


def test_a_wrong_look_does_not_hide_the_server_of_the_environment(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[ui]\nthem = "x"\n')
    assert select_servers(config=config, environ={"REDIS_URL": "redis://h"}).chosen[0].host == "h"


def test_a_filter_is_saved_beside_what_was_there(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    before = '# mine\n[servers.a]\nurl = "redis://h"  # here\n\n[filters]\n# slow ones\nslow = "age>2h"\n'
    config.write_text(before)
    config.chmod(0o640)
    save_filter(config, "late", "class:Foo -Bar")
    assert config.read_text() == before + 'late = "class:Foo -Bar"\n'
    assert config.stat().st_mode & 0o777 == 0o640
    save_filter(config, "slow", 'error:"time out"')
    assert load_profiles(config).settings.filters == {"slow": 'error:"time out"', "late": "class:Foo -Bar"}
    remove_filter(config, "late")
    remove_filter(config, "late")
    assert "# slow ones" in config.read_text()
    assert list(load_profiles(config).settings.filters) == ["slow"]


def test_a_filter_that_is_wrong_already_is_no_reason_against_another(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("[filters]\nbad = 3\n")
    save_filter(config, "good", "age>2h")
    assert config.read_text() == '[filters]\nbad = 3\ngood = "age>2h"\n'


def test_the_first_filter_makes_the_file_for_its_owner_alone(tmp_path: Path) -> None:
    config = tmp_path / "new" / "c.toml"
    save_filter(config, "slow", "age>2h")
    assert config.read_text() == '[filters]\nslow = "age>2h"\n'
    assert config.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("name", ["", "two words", "x" * 41, "a\x1b"])
def test_names_that_could_not_be_read_again(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        save_filter(tmp_path / "c.toml", name, "age>2h")
    assert not (tmp_path / "c.toml").exists()


def test_a_filter_that_could_not_be_read_again_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing was written"):
        save_filter(tmp_path / "c.toml", "x", "a\x1bb")


def test_a_file_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be"):
        save_filter(tmp_path / "file" / "c.toml", "x", "age>2h")
    broken = tmp_path / "c.toml"
    broken.write_text("[filters\n")
    with pytest.raises(ConfigError, match="not TOML"):
        save_filter(broken, "x", "age>2h")
    broken.write_text("filters = 3\n")
    with pytest.raises(ConfigError, match="no table"):
        save_filter(broken, "x", "age>2h")
    assert broken.read_text() == "filters = 3\n"


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    save_filter(tmp_path / "c.toml", "x", "age>2h")
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["c.toml"]
