# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A Windows machine of a lab without a server, and running its programs as WinRS does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hyperv_lab.hyperv import accounts, fleet

if TYPE_CHECKING:
    import threading

    from hyperv_lab.guests.windows.state import WindowsMachine

ASR: dict[str, Any] = {
    "configuration_servers": [
        {"name": "cs01", "address": "127.62.20.1", "port": 4443, "passphrase": "Lab-Passphrase-1"},
        {"name": "cs02", "address": "127.62.20.2", "port": 4443, "passphrase": "Other-Passphrase", "data_port": 9444},
    ],
    "appliances": [{"name": "app01", "address": "127.62.20.3", "port": 4443}],
}
SPEED = 100_000.0


def machine(os: str = "2016", *, asr: dict[str, Any] | None = None, **keys: Any) -> WindowsMachine:
    """Return a machine of a fleet with servers that don't listen."""
    values = {"name": "WIN01", "os": os, **keys}
    content = {"asr": ASR if asr is None else asr, "windows_machines": [values], "clock": {"speed": SPEED}}
    made: Any = fleet.parse(content).hosts["WIN01"]
    return made  # type: ignore[no-any-return]  # a WindowsMachine by the key of the file


def run(
    target: WindowsMachine,
    line: str,
    *,
    stdin: bytes = b"",
    stopping: threading.Event | None = None,
    delegable: bool = False,
) -> tuple[int, str, str]:
    """Run a command line as an administrator; return exit code, output and error output."""
    account = target.local[0]
    identity = accounts.sign_in(target, account, "ntlm")
    assert identity is not None
    identity = replace(identity, delegable=delegable)
    code, out, err = target.run_program(identity, line, {}, stdin=stdin, stopping=stopping)
    return code, out.decode(), err.decode()
