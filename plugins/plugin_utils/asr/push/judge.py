# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the observations of a probe mean, as findings under the ids that the portal would show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..catalogue import finding
from .codes import Meaning, meaning, named
from .observations import Observed, PortState, Problem, System

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..catalogue import AsrFinding
    from .observations import Code

LEAST_FREE_BYTES: Final = 100 * 1024 * 1024
"""What the copy of the agent needs on C: (published with error 95524)."""
WORDS: Final = {
    PortState.REFUSED: "refuses the connection",
    PortState.SILENT: "does not answer",
    PortState.NO_ROUTE: "can't be reached: there is no route",
    PortState.NO_NAME: "can't be reached: the name does not resolve",
    PortState.CLOSED: "is not open",
}
STORED: Final = "the portal uses the account stored on the configuration server or appliance: correct it there"


def judge(seen: Observed) -> tuple[AsrFinding, ...]:
    """Return what would stop the portal's push; empty where nothing was seen that would.

    What could not be looked at gives no finding; ``undetermined`` lists it.
    """
    rules = WINDOWS if seen.system is System.WINDOWS else LINUX
    return tuple(found for rule in (_network, *rules) for found in rule(seen))


def undetermined(seen: Observed) -> tuple[str, ...]:
    """Return a sentence per question that the probe could not answer, with the reason."""
    steps = {"sign-in": seen.sign_in.login}
    steps |= {"share": seen.sign_in.share} if seen.system is System.WINDOWS else {"SFTP": seen.sign_in.sftp}
    found = [f"{name}: {why}" for name, step in steps.items() if (why := UNANSWERED.get(step.problem))]
    if seen.system is System.WINDOWS and seen.sign_in.share.done and seen.sign_in.free_bytes is None:
        found.append("free space: it could not be read")
    return tuple(found)


UNANSWERED: Final[dict[Problem | None, str]] = {
    Problem.NOT_ASKED: "no username and password were given",
    Problem.NOT_REACHED: "a step before it failed",
    Problem.NOT_AVAILABLE: "the server that looked has no means for it",
    Problem.HOST_KEY_UNKNOWN: "the host key is not known, so the password was not sent",
    Problem.HOST_KEY_CHANGED: "the host key is not the known one, so the password was not sent",
    Problem.OTHER_CREDENTIALS_IN_USE: "the server that looked is connected to the machine as somebody else",
    Problem.TIMED_OUT: "no answer within the time",
    Problem.NO_AGREEMENT: "the two sides found no common protocol or algorithm",
    Problem.CONNECTION_ENDED: "the machine ended the connection",
}


def _network(seen: Observed) -> Iterator[AsrFinding]:
    """95523: there is no route. 95117/97118: nothing that the push needs answers."""
    needed = [port for port in seen.ports if (port.name == "ssh") == (seen.system is System.LINUX)]
    if not needed or any(port.is_open for port in needed):
        return
    subject = f"{seen.address}, seen from {seen.probed_from}"
    evidence = "; ".join(f"TCP {port.number} {WORDS[port.state]}" for port in needed)
    if all(port.state is PortState.NO_ROUTE for port in needed):
        yield finding("95523", subject=subject, evidence=evidence)
        return
    yield finding("97118" if seen.system is System.LINUX else "95117", subject=subject, evidence=evidence)


def _rpc(seen: Observed) -> Iterator[AsrFinding]:
    """95103: WMI's door is closed, although the machine answers elsewhere."""
    port = seen.port("rpc")
    if port is None or port.is_open or not any(other.is_open for other in seen.ports):
        return
    yield finding("95103", subject=f"TCP {port.number}", evidence=f"from {seen.probed_from} it {WORDS[port.state]}")


def _sharing(seen: Observed) -> Iterator[AsrFinding]:
    """95105/95106: no port of file sharing is open, although the machine answers elsewhere."""
    ports = [port for port in seen.ports if port.name in ("smb", "netbios")]
    if not ports or any(port.is_open for port in ports) or not any(port.is_open for port in seen.ports):
        return
    evidence = "; ".join(f"TCP {port.number} {WORDS[port.state]}" for port in ports)
    yield finding("95105", subject="file sharing", evidence=f"from {seen.probed_from}: {evidence}")


