"""Where the configuration lives. Only its name: nothing is created here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

APP: Final = "sqtui"
CONFIG_VARIABLE: Final = "SQTUI_CONFIG"
CONFIG_NAME: Final = "config.toml"


def config_file(environ: Mapping[str, str] | None = None) -> Path:
    """The settings file: `SQTUI_CONFIG` if set, else `config.toml` in the user's configuration folder."""
    named = (os.environ if environ is None else environ).get(CONFIG_VARIABLE, "")
    if named:
        return Path(named).expanduser()
    from platformdirs import user_config_path

    return user_config_path(APP, appauthor=False) / CONFIG_NAME
