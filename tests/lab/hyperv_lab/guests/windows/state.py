# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A simulated Windows machine: a host without Hyper-V, with a registry, files, disks, accounts and programs.

What is where: ``machine.registry`` (registry.py), ``machine.files`` (contents by path, files.py),
``machine.services`` (host.Service by lower-case name; change them by ``set_service``, which keeps the registry in
step), ``machine.firewall`` (rule name -> enabled; firewall.py), ``machine.local`` and ``machine.groups`` (accounts),
``machine.windows`` (the rest).

**Programs.** Every file ``guests/windows/programs*.py`` has a table ``PROGRAMS``: lower-case program name without
``.exe`` (``"reg"``, ``"unifiedagent"``; other endings stay: ``"inmagevssprovider_install.cmd"``) -> function::

    def reg(machine, identity, arguments, stdin):  # WindowsMachine, Identity, list of texts, bytes
        return 0, b"output", b"error output"

By keyword, and only if its signature names them, it also gets ``path`` (the full path of the file that was started),
``directory`` (the working folder), ``environment``, ``write`` (called with "stdout"/"stderr" and bytes while it runs)
and ``stopping`` (threading.Event: end soon) and ``line`` (the line as it came, for cmd).
``arguments`` are taken apart as a Windows program does it (command_line.py).
No command shell lies between, unless the program is ``cmd``.

A program runs only if its file is there (``machine.files``). A file whose contents begin with the line
``hyperv-lab stand-in: NAME`` runs the program NAME whatever the file is called; any other file goes by its own name.
Without a folder, the working folder, System32, Windows and System32\\Wbem are searched. A program may start another
by ``machine.start(identity, ["reg", "query", …])``. The model's lock is ``machine.fleet.lock``.

**The agent.** ``guests/windows/agent_state.py`` has ``place(machine, *, version, stack, registered_with)``, which makes
the machine look like one where that agent was installed (called for ``agent:`` of the fleet file), and
``describe(machine)``, the plain data that ``state`` shows as ``agent``. ``machine.counts`` is for its counters
(``times_installed``, ``times_registered``).
"""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, Any

from ...hyperv.cpu import CPU_MODELS
from ...hyperv.file_tree import FileTree
from ...hyperv.host import Host
from . import __path__, baseline, dispatch, file_sharing
from .firewall import Firewall
from .registry import Registry
from .services import KEY, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ...hyperv.cim import Provider
    from ...hyperv.fleet import Fleet
    from ...powershell.commands import Cmdlet
    from ...world import Account, Identity

DISABLED, INVALID_CLASS = 0x80070422, 0x80041010
"""HRESULTS: the service is disabled; WMI doesn't know the class."""
GB = 1024**3
MB = 1024**2
SERVICES_KEY, START_NUMBERS = KEY, NUMBERS
UPDATES = "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\WindowsUpdate\\Auto Update"


@dataclass(kw_only=True)
class Partition:
    """A partition of a disk; ``letter`` is empty for one without."""

    number: int
    size: int
    letter: str = ""
    active: bool = False
    """Marked active (MBR): the machine may start from it."""
    boot: bool = False
    """Windows runs from it."""
    system: bool = False
    """The start-up files lie on it."""
    kind: str = "IFS"


@dataclass(kw_only=True)
class Disk:
    """A disk."""

    number: int
    size: int
    style: str = "MBR"
    """"MBR" or "GPT"."""
    dynamic: bool = False
    sector_bytes: int = 512
    partitions: list[Partition] = field(default_factory=list)


@dataclass(kw_only=True)
class Defender:
    """Microsoft Defender's state; machines before 2016 have none."""

    present: bool = True
    enabled: bool = True
    exclusions: list[str] = field(default_factory=list)
    """Folders left out; change them by ``WindowsMachine.exclude``."""


