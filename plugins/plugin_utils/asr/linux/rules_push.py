# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules that only the portal's push needs: SSH, SFTP, the account, names and ports. Pure functions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ...findings import Severity
from ..catalogue import Cure, finding
from . import sshd
from .rules_storage import COPY_LEAST_KB
from .rules_system import UNNAMED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ..catalogue import AsrFinding
    from ..patient import Wanted
    from .evidence import LinuxEvidence


SSH_PORT = 22
LEAST_PORTS = 256
"""Free ephemeral ports; a floor of our own (unverified)."""
COPY_PATHS = ("/", "/usr/local", "/tmp")  # noqa: S108 - asked for its free space alone
SFTP = "subsystem sftp"
WEAKENING = {
    "passwordauthentication": "the push logs in with a password",
    "permitrootlogin": "the push logs in as root with a password (the documents do not name this setting, unverified)",
}
SPELLED = {"passwordauthentication": "PasswordAuthentication", "permitrootlogin": "PermitRootLogin"}


def account(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The push takes the built-in root account alone."""
    if wanted.push_account not in {None, "root"}:
        shown = "the push account is not the built-in root"
        yield finding("95525", subject=f"account {wanted.push_account}", evidence=shown, cure=Cure.MANUAL)


def ssh_server(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The SSH server is missing, stopped, or listens elsewhere."""
    ssh = evidence.ssh
    ports = ssh.ports or _ports(ssh.files)
    if not ssh.installed:
        yield finding("95117", subject="sshd", evidence="the machine has no sshd", cure=Cure.MANUAL)
    elif ssh.active is False:
        yield finding("95117", subject="sshd", evidence="the service does not run", cure=Cure.SAFE)
    elif SSH_PORT not in ports:
        shown = f"it listens on {', '.join(map(str, ports))}; the push comes to {SSH_PORT}"
        yield finding("95117", subject="sshd: Port", evidence=shown, cure=Cure.MANUAL)


def _ports(files: Mapping[str, str]) -> tuple[int, ...]:
    given = [each.setting for each in sshd.directives(files) if each.name == "port" and not each.in_match]
    return tuple(int(port) for port in given if port.isdigit()) or (SSH_PORT,)


def restart_due(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """A run that was killed had changed sshd_config: the file says what is wanted, the server doesn't know it yet."""
    if evidence.ssh.restart_due and evidence.ssh.active is not False:
        shown = "its file was changed by a run that was killed before it could restart the server"
        yield finding("95108", subject="sshd: restart", evidence=shown, cure=Cure.SAFE)


def in_force(evidence: LinuxEvidence, name: str) -> str | None:
    """Return the value in force for root: as sshd says it, or as its files do."""
    if evidence.ssh.reported is not None:
        return evidence.ssh.reported.get(name)
    return sshd.effective(evidence.ssh.files, name, evidence.ssh.version)


def wanted_sftp(evidence: LinuxEvidence) -> str:
    """Return what the SFTP subsystem is to be: the machine's own program, or the one inside sshd."""
    return next(iter(evidence.ssh.sftp_servers), "internal-sftp")


def sftp_problem(evidence: LinuxEvidence) -> str | None:
    """Return what is wrong with the SFTP subsystem, or None."""
    now = in_force(evidence, SFTP)
    if not now:
        return "there is no Subsystem sftp"
    program = now.split()[0]
    if program.startswith("/") and evidence.ssh.sftp_servers and program not in evidence.ssh.sftp_servers:
        return f"it names {program}, which is not there" if program.endswith("sftp-server") else None
    return None


def sftp(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The SFTP subsystem is off; the files come over it. 95106 is said to be the same (pairing unverified)."""
    problem = sftp_problem(evidence) if evidence.ssh.installed else None
    if problem:
        edit = sshd.set_value(evidence.ssh.files, SFTP, wanted_sftp(evidence))
        known = finding(
            "95108", subject="sshd: Subsystem sftp", evidence=problem, cure=Cure.SAFE if edit else Cure.MANUAL
        )
        yield replace(known, ids=(*known.ids, "95106"))


def password_login(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The push logs in as root with a password; letting it do so weakens the machine."""
    if not evidence.ssh.installed:
        return
    for name, reason in WEAKENING.items():
        now = in_force(evidence, name)
        if now is not None and now.lower() != "yes":
            edit = sshd.set_value(evidence.ssh.files, name, "yes")
            yield finding(
                "95108",
                subject=f"sshd: {SPELLED[name]}",
                evidence=f"{now}: {reason}" + ("" if edit else "; a Match block says so, which is left alone"),
                cure=Cure.WEAKENING if edit else Cure.MANUAL,
            )


def copy_space(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """The push copies the installer to the machine first."""
    told = (evidence.storage.free_kb_of(path) for path in COPY_PATHS)
    places = dict(place for place in told if place)
    for point, free in places.items():
        if free < COPY_LEAST_KB:
            shown = f"{free >> 10} MB free, {COPY_LEAST_KB >> 10} MB are needed"
            yield finding("95524", subject=point, evidence=shown, cure=Cure.MANUAL)


def ephemeral_ports(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """No local ports are left for new connections."""
    if evidence.network.ports is not None:
        total, used = evidence.network.ports
        if total - used < LEAST_PORTS:
            shown = f"{used} of {total} are in use"
            yield finding("95117", subject="ephemeral ports", evidence=shown, cure=Cure.MANUAL)


def own_name(evidence: LinuxEvidence, wanted: Wanted) -> Iterator[AsrFinding]:
    """/etc/hosts has to map the machine's own name."""
    name = evidence.host_name.lower()
    nameless = name in UNNAMED or (evidence.network.addresses_known and not evidence.network.addresses)
    if nameless or name in _mapped_names(evidence.network.hosts):
        return
    resolves = bool(evidence.network.names.get(evidence.host_name))
    shown = "/etc/hosts does not name it" + ("" if resolves else ", and it does not resolve otherwise")
    severity = Severity.WARNING if resolves else Severity.BLOCKING
    yield finding("95117", subject=f"name {evidence.host_name}", evidence=shown, severity=severity, cure=Cure.MANUAL)


def _mapped_names(hosts: str) -> set[str]:
    lines = (line.partition("#")[0].lower().split() for line in hosts.splitlines())
    names = {name for words in lines for name in words[1:]}
    return names | {name.partition(".")[0] for name in names}


RULES = (account, ssh_server, restart_due, sftp, password_login, copy_space, ephemeral_ports, own_name)
