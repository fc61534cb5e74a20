# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads a Linux machine: one run of one POSIX script, taken apart into evidence."""

from __future__ import annotations

import re
import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InvalidRequest, RemoteError
from . import disks
from .distribution import detect
from .evidence import Grub, LinuxEvidence, Network, SshServer
from .sections import Sections, parse
from .sshd import MAIN_FILE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...session.programs import PosixShell

DEFAULT_FOLDER = "/usr/local/ASR"
_TIMEOUT_SECONDS = 180
_HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
_RELEASES = ("oracle-release", "redhat-release", "SuSE-release", "os-release", "lsb-release", "debian_version")


@cache
def script(name: str) -> str:
    """Return a script of this package without its comments and indentation, which need not travel."""
    text = Path(__file__).with_name("scripts").joinpath(f"{name}.sh").read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("#")) + "\n"


def read(
    shell: PosixShell, *, folder: str | None = None, servers: Sequence[tuple[str, int]] = (), names: Sequence[str] = ()
) -> tuple[LinuxEvidence, Sections]:
    """Return what the rules look at, and the sections it was read from.

    Raises InvalidRequest for a host name that is none and for a machine that is not read as root, RemoteError where the
    script didn't come to its end.
    """
    for name in (*names, *(address for address, _port in servers)):
        if not _HOST.fullmatch(name):
            raise InvalidRequest(f"{name!r} is neither a host name nor an IPv4 address")
    marker = secrets.token_hex(16)
    questions = [word for address, port in servers for word in ("tcp", address, str(port))]
    questions += [word for name in names for word in ("name", name)]
    result = shell.run(script("read"), marker, folder or DEFAULT_FOLDER, *questions, timeout_seconds=_TIMEOUT_SECONDS)
    if f"\n{marker} " not in result.stdout:
        said = (result.stderr.strip().splitlines() or ["nothing"])[-1]
        raise RemoteError(
            f"{shell.host}: sh ended with {result.exit_code} and said: {said}", command="sh", exit_code=result.exit_code
        )
    sections = parse(result.stdout, marker)
    found = evidence(sections, servers)
    if found.user_id != 0:
        raise InvalidRequest(
            f"{shell.host} is read as user {found.user_id}; the preflight needs root: set become, or log in as root"
        )
    return found, sections


def evidence(told: Sections, servers: Sequence[tuple[str, int]] = ()) -> LinuxEvidence:
    """Return the evidence that the sections hold."""
    files, values = told.files, told.values
    releases = [files[f"/etc/{name}"] for name in _RELEASES if f"/etc/{name}" in files]
    memory = dict(re.findall(r"^(\w+): +(\d+)", _text(told, "memory"), re.MULTILINE))
    version = files.get("/usr/local/.vx_version")
    return LinuxEvidence(
        user_id=int(values.get("uid") or -1),
        kernel=values.get("kernel", ""),
        machine=values.get("machine", ""),
        host_name=values.get("hostname", "").strip(),
        system=detect(files),
        release_text=next((line for text in releases for line in text.splitlines()), ""),
        memory_kb=int(memory["MemTotal"]) if "MemTotal" in memory else None,
        available_kb=_available(memory),
        programs=frozenset(told.named("program")),
        locales=frozenset(told.lines("locale")) if "locale" in told.answers else None,
        secure_boot=_secure_boot(told),
        shutting_down={"active": True, "inactive": False}.get(_text(told, "shutdown").strip()),
        run_level=_last_word(_text(told, "runlevel")),
        boot_options=tuple(files.get("/proc/cmdline", "").split()),
        has_kernel_directory="kerneldirectory" in values,
        storvsc={path: bool(text.strip()) for path, text in told.named("storvsc").items()},
        driver_loaded=bool(_text(told, "modules").strip()),
        read_only=tuple(told.named("readonly")),
        boot_in_fstab=any(
            "noauto" not in line.split()[3:4][0].split(",") for line in told.lines("fstab") if _full(line)
        ),
        btrfs_devices=_text(told, "btrfs").count("devid") if "btrfs" in told.answers else None,
        one_pass_encryption=files.get("/var/lib/azure_disk_encryption_config/azure_crypt_mount", ""),
        storage=_storage(told),
        grub=_grub(told),
        ssh=_ssh(told),
        network=_network(told, servers),
        agent_version=_setting(version, "VERSION") or _setting(version, "PROD_VERSION"),
        agent_folder=_setting(version, "INSTALLATION_DIR"),
        proxy=_proxy(told),
        platform=_platform(told),
    )


def _text(told: Sections, name: str) -> str:
    return told.answers[name].text if name in told.answers else ""


def _last_word(text: str) -> str | None:
    return text.rsplit(maxsplit=1)[-1] if text.split() else None


def _full(line: str) -> bool:
    return len(line.split()) > 3


def _setting(text: str | None, key: str) -> str | None:
    found = re.search(rf"^{key}=(.*)$", text or "", re.MULTILINE)
    return found[1].strip() if found else None


def _available(memory: dict[str, str]) -> int | None:
    if "MemAvailable" in memory:
        return int(memory["MemAvailable"])
    older = [int(memory[key]) for key in ("MemFree", "Buffers", "Cached") if key in memory]
    return sum(older) if older else None


def _secure_boot(told: Sections) -> bool | None:
    found = re.search(r"SecureBoot (enabled|disabled)", _text(told, "secureboot"))
    return found[1] == "enabled" if found else None


def _platform(told: Sections) -> str | None:
    if "agent" not in told.answers:
        return None
    found = re.search(r"^ *VmPlatform *=(.*)$", _text(told, "agent"), re.MULTILINE)
    return found[1].strip() if found else ""