@dataclass(kw_only=True)
class Windows:
    """What a Windows machine has beside registry, files, services, accounts and firewall."""

    os: str
    """As the fleet file says it: "2008R2SP1", "2012R2" …"""
    version: str
    """"6.3.9600"."""
    caption: tuple[str, str]
    """Win32_OperatingSystem.Caption, English and French."""
    architecture: str = "64-bit"
    """"64-bit" or "32-bit"."""
    memory_free: int = 2 * GB
    uuid: uuid.UUID = field(default_factory=uuid.uuid4)
    asset_tag: str = "No Asset Tag"
    serial: str = ""
    disks: list[Disk] = field(default_factory=list)
    hotfixes: list[str] = field(default_factory=list)
    defender: Defender = field(default_factory=Defender)
    locked: set[str] = field(default_factory=set)
    """SIDs of local accounts that are locked out."""
    trust: bool = True
    """Whether the secure channel to the domain works."""
    logon_server: bool = True
    """Whether a domain controller answers."""
    uefi: bool = False
    names: dict[str, str] = field(default_factory=dict)
    """Names that resolve on it, lower case -> address; beside the fleet's machines and servers."""
    unresolved: set[str] = field(default_factory=set)
    """Names (lower case) that don't resolve on it although the fleet has them; "*" is every one."""
    blocked_ports: set[int] = field(default_factory=set)
    """TCP ports that it can't reach anywhere: a firewall on the way."""
    ipv4: bool = True
    wmi_damaged: bool = False
    """Whether the repository of WMI is broken: it knows no classes."""
    connections: int = 60
    """TCP connections that hold an ephemeral port."""
    role: str = ""
    """"", "configuration_server" or "process_server"."""
    defects: tuple[str, ...] = ()
    """What the fleet file named; for ``state`` and tests only, nothing on the machine shows it."""


@cache
def cmdlets() -> dict[str, type[Cmdlet]]:
    """Return the cmdlets of ``guests/windows/cmdlets_*.py`` by lower-case name."""
    found: dict[str, type[Cmdlet]] = {}
    for module in iter_modules(__path__):
        if module.name.startswith("cmdlets_"):
            for each in import_module("." + module.name, __package__).COMMANDS:
                if each.NAME.lower() in found:
                    raise ValueError(f"{each.NAME} is simulated twice")
                found[each.NAME.lower()] = each
    return found


