"""``sqtui profile …``: the servers in the settings file, and what can be said about one of them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from sidekiq_tui.cli import diagnostics, output
from sidekiq_tui.cli.parser import SqtuiParser, path
from sidekiq_tui.errors import SqtuiError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sidekiq_tui.cli.parser import Subparsers
    from sidekiq_tui.servers.diagnose import Diagnosis
    from sidekiq_tui.servers.profile import Profile
    from sidekiq_tui.servers.profile_edit import Value
    from sidekiq_tui.servers.profile_store import ProfileSet

    Door = Callable[[argparse.Namespace], int]

_PREFIX: Final = "key_"
_TEXTS: Final = (
    ("url", "URL", "redis:// rediss:// valkey:// valkeys:// or unix:///path, without a password"),
    ("host", "HOST", "instead of a URL"),
    ("port", "PORT", "default 6379"),
    ("socket", "PATH", "a Unix socket, instead of a URL"),
    ("database", "N", "default 0"),
    ("username", "USER", "an ACL user"),
    ("namespace", "PREFIX", "of redis-namespace (Sidekiq 6 and older)"),
    ("label", "TEXT", "development, staging, production or any text"),
    ("group", "TEXT", "project or application"),
    ("access", "LEVEL", "read-only, operate or full"),
    ("password-command", "COMMAND", "prints the password on its first line; no shell"),
    ("password-file", "FILE", "holds the password; yours and 0600"),
    ("poll-interval", "S", "seconds between polls, default 2"),
    ("max-latency", "S", "seconds a job may wait before the server is marked"),
    ("dead-max-jobs", "N", "what Sidekiq keeps dead there, default 10000"),
    ("tls-verify", "HOW", "full, ca (chain only) or none (insecure)"),
    ("tls-ca-file", "FILE", "the authority that signed the server's certificate"),
    ("tls-cert-file", "FILE", "client certificate"),
    ("tls-key-file", "FILE", "its key"),
    ("tls-server-hostname", "NAME", "the name in the server's certificate"),
)
_SWITCHES: Final = (
    ("favorite", "gets the first digits"),
    ("guard", "questions ask for the server's name; default for production"),
    ("keyring", "the password is in the keyring; see set-password"),
    ("tls", "TLS with the system's authorities, with --host"),
)
_WHOLE: Final = ("port", "database", "dead-max-jobs")
_SECONDS: Final = ("poll-interval", "max-latency")


def add_parser(subparsers: Subparsers) -> None:
    """Add ``profile`` and its commands to the command line."""
    parser = subparsers.add_parser(
        "profile",
        prog="sqtui profile",
        help="list, show, add, edit, remove and test the servers in your file",
        description="The servers in your settings file. Passwords never stand in it.",
    )
    inner = parser.add_subparsers(
        title="commands", dest="profile_command", metavar="COMMAND", required=True, parser_class=SqtuiParser
    )
    for name, door, words, text in (
        ("list", _list, (), "every server, one a line"),
        ("show", _show, ("name",), "what is known about one"),
        ("add", _add, ("name",), "write a new one into the file"),
        ("edit", _edit, ("name?",), "change keys of one; without any option open the file in your editor"),
        ("remove", _remove, ("name",), "take one out of the file"),
        ("test", _test, ("name*",), "connect, and say what is wrong and what was seen"),
        ("path", _path, (), "where the file is"),
        (
            "set-password",
            _set_password,
            ("name",),
            "store a password in the keyring, or say which other ways work here",
        ),
    ):
        _add_command(inner, name, door, words, text)


def _add_command(inner: Subparsers, name: str, door: Door, words: tuple[str, ...], text: str) -> None:
    child = inner.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
    for word in words:
        count = {"?": "?", "*": "*"}.get(word[-1])
        child.add_argument("names" if count == "*" else "name", metavar="NAME", nargs=count, help="a server")
    child.add_argument("--config", type=path, metavar="FILE", default=argparse.SUPPRESS, help="the settings file")
    child.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help="show the trace of an error")
    if name in ("test", "set-password"):
        child.add_argument("--no-input", action="store_true", default=argparse.SUPPRESS, help="never ask")
    if name == "set-password":
        child.add_argument("--stdin", action="store_true", help="read the password from the first line of the input")
    if name == "test":
        child.add_argument(
            "--server", action="append", default=argparse.SUPPRESS, metavar="NAME", help="the same as NAME; repeatable"
        )
        child.add_argument(
            "--url",
            action="append",
            default=argparse.SUPPRESS,
            metavar="URL",
            help="a server that is not in the file",
        )
    if name in ("add", "edit"):
        _add_keys(child)
    if name == "edit":
        child.add_argument("--unset", action="append", default=[], metavar="KEY", help="remove a key; repeatable")
    child.set_defaults(run=door)


def _add_keys(parser: SqtuiParser) -> None:
    group = parser.add_argument_group("keys")
    for key, metavar, text in _TEXTS:
        group.add_argument(f"--{key}", dest=_PREFIX + key, metavar=metavar, default=None, help=text)
    for key, text in _SWITCHES:
        group.add_argument(
            f"--{key}", dest=_PREFIX + key, action=argparse.BooleanOptionalAction, default=None, help=text
        )


def _given(args: argparse.Namespace) -> dict[str, Value]:
    """The keys that the options set, as the file spells them."""
    found: dict[str, Value] = {}
    for option, value in vars(args).items():
        if not option.startswith(_PREFIX) or value is None:
            continue
        key = option.removeprefix(_PREFIX)
        name = f"tls.{key.removeprefix('tls-')}" if key.startswith("tls-") else key
        found[name.replace("-", "_")] = _number(key, value)
    if args.url and "url" not in found:  # given before the command
        found["url"] = args.url[-1]
    return found


def _number(key: str, value: str | bool) -> Value:
    if isinstance(value, bool) or key not in (*_WHOLE, *_SECONDS):
        return value
    try:
        return int(value) if key in _WHOLE or value.isdigit() else float(value)
    except ValueError:
        raise UsageError(f"--{key}: not a number: {value}") from None


def _file(args: argparse.Namespace) -> Path:
    from sidekiq_tui.paths import config_file

    return config_file() if args.config is None else args.config.expanduser()


def _stored(args: argparse.Namespace) -> ProfileSet:
    from sidekiq_tui.servers.profile_store import load_profiles

    return load_profiles(args.config)


def _say_problems(stored: ProfileSet) -> int:
    """All that is wrong in the file, on stderr; 1 if there is anything."""
    for notice in stored.notices:
        diagnostics.note(notice)
    for problem in stored.problems:
        diagnostics.complain(problem.error())
    return 1 if stored.problems else 0


def _write_rows(rows: list[tuple[str, ...]]) -> None:
    """Aligned columns of safe text, two blanks apart."""
    from sidekiq_tui.presentation.text import cell_width, display_text

    clean = [[display_text(cell) for cell in row] for row in rows]
    widths = [max(map(cell_width, column)) for column in zip(*clean, strict=True)]
    for row in clean:
        cells = [cell + " " * (width - cell_width(cell)) for cell, width in zip(row, widths, strict=True)]
        output.write("  ".join(cells).rstrip() + "\n")


def _list(args: argparse.Namespace) -> int:
    stored = _stored(args)
    if stored.profiles:
        _write_rows(
            [
                (
                    profile.name,
                    _scheme(profile) + profile.address,
                    profile.label or "",
                    profile.access,
                    profile.group or "",
                )
                for profile in stored.profiles
            ]
        )
    elif not stored.problems:
        diagnostics.note(f"no server in {stored.path}. sqtui profile add NAME --url redis://HOST:6379/0")
    return _say_problems(stored)


def _show(args: argparse.Namespace) -> int:
    profile = _stored(args).find(args.name)
    _write_rows([(key, value) for key, value in _described(profile) if value])
    return 0


def _scheme(profile: Profile) -> str:
    if profile.socket is not None:
        return "unix://"
    return "rediss://" if profile.tls is not None else "redis://"


def _described(profile: Profile) -> list[tuple[str, str]]:
    from sidekiq_tui.servers.secrets import environment_variable

    tls = profile.tls
    command = " ".join(profile.password_command or ())
    return [
        ("name", profile.name),
        ("address", _scheme(profile) + profile.address),
        ("user", profile.username or ""),
        ("namespace", profile.namespace),
        ("tls", "" if tls is None else f"verify {tls.verify}" + (" (insecure)" if profile.insecure else "")),
        ("ca file", (tls and tls.ca_file) or ""),
        ("client cert", (tls and tls.cert_file) or ""),
        ("server name", (tls and tls.server_hostname) or ""),
        ("label", profile.label or ""),
        ("group", profile.group or ""),
        ("favorite", "yes" if profile.favorite else ""),
        ("access", profile.access),
        ("guard", "yes" if profile.guard else "no"),
        ("password command", command + (f" (not run: {profile.commands_refused})" if profile.commands_refused else "")),
        ("password file", profile.password_file or ""),
        ("password variable", environment_variable(profile.name)),
        ("keyring", "yes" if profile.keyring else ""),
        ("poll interval", f"{profile.poll_interval:g}s"),
        ("max latency", "" if profile.max_latency is None else f"{profile.max_latency:g}s"),
        ("dead max jobs", "" if profile.dead_max_jobs is None else f"{profile.dead_max_jobs:,}"),
    ]


def _add(args: argparse.Namespace) -> int:
    from sidekiq_tui.servers.profile_edit import add_profile

    file = _file(args)
    add_profile(file, args.name, _given(args))
    diagnostics.note(f"added to {file}. sqtui profile test {args.name} tries it")
    return 0


def _edit(args: argparse.Namespace) -> int:
    from sidekiq_tui.servers.profile_edit import change_profile

    values, file = _given(args), _file(args)
    if not values and not args.unset:
        return _open_editor(args, file)
    if args.name is None:
        raise UsageError("which server?", hint="sqtui profile edit NAME --label staging")
    change_profile(file, args.name, values, [key.replace("-", "_") for key in args.unset])
    diagnostics.note(f"changed in {file}")
    return 0


def _open_editor(args: argparse.Namespace, file: Path) -> int:
    import os
    import shlex
    import subprocess
    import sys

    editor = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    if not sys.stdin.isatty():
        raise UsageError("no terminal for an editor", hint="sqtui profile edit NAME --label staging")
    try:
        code = subprocess.run([*editor, str(file)], check=False).returncode
    except OSError as error:
        raise UsageError(f"{editor[0]} cannot be started: {error.strerror}", hint="set EDITOR") from None
    return code if code else _say_problems(_stored(args))


def _remove(args: argparse.Namespace) -> int:
    from sidekiq_tui.servers.profile_edit import remove_profile

    stored = _stored(args)
    keyring = any(profile.name == args.name and profile.keyring for profile in stored.profiles)
    remove_profile(stored.path, args.name)
    if keyring:
        _forget_password(args.name)
    diagnostics.note(f"removed from {stored.path}")
    return 0


def _forget_password(name: str) -> None:
    import asyncio

    from sidekiq_tui.servers import keyring_store

    try:
        asyncio.run(keyring_store.delete(name))
    except SqtuiError as error:
        diagnostics.note(f"its password may still be in the keyring: {diagnostics.sentence(error)}")


def _path(args: argparse.Namespace) -> int:
    output.write(f"{_file(args)}\n")
    return 0


def _test(args: argparse.Namespace) -> int:
    import asyncio

    from sidekiq_tui.cli.passwords import password_source
    from sidekiq_tui.servers.diagnose import diagnose
    from sidekiq_tui.servers.profile_store import select_servers

    names, urls = (*args.names, *(args.server or ())), args.url or ()
    selection = select_servers(config=args.config, urls=urls, servers=names, all_servers=not names and not urls)
    source = password_source(no_input=args.no_input)
    code = 0
    for profile in selection.chosen:
        result = asyncio.run(diagnose(profile, source))
        _say_diagnosis(result)
        code = code or (0 if result.error is None else result.error.exit_code)
    for problem in selection.problems if not names else ():
        diagnostics.complain(problem.error())
        code = code or 1
    return code


def _say_diagnosis(result: Diagnosis) -> None:
    profile = result.profile
    mark = "  TLS not verified" if profile.insecure else ""
    rows = [(profile.name, f"{_scheme(profile)}{profile.address}{mark}")]
    rows += [(f"  {name}", value) for name, value in result.facts]
    for finding in result.findings:
        word = {"error": "wrong", "warn": "warning", "note": "note"}[finding.level]
        rows.append((f"  {word}", f"{finding.text}. {finding.hint}" if finding.hint else finding.text))
    if result.ok:
        rows.append(("  ok", "it can be used"))
    _write_rows(list(rows))


def _set_password(args: argparse.Namespace) -> int:
    import asyncio

    from sidekiq_tui.errors import SecretError
    from sidekiq_tui.servers import keyring_store
    from sidekiq_tui.servers.profile_edit import change_profile
    from sidekiq_tui.servers.secrets import environment_variable

    stored = _stored(args)
    profile = stored.find(args.name)
    try:
        asyncio.run(keyring_store.available())
    except SecretError as error:
        raise SecretError(
            error.message,
            hint=f"what works here: sqtui profile edit {args.name} --password-command 'pass show …', or "
            f"--password-file FILE (0600), or the variable {environment_variable(args.name)}",
        ) from None
    password = _new_password(args)
    name = asyncio.run(keyring_store.write(args.name, password))
    if not profile.keyring:
        change_profile(stored.path, args.name, {"keyring": True})
    diagnostics.note(f"stored in {name}")
    for key, value in (("password_command", profile.password_command), ("password_file", profile.password_file)):
        if value:
            diagnostics.note(f"{key} of {args.name} is still asked first. sqtui profile edit {args.name} --unset {key}")
    return 0


def _new_password(args: argparse.Namespace) -> str:
    import getpass
    import sys

    if args.stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    elif args.no_input or not sys.stdin.isatty():
        raise UsageError("no terminal to ask on", hint="give the password with --stdin")
    else:
        password = getpass.getpass(f"Password of {args.name}: ")
        if password != getpass.getpass("Once more: "):
            raise UsageError("the two differ; nothing was stored")
    if not password:
        raise UsageError("an empty password is none; nothing was stored")
    return password
