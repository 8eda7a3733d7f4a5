"""Where passwords come from, in which order, and what is refused on the way."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from sidekiq_tui.errors import SecretError
from sidekiq_tui.servers import keyring_store, secrets
from sidekiq_tui.servers.background import call_in_daemon
from sidekiq_tui.servers.connection import Credentials
from sidekiq_tui.servers.profile import Profile, Secret

PROFILE = Profile(name="prod-eu", host="h")
VARIABLE = "SQTUI_PROD_EU_PASSWORD"


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", code)


@pytest.fixture
def password_file(tmp_path: Path) -> Path:
    file = tmp_path / "password"
    file.write_text("from file\nsecond line\n")
    file.chmod(0o600)
    return file


async def found(profile: Profile, **environ: str) -> str | None:
    secret = await secrets.stored_secret(profile, {"PATH": os.environ["PATH"], **environ})
    return None if secret is None else secret.reveal()


async def test_the_order(password_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def from_keyring(account: str) -> str | None:
        return f"keyring of {account}"

    monkeypatch.setattr(keyring_store, "read", from_keyring)
    profile = replace(PROFILE, keyring=True)
    assert await found(profile) == "keyring of prod-eu"
    profile = replace(profile, password_file=str(password_file))
    assert await found(profile) == "from file"
    assert await found(profile, **{VARIABLE: "from variable"}) == "from variable"
    profile = replace(profile, password_command=python("print('from command')"))
    assert await found(profile, **{VARIABLE: "from variable"}) == "from command"
    profile = replace(profile, password=Secret("from url"))
    assert await found(profile) == "from url"
    assert await found(PROFILE) is None


@pytest.mark.parametrize(
    ("name", "variable"),
    [("prod", "SQTUI_PROD_PASSWORD"), ("a b.c", "SQTUI_A_B_C_PASSWORD"), ("h:6379/0", "SQTUI_H_6379_0_PASSWORD")],
)
def test_variables(name: str, variable: str) -> None:
    assert secrets.environment_variable(name) == variable


async def test_a_command_gets_no_shell_no_input_no_terminal_and_no_passwords() -> None:
    code = (
        "import os, sys; print(sys.argv[1], sys.stdin.read() == '', os.getsid(0) == os.getpid(),"
        " [k for k in os.environ if k.startswith('SQTUI')])"
    )
    environ = {"SQTUI_PROD_EU_PASSWORD": "x", "SQTUI_OTHER_PASSWORD": "y", "SQTUI_CONFIG": "c"}
    said = await secrets.run_command((*python(code), "$HOME;`id`"), environ)
    assert said == "$HOME;`id` True True ['SQTUI_CONFIG']"


async def test_only_the_first_line_counts_even_of_endless_output() -> None:
    assert await secrets.run_command(python("print('one'); print('two'); print('x' * 500000)"), {}) == "one"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (("/nowhere/pass",), "cannot be started: No such file"),
        (("a\0b",), "cannot be started"),
        (python("import sys; print('hidden'); sys.exit(3)"), "failed with status 3"),
        (python("import sys; sys.stderr.write('\\n\\x1b[31mgpg: no key\\x07\\nmore'); sys.exit(1)"), "gpg: no key"),
        (python("pass"), "printed nothing"),
        (python("print('x' * 70000)"), "more than"),
    ],
)
async def test_commands_that_fail(argv: tuple[str, ...], said: str) -> None:
    with pytest.raises(SecretError) as caught:
        await secrets.run_command(argv, {})
    assert said in caught.value.message
    assert "hidden" not in caught.value.message
    assert caught.value.message.isprintable()


async def test_a_command_that_hangs_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(secrets, "COMMAND_LIMIT", 0.5)
    mark = tmp_path / "pid"
    code = f"import os, time; os.fork(); open({str(mark)!r}, 'a').write(f'{{os.getpid()}} '); time.sleep(600)"
    with pytest.raises(SecretError, match=r"no answer within 0\.5s"):
        await secrets.run_command(python(code), {})
    for pid in mark.read_text().split():
        wait_until(lambda pid=int(pid): not _alive(pid))  # type: ignore[misc]


def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.005)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[-1].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


async def test_a_refused_command_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    profile = replace(
        PROFILE, password_command=python(f"open({str(mark)!r}, 'w')"), commands_refused="/c can be written by others"
    )
    with pytest.raises(SecretError, match="was not run: /c can be written by others"):
        await found(profile)
    assert not mark.exists()


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o666])
def test_a_password_file_that_others_can_read_is_refused(password_file: Path, mode: int) -> None:
    password_file.chmod(mode)
    with pytest.raises(SecretError) as caught:
        secrets.read_file(str(password_file))
    assert "can be read by others" in caught.value.message
    assert "chmod 600" in caught.value.hint


def test_password_files_that_are_none(tmp_path: Path, password_file: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, said in (("pipe", "not a regular file"), ("gone", "No such file"), (".", "not a regular file")):
        with pytest.raises(SecretError, match=said):
            secrets.read_file(str(tmp_path / name))
    password_file.write_text("\nx")
    with pytest.raises(SecretError, match="empty first line"):
        secrets.read_file(str(password_file))
    if os.geteuid() == 0:
        os.chown(password_file, 12345, -1)
        with pytest.raises(SecretError, match="another user"):
            secrets.read_file(str(password_file))


def test_what_makes_a_settings_file_untrusted(tmp_path: Path) -> None:
    file = tmp_path / "a" / "config.toml"
    file.parent.mkdir(mode=0o700)
    file.write_text("")
    file.chmod(0o644)
    assert secrets.untrusted(file) == ""
    elsewhere = tmp_path / "open"
    elsewhere.mkdir()
    elsewhere.chmod(0o777)
    (elsewhere / "link").symlink_to(file)
    assert str(elsewhere) in secrets.untrusted(elsewhere / "link")
    elsewhere.chmod(0o1777)
    assert secrets.untrusted(elsewhere / "link") == ""
    if os.geteuid() == 0:
        os.chown(file, 12345, -1)
        assert "belongs to another user" in secrets.untrusted(elsewhere / "link")


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("keyring.backends.fail.Keyring", "has no keyring"),
        ("keyring.backends.null.Keyring", "keyring.backends.null"),
        ("no.such.backend", "ModuleNotFoundError"),
    ],
)
async def test_keyrings_that_keep_nothing_are_refused(backend: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring.core

    monkeypatch.setattr(keyring.core, "_keyring_backend", None)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", backend)
    for call in (keyring_store.available(), keyring_store.read("x"), keyring_store.write("x", "hunter2")):
        with pytest.raises(SecretError) as caught:
            await call
        assert said in caught.value.message
        assert "hunter2" not in str(caught.value)


class Vault:
    """A keyring in memory, standing where a trusted one would."""

    name = "vault"

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.hang = threading.Event()
        self.hang.set()

    def get_password(self, service: str, account: str) -> str | None:
        self.hang.wait()
        return self.kept.get((service, account))

    def set_password(self, service: str, account: str, password: str) -> None:
        self.kept[service, account] = password

    def delete_password(self, service: str, account: str) -> None:
        del self.kept[service, account]


@pytest.fixture
def vault(monkeypatch: pytest.MonkeyPatch) -> Vault:
    import keyring

    trusted = type("Keyring", (Vault,), {"__module__": "keyring.backends.SecretService"})()
    monkeypatch.setattr(keyring, "get_keyring", lambda: trusted)
    return trusted  # type: ignore[no-any-return]


async def test_a_trusted_keyring_keeps_and_forgets(vault: Vault) -> None:
    assert await keyring_store.available() == "keyring.backends.SecretService"
    with pytest.raises(SecretError, match="no password for prod-eu"):
        await found(replace(PROFILE, keyring=True))
    assert await keyring_store.write("prod-eu", "hunter2") == "vault"
    assert await found(replace(PROFILE, keyring=True)) == "hunter2"
    assert await keyring_store.delete("prod-eu")
    assert not await keyring_store.delete("prod-eu")


async def test_a_locked_keyring_is_waited_for_in_vain(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyring_store, "LIMIT", 0.2)
    vault.hang.clear()
    with pytest.raises(SecretError, match=r"no answer within 0\.2s"):
        await keyring_store.read("x")
    vault.hang.set()


async def test_a_keyring_that_loses_what_it_is_given(vault: Vault, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(vault), "set_password", lambda *_: None)
    with pytest.raises(SecretError, match="did not keep"):
        await keyring_store.write("x", "hunter2")


async def test_credentials_ask_once_and_show_nothing(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[str] = []

    async def source(profile: Profile) -> str | None:
        asked.append(profile.name)
        return "hunter2"

    caplog.set_level(logging.DEBUG)
    credentials = Credentials(PROFILE, source, {})
    await credentials.prepare()
    assert len(credentials.get_credentials()) == 0
    assert await credentials.ask()
    assert credentials.get_credentials() == ("hunter2",)
    assert "hunter2" not in repr(credentials) + caplog.text
    credentials.forget()
    assert not await credentials.ask()
    credentials.forget(ask_again=True)
    assert await credentials.ask()
    assert asked == ["prod-eu", "prod-eu"]


async def test_credentials_look_the_secret_up_once_until_it_is_refused(password_file: Path) -> None:
    credentials = Credentials(replace(PROFILE, username="me", password_file=str(password_file)), None, {})
    await credentials.prepare()
    change = partial(password_file.write_text, "changed\n")
    change()
    await credentials.prepare()
    assert credentials.get_credentials() == ("me", "from file")
    credentials.forget()
    await credentials.prepare()
    assert credentials.get_credentials() == ("me", "changed")


async def test_a_thread_that_hangs_does_not_hold_the_loop() -> None:
    release = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await call_in_daemon(release.wait)
    thread = next(thread for thread in threading.enumerate() if thread.name == "sqtui-background")
    assert thread.daemon
    release.set()
    wait_until(lambda: not thread.is_alive())
    with pytest.raises(ZeroDivisionError):
        await call_in_daemon(lambda: 1 // 0)