def _smb_login(seen: Observed) -> Iterator[AsrFinding]:
    """95107, 95517 to 95523 by the code of the sign-in; a code in no table is an account that was rejected."""
    step = seen.sign_in.login
    if step.code is not None:
        yield _by_code(step.code, seen, f"the sign-in of {seen.username}", otherwise="95107")
    elif step.problem is Problem.GUEST:
        yield finding(
            "95107", subject=str(seen.username), evidence="the machine takes the account for a guest", remedy=STORED
        )
    elif step.problem in (Problem.NO_AGREEMENT, Problem.CONNECTION_ENDED, Problem.TIMED_OUT):
        evidence = f"the port is open, but {UNANSWERED[step.problem]}"
        yield finding("95105", subject="file sharing", evidence=evidence)


def _share(seen: Observed) -> Iterator[AsrFinding]:
    """95107/95517: no right on the share. 95105: no such share, or another answer. 95524: no room."""
    step = seen.sign_in.share
    subject = rf"\\{seen.address}\{seen.share_name}"
    if step.code is not None:
        yield _by_code(step.code, seen, subject, otherwise="95105")
    elif step.problem in (Problem.CONNECTION_ENDED, Problem.TIMED_OUT):
        yield finding("95105", subject=subject, evidence=UNANSWERED[step.problem])
    free = seen.sign_in.free_bytes
    if free is not None and free < LEAST_FREE_BYTES:
        yield finding("95524", subject=subject, evidence=f"{free // 1024 // 1024} MB are free, 100 are needed")


def _by_code(code: Code, seen: Observed, subject: str, *, otherwise: str) -> AsrFinding:
    known = meaning(code) or Meaning("", otherwise)
    evidence = f"{subject} is answered by {named(code)}, seen from {seen.probed_from}"
    return finding(known.error_id, subject=subject, evidence=evidence, remedy=known.remedy)


def _root(seen: Observed) -> Iterator[AsrFinding]:
    """95525: the push takes no account but the built-in root."""
    uid = seen.sign_in.uid
    if seen.username is None or (seen.username == "root" and uid in (None, 0)):
        return
    number = "" if uid is None else f", its number is {uid}"
    yield finding("95525", subject=seen.username, evidence=f"the account is not the built-in root{number}")


def _ssh_login(seen: Observed) -> Iterator[AsrFinding]:
    """95108: no password login, a refused password, no SFTP, or no SSH at all behind the open port."""
    step = seen.sign_in.login
    if step.problem in SSH_LOGIN:
        words, remedy = SSH_LOGIN[step.problem]
        offered = f" (offered: {step.detail})" if step.detail else ""
        yield finding("95108", subject=f"the sign-in of {seen.username}", evidence=words + offered, remedy=remedy)
    elif step.problem in (Problem.NO_AGREEMENT, Problem.CONNECTION_ENDED, Problem.TIMED_OUT):
        evidence = f"the port is open, but {UNANSWERED[step.problem]}"
        yield finding("97118", subject="SSH", evidence=evidence)
    sftp = seen.sign_in.sftp
    if sftp.problem in (Problem.REFUSED, Problem.TIMED_OUT):
        yield finding(
            "95108",
            subject="SFTP",
            evidence="the account signs in, but the SFTP subsystem does not open",
            remedy="set an active 'Subsystem sftp' line in /etc/ssh/sshd_config, check it by 'sshd -t', restart sshd",
        )


SSH_LOGIN: Final = {
    Problem.REFUSED: (
        "the password is refused (SSH does not say whether it is wrong or the account may not sign in)",
        f"check PermitRootLogin in /etc/ssh/sshd_config; {STORED}",
    ),
    Problem.METHOD_NOT_OFFERED: (
        "the machine takes no password",
        "set 'PasswordAuthentication yes' in sshd_config, check it by 'sshd -t', restart sshd; or install locally",
    ),
}


WINDOWS: Final[tuple[Callable[[Observed], Iterator[AsrFinding]], ...]] = (_rpc, _sharing, _smb_login, _share)
LINUX: Final[tuple[Callable[[Observed], Iterator[AsrFinding]], ...]] = (_root, _ssh_login)
