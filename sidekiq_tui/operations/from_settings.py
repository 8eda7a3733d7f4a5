"""From the settings file to how operations are carried out, and where they keep what they keep."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sidekiq_tui.operations.settings import OperationSettings
from sidekiq_tui.paths import state_folder
from sidekiq_tui.servers import keyring_store
from sidekiq_tui.servers.keeping import folder_of

if TYPE_CHECKING:
    from sidekiq_tui.servers.settings import Settings

AUDIT_ACCOUNT: Final = ":audit:"
"""The name of the audit's key in the keyring; no server has it by chance."""
_KEY_BYTES: Final = 32


def kept_in(settings: Settings, config: Path) -> Path:
    """The folder of journal and audit: the one that the file `config` names, else the user's state folder."""
    return folder_of(settings.keeping, config) or state_folder()


async def operation_settings(settings: Settings) -> OperationSettings:
    """What the tables `[journal]` and `[audit]` say.

    Raises `SecretError` where lines shall be signed and there is no keyring: they are not written unsigned.
    """
    keeping, default = settings.keeping, OperationSettings()
    return OperationSettings(
        payloads=keeping.payloads,
        journal_size=keeping.journal_size or default.journal_size,
        audit_size=keeping.audit_size or default.audit_size,
        audit_key=await _audit_key() if keeping.audit_keyring else None,
        audit_command=keeping.audit_command,
        audit_syslog=keeping.audit_syslog,
    )


async def _audit_key() -> bytes:
    """The key from the keyring; a new one the first time."""
    stored = await keyring_store.read(AUDIT_ACCOUNT)
    if stored is None:
        stored = secrets.token_hex(_KEY_BYTES)
        await keyring_store.write(AUDIT_ACCOUNT, stored)
    return bytes.fromhex(stored) if len(stored) == 2 * _KEY_BYTES else stored.encode()