class WindowsMachine(Host):
    """A Windows machine of the fleet file's ``windows_machines``."""

    age_of_files = timedelta(days=100)
    timed_copies = False

    def __init__(self, fleet: Fleet, name: str, *, edition: str, language: str, address: str, windows: Windows) -> None:
        super().__init__(fleet, name, edition=edition, language=language, address=address)
        self.windows = windows
        self.cpu = CPU_MODELS["icelake"]
        self.cores = 2
        self.registry = Registry()
        self.firewall = Firewall(self.registry)
        self.files = FileTree(lambda: self.storage, self.stamp)
        self.counts: Counter[str] = Counter()
        self.notes: dict[str, Any] = {}
        """What programs remember about the machine, by keys of their own."""

    @property
    def inventory_groups(self) -> tuple[str, ...]:
        """Return the groups of the inventory that it belongs to."""
        return ("windows_machines", *((self.windows.role + "s",) if self.windows.role else ()))

    @property
    def french(self) -> bool:
        """Return whether it speaks French."""
        return self.language == "fr"

    @property
    def memory_free(self) -> int:
        """Return the bytes of free memory."""
        return self.windows.memory_free

    @property
    def system_root(self) -> str:
        """Return the folder of Windows."""
        return "C:\\Windows"

    def reboot(self, seconds: float = 60.0) -> None:
        """Restart: what waited for one is done, services start as they should."""
        super().reboot(seconds)
        with self.fleet.lock:
            for key in ("RebootPending", "RebootInProgress"):
                self.registry.delete_key(f"{baseline.SERVICING}\\{key}")
            self.registry.delete_value(f"{baseline.CONTROL}\\Session Manager", "PendingFileRenameOperations")
            self.registry.delete_key(f"{UPDATES}\\RebootRequired")
            for service in self.services.values():
                if service.start == "Automatic":
                    service.status = "Running"
                elif service.start == "Disabled":
                    service.status = "Stopped"
            self._drop_deleted_services()

    def _drop_deleted_services(self) -> None:
        """Remove services that were only marked for deletion."""
        for name, service in list(self.services.items()):
            key = f"{SERVICES_KEY}\\{service.name}"
            if self.registry.data(key, "DeleteFlag") == 1:
                del self.services[name]
                self.registry.delete_key(key)

    def find_computer(self, name: str) -> Host | None:
        """Return the machine that a name means here, None where it doesn't resolve."""
        from .smb import resolve  # it needs this class  # noqa: PLC0415

        found = resolve(self, name)
        return self.fleet.host(found[0]) if found else None

    def has_administrative_shares(self) -> bool:
        """Return whether the administrative shares are there."""
        return file_sharing.has_administrative_shares(self)

    def filters_local_administrators(self) -> bool:
        """Return whether local administrators lose their rights over the network."""
        return file_sharing.filters_local_administrators(self)

    def is_locked_out(self, account: Account) -> bool:
        """Return whether a local account is locked out."""
        return account.sid in self.windows.locked

    def domain_answers(self) -> int:
        """Return the code with which a sign-in by the domain ends early, 0 where it answers."""
        return file_sharing.domain_answers(self)

    def wrong_password(self) -> None:
        """Count a wrong password."""
        self.counts["wrong_passwords"] += 1

    def may_connect(self, port: int) -> bool:
        """Return whether a connection to a port elsewhere gets out."""
        return port not in self.windows.blocked_ports

    def exclude(self, *folders: str) -> None:
        """Leave folders out of Defender; the registry has them too."""
        for folder in folders:
            if folder.lower() not in [known.lower() for known in self.windows.defender.exclusions]:
                self.windows.defender.exclusions.append(folder)
            self.registry.set(baseline.EXCLUSIONS, folder, 0)

    def change_account(self, name: str, *, enabled: bool | None = None, locked: bool | None = None) -> bool:
        """Enable, disable, lock or unlock a local account; return whether there is one of that name."""
        account = next((one for one in self.local if one.username.lower() == name.lower()), None)
        if account is None:
            return False
        if enabled is not None:
            self.local[self.local.index(account)] = replace(account, enabled=enabled)
        if locked is not None:
            (self.windows.locked.add if locked else self.windows.locked.discard)(account.sid)
        return True

    def set_service(self, name: str, *, status: str | None = None, start: str | None = None) -> bool:
        """Change a service and its key in the registry; False where there is no such service."""
        service = self.services.get(name.lower())
        if service is None:
            return False
        if status is not None:
            service.status = status
        if start is not None:
            service.start = start
            self.registry.set(f"{SERVICES_KEY}\\{service.name}", "Start", START_NUMBERS[start])
        self.fleet.clock.notify()
        return True

    def run_program(
        self,
        identity: Identity,
        command_line: str,
        environment: Mapping[str, str],
        *,
        stdin: bytes = b"",
        directory: str | None = None,
        write: Any = None,
        stopping: Any = None,
        direct: bool = True,
    ) -> tuple[int, bytes, bytes]:
        """Run a command line of WinRS, through cmd.exe unless ``direct``; FileNotFoundError for no such program."""
        if not direct:
            command_line = f"C:\\Windows\\System32\\cmd.exe /c {command_line}"
        surroundings = dispatch.Surroundings(
            environment=environment, directory=directory, write=write, stopping=stopping
        )
        return dispatch.run_line(self, identity, command_line, stdin, surroundings)

    def reads_input(self, command_line: str) -> bool:
        """Return whether a command line has a program that reads its input to the end."""
        return dispatch.reads_input(command_line)

    def run_native(self, identity: Identity, name: str, arguments: Sequence[str]) -> tuple[int, str, str] | None:
        """Run a program out of a pipeline; return exit code, output and error output, or None where there is none."""
        try:
            code, out, err = self.start(identity, [name, *arguments])
        except FileNotFoundError:
            return None
        return code, out.decode("utf-8", "replace"), err.decode("utf-8", "replace")

    def own_commands(self) -> Mapping[str, type[Cmdlet]]:
        """Return the cmdlets that Windows machines simulate in their own way."""
        return cmdlets()

    def own_classes(self) -> Mapping[tuple[str, str], Provider]:
        """Return the CIM classes of Windows machines; none where the repository of WMI is damaged."""
        from .cim_classes import CLASSES  # they need this class  # noqa: PLC0415

        return CLASSES

    def cim_refusal(self) -> int | None:
        """Return why WMI doesn't answer; a stopped service is started by the first query, a disabled one never."""
        service = self.services.get("winmgmt")
        if service is None or service.start == "Disabled":
            return DISABLED
        if service.status == "Stopped":
            service.status = "Running"
        return INVALID_CLASS if self.windows.wmi_damaged else None

    def has_program(self, program: str) -> bool:
        """Return whether a path is a program that can be started without a command shell."""
        return dispatch.locate(self, program, None) is not None

    def start(
        self, identity: Identity, words: Sequence[str], *, stdin: bytes = b"", directory: str | None = None
    ) -> tuple[int, bytes, bytes]:
        """Run a program by its words, as one program starts another; FileNotFoundError where there is none."""
        return dispatch.run_words(self, identity, words, stdin, dispatch.Surroundings(directory=directory))
