# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the codes of a refused sign-in mean: NTSTATUS as SMB sends it, Win32 as a Windows server reports it.

Names and numbers are Windows' own (MS-ERREF 2.2, 2.3.1). Which error of Site Recovery each stands behind is in no
published table: it is general practice that agrees with the causes published for the errors (facts, section 10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from .observations import Code


@dataclass(frozen=True)
class Meaning:
    """The name of a code, the error of Site Recovery behind it, and what to do where that is not the error's own."""

    name: str
    error_id: str
    remedy: str | None = None


NTSTATUS: Final = {
    0xC000006D: Meaning("LOGON_FAILURE", "95107"),
    0xC000006E: Meaning("ACCOUNT_RESTRICTION", "95107", "give the account a password and the right to sign in"),
    0xC000006F: Meaning("INVALID_LOGON_HOURS", "95107", "allow the account to sign in at this hour"),
    0xC0000070: Meaning("INVALID_WORKSTATION", "95107", "allow the account to sign in from this computer"),
    0xC0000071: Meaning("PASSWORD_EXPIRED", "95107", "give the account a new password, and store it on the server"),
    0xC0000193: Meaning("ACCOUNT_EXPIRED", "95107", "prolong the account, or use another one"),
    0xC0000224: Meaning("PASSWORD_MUST_CHANGE", "95107", "change the account's password, and store it on the server"),
    0xC000015B: Meaning("LOGON_TYPE_NOT_GRANTED", "95107", "grant the account access to the computer from the network"),
    0xC0000022: Meaning("ACCESS_DENIED", "95517"),
    0xC000018D: Meaning("TRUSTED_RELATIONSHIP_FAILURE", "95518"),
    0xC000018C: Meaning("TRUSTED_DOMAIN_FAILURE", "95518"),
    0xC0000072: Meaning("ACCOUNT_DISABLED", "95519"),
    0xC0000234: Meaning("ACCOUNT_LOCKED_OUT", "95520"),
    0xC000005E: Meaning("NO_LOGON_SERVERS", "95521"),
    0xC0000192: Meaning("NETLOGON_NOT_STARTED", "95522"),
    0xC00000BE: Meaning("BAD_NETWORK_PATH", "95523"),
    0xC00000CC: Meaning("BAD_NETWORK_NAME", "95105"),
}
WIN32: Final = {
    5: Meaning("ERROR_ACCESS_DENIED", "95517"),
    53: Meaning("ERROR_BAD_NETPATH", "95523"),
    64: Meaning("ERROR_NETNAME_DELETED", "95523"),
    67: Meaning("ERROR_BAD_NET_NAME", "95105"),
    86: Meaning("ERROR_INVALID_PASSWORD", "95107"),
    1231: Meaning("ERROR_NETWORK_UNREACHABLE", "95523"),
    1311: Meaning("ERROR_NO_LOGON_SERVERS", "95521"),
    1326: Meaning("ERROR_LOGON_FAILURE", "95107"),
    1327: Meaning("ERROR_ACCOUNT_RESTRICTION", "95107", NTSTATUS[0xC000006E].remedy),
    1328: Meaning("ERROR_INVALID_LOGON_HOURS", "95107", NTSTATUS[0xC000006F].remedy),
    1329: Meaning("ERROR_INVALID_WORKSTATION", "95107", NTSTATUS[0xC0000070].remedy),
    1330: Meaning("ERROR_PASSWORD_EXPIRED", "95107", NTSTATUS[0xC0000071].remedy),
    1331: Meaning("ERROR_ACCOUNT_DISABLED", "95519"),
    1385: Meaning("ERROR_LOGON_TYPE_NOT_GRANTED", "95107", NTSTATUS[0xC000015B].remedy),
    1788: Meaning("ERROR_TRUSTED_DOMAIN_FAILURE", "95518"),
    1789: Meaning("ERROR_TRUSTED_RELATIONSHIP_FAILURE", "95518"),
    1792: Meaning("ERROR_NETLOGON_NOT_STARTED", "95522"),
    1793: Meaning("ERROR_ACCOUNT_EXPIRED", "95107", NTSTATUS[0xC0000193].remedy),
    1907: Meaning("ERROR_PASSWORD_MUST_CHANGE", "95107", NTSTATUS[0xC0000224].remedy),
    1909: Meaning("ERROR_ACCOUNT_LOCKED_OUT", "95520"),
}
CREDENTIAL_CONFLICT: Final = 1219
"""ERROR_SESSION_CREDENTIAL_CONFLICT: the asking server already has a connection as somebody else."""
PATH_CODES: Final = (53, 64, 67, 1231)
"""Win32 codes of a mapping that say that no sign-in was reached, or that it was not what failed."""


def meaning(code: Code) -> Meaning | None:
    """Return what the code means, or None for one that is in no table."""
    return (NTSTATUS if code.kind == "ntstatus" else WIN32).get(code.number)


def named(code: Code) -> str:
    """Return the code as people look it up: ``0xC000006D (LOGON_FAILURE)``."""
    known = meaning(code)
    return f"{code} ({known.name})" if known else f"{code} (in no table)"