def _proxy(told: Sections) -> dict[str, str] | None:
    if "proxy" not in told.answers:
        return None
    parts = (line.partition("=") for line in told.lines("proxy"))
    return {name.strip().lower(): value.strip() for name, _sign, value in parts}


def _storage(told: Sections) -> disks.Storage:
    if told.lines("devices"):
        devices = disks.by_lsblk(told.lines("tree"), told.lines("devices"))
    else:
        devices = disks.by_proc(told.lines("partitions"), told.lines("dm-list"), told.lines("dm-deps"))
    devices = disks.with_targets(disks.with_blkid(devices, told.lines("blkid")), told.lines("dm-status"))
    tables = {name.removeprefix("table "): name for name in told.answers if name.startswith("table ")}
    mounted = told.lines("mounts /etc/mtab")
    if not any(" / " in line for line in mounted):
        mounted = told.lines("mounts /proc/mounts")
    return disks.Storage(
        devices=devices,
        mounts=disks.mounts(mounted),
        free_kb=disks.free_space(told.lines("space")),
        tables=frozenset(disk for disk, name in tables.items() if told.lines(name)),
        boot_partitions={disk: disks.boot_partitions(told.lines(name)) for disk, name in tables.items()},
    )


def _grub(told: Sections) -> Grub:
    menu = told.files.get("/boot/grub/menu.lst")
    for path in ("/boot/grub/grub.cfg", "/boot/grub2/grub.cfg"):
        if f"lines {path}" in told.answers:
            scanned: str | None = path
            lines = told.lines(f"lines {path}")
            break
    else:
        scanned, lines = ("/boot/grub/menu.lst", tuple(menu.splitlines())) if menu is not None else (None, ())
    return Grub(
        scanned=scanned,
        lines=lines,
        menu=menu,
        defaults=told.files.get("/etc/default/grub"),
        has_entries="bls" in told.values,
    )


def _ssh(told: Sections) -> SshServer:
    for name in ("sshd-root", "sshd-global"):
        if name in told.answers and told.answers[name].exit_code == 0 and told.lines(name):
            lines: tuple[str, ...] | None = told.lines(name)
            break
    else:
        lines = None
    version = re.search(r"OpenSSH_(\d+)\.(\d+)", told.values.get("ssh-version", ""))
    return SshServer(
        files={path: text for path, text in told.files.items() if path == MAIN_FILE or _is_included(path, told)},
        reported=None if lines is None else _reported(lines),
        ports=tuple(int(line.split()[1]) for line in lines or () if re.fullmatch(r"port \d+", line)),
        version=(int(version[1]), int(version[2])) if version else None,
        installed="sshd" in told.values,
        active=_runs(told),
        restart_due="sshd-due" in told.values,
        sftp_servers=tuple(told.named("sftp")),
    )


def _is_included(path: str, told: Sections) -> bool:
    paths = list(told.files)
    return MAIN_FILE in paths and paths.index(path) > paths.index(MAIN_FILE) and not path.startswith("/usr/local/")


def _reported(lines: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in lines:
        keyword, _space, value = line.partition(" ")
        if keyword == "subsystem":
            name, _space, value = value.partition(" ")
            keyword = f"subsystem {name}"
        found.setdefault(keyword.lower(), value)
    return found


def _runs(told: Sections) -> bool | None:
    """Whether the SSH server's service runs, by whichever service manager answers."""
    kinds = ("systemd", "socket", "upstart", "sysv")
    told_states = (_state(told, kind, name) for name in ("sshd", "ssh") for kind in kinds)
    states = [state for state in told_states if state is not None]
    return any(states) if states else None


def _state(told: Sections, kind: str, name: str) -> bool | None:
    answer = told.answers.get(f"{kind} {name}")
    if answer is None:
        return None
    words = answer.text.split()
    if kind in {"systemd", "socket"}:
        known = {"active": True, "reloading": True, "activating": True, "inactive": False, "failed": False}
        return known.get(words[0]) if words else None
    if kind == "upstart":
        return "start/running" in answer.text if "/" in answer.text else None
    return {0: True, 1: False, 2: False, 3: False}.get(answer.exit_code)


def _network(told: Sections, servers: Sequence[tuple[str, int]]) -> Network:
    counted = _text(told, "ports").split()
    answers = {tuple(line.split()[:2]): line.split()[2] for line in told.lines("tcp") if len(line.split()) == 3}
    return Network(
        addresses=_addresses(told),
        addresses_known="addresses" in told.answers or "interfaces" in told.answers,
        ports=(int(counted[0]), int(counted[1])) if len(counted) == 2 else None,
        names={name: _resolved(text) for name, text in told.named("name").items()},
        connections={
            (address, port): {"0": True, "125": None}.get(answers.get((address, str(port)), "125"), False)
            for address, port in servers
        },
        hosts=told.files.get("/etc/hosts", ""),
    )


def _resolved(text: str) -> tuple[str, ...] | None:
    if text.strip() == "unknown":
        return None
    return tuple(dict.fromkeys(line.split()[0] for line in text.splitlines() if line.split()))


def _addresses(told: Sections) -> tuple[tuple[str, str], ...]:
    found = re.findall(r"^\d+: ([^\s:@]+)\S* +inet (\d+(?:\.\d+){3})", _text(told, "addresses"), re.MULTILINE)
    name = ""
    for line in told.lines("interfaces"):
        head = re.match(r"(\S+?):?\s", line)
        name = head[1] if head else name
        address = re.search(r"\binet (?:addr:)?(\d+(?:\.\d+){3})", line)
        if address:
            found.append((name, address[1]))
    return tuple((name, address) for name, address in found if name != "lo" and not address.startswith("127."))
