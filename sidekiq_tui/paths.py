"""Where configuration and remembered state live. Only their names: nothing is created here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

APP: Final = "sqtui"
CONFIG_VARIABLE: Final = "SQTUI_CONFIG"
CONFIG_NAME: Final = "config.toml"
STATE_VARIABLE: Final = "SQTUI_STATE"
STATE_NAME: Final = "state.json"


def config_file(environ: Mapping[str, str] | None = None) -> Path:
    """The settings file: `SQTUI_CONFIG` if set, else `config.toml` in the user's configuration folder."""
    named = (os.environ if environ is None else environ).get(CONFIG_VARIABLE, "")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path(APP, appauthor=False) / CONFIG_NAME


def state_file(environ: Mapping[str, str] | None = None) -> Path:
    """What the terminal remembers: `SQTUI_STATE` if set, else `state.json` in the user's state folder."""
    named = (os.environ if environ is None else environ).get(STATE_VARIABLE, "")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_state_path

    return user_state_path(APP, appauthor=False) / STATE_NAME


def state_folder(environ: Mapping[str, str] | None = None) -> Path:
    """Where the journal of operations and the audit lie: beside `state_file`."""
    return state_file(environ).parent
