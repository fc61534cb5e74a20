# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scripts themselves, by dash, busybox and bash, in a folder of the test: what they refuse, restore and survive."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux import grub
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux.read import evidence, script
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux.sections import cksum, parse
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import RemoteError
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.programs import ProgramResult

BWRAP = shutil.which("bwrap")
SHELLS = {name: path for name in ("dash", "busybox", "bash") if (path := shutil.which(name))}
SUFFIX = "asr-20300101T000000Z"

pytestmark = pytest.mark.skipif(
    BWRAP is None or subprocess.run([BWRAP, "--dev-bind", "/", "/", "true"], check=False).returncode != 0,
    reason="bwrap is needed to hide this machine's own services from the scripts",
)


class Room:
    """A folder with stand-ins of programs before the machine's own, and without the machine's services."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.folder = folder
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.shell = {"busybox": (SHELLS["busybox"], "sh"), "bash": (SHELLS["bash"], "--posix")}.get(shell, (shell,))

    def stand_in(self, name: str, text: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
        path.chmod(0o755)

    def start(self, names: tuple[str, ...], *arguments: str) -> subprocess.Popen[bytes]:
        text = "".join(script(name) for name in names)
        hidden = ["--tmpfs", "/etc/init.d", "--tmpfs", "/boot", "--die-with-parent"]
        command = [str(BWRAP), "--dev-bind", "/", "/", *hidden, *self.shell, "-c", text, "sh", *arguments]
        environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "ROOM": str(self.folder)}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, start_new_session=True)

    def run(self, names: tuple[str, ...], *arguments: str, stdin: bytes = b"") -> ProgramResult:
        out, err = (process := self.start(names, *arguments)).communicate(stdin, timeout=60)
        return ProgramResult(exit_code=process.returncode, stdout=out.decode(), stderr=err.decode())

    def killed(self, names: tuple[str, ...], *arguments: str, stdin: bytes, after: float) -> None:
        process = self.start(names, *arguments)
        assert process.stdin is not None
        process.stdin.write(stdin)
        process.stdin.close()
        time.sleep(after)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@pytest.fixture(params=SHELLS)
def room(tmp_path: Path, request: pytest.FixtureRequest) -> Room:
    return Room(tmp_path, request.param)


OLD = "PasswordAuthentication no\n# ünïcode\nUsePAM yes\n"
NEW = OLD.replace("Authentication no", "Authentication yes")


def with_sshd(room: Room) -> Path:
    """sshd_config, an sshd that refuses files with a word in them, and a service manager that remembers."""
    room.stand_in(
        "sshd",
        'for each; do file=$each; done\ncase " $* " in\n*" -T "*) tr A-Z a-z <"$file" ;;\n'
        '*) ! grep -q BROKEN "$file" ;;\nesac',
    )
    room.stand_in("systemctl", 'echo "$*" >>"$ROOM/log"\n[ "$1" != is-active ] || cat "$ROOM/state"')
    (room.folder / "state").write_text("active\n")
    path = room.folder / "sshd_config"
    path.write_text(OLD, encoding="utf-8")
    path.chmod(0o640)
    return path


@pytest.fixture
def sshd(room: Room) -> Path:
    return with_sshd(room)


def edit(room: Room, path: Path, new: str, *expected: str, old: str = OLD) -> ProgramResult:
    before, after = old.encode(), new.encode()
    arguments = (str(path), cksum(before), str(len(after)), SUFFIX, *expected)
    return room.run(("common", "service", "edit_sshd"), *arguments, stdin=after)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"bin", "log", "state"}


def test_an_edit_of_sshd_is_moved_into_place_and_the_old_file_kept(room: Room, sshd: Path) -> None:
    result = edit(room, sshd, NEW, "passwordauthentication yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert sshd.read_text(encoding="utf-8") == NEW
    assert sshd.stat().st_mode & 0o777 == 0o640
    kept = sshd.with_name(f"sshd_config.{SUFFIX}")
    assert kept.read_text(encoding="utf-8") == OLD
    assert names(room.folder) == {"sshd_config", kept.name}
    assert "restart sshd.service" in (room.folder / "log").read_text()


@pytest.mark.parametrize(
    ("new", "expected", "old", "said"),
    [
        (NEW + "BROKEN\n", (), OLD, "sshd refuses the new file"),
        (NEW, ("permitrootlogin yes",), OLD, "does not bring: permitrootlogin yes"),
        (NEW, (), OLD + "more", "has changed since it was read"),
    ],
)
def test_a_refused_edit_leaves_nothing(
    room: Room, sshd: Path, new: str, expected: tuple[str, ...], old: str, said: str
) -> None:
    result = edit(room, sshd, new, *expected, old=old)
    assert result.exit_code == 1
    assert said in result.stderr
    assert sshd.read_text(encoding="utf-8") == OLD
    assert names(room.folder) == {"sshd_config"}
    assert not (room.folder / "log").exists()


def test_a_part_of_a_file_is_never_put_in_place(room: Room, sshd: Path) -> None:
    before = OLD.encode()
    arguments = (str(sshd), cksum(before), str(len(NEW.encode())), SUFFIX)
    result = room.run(("common", "service", "edit_sshd"), *arguments, stdin=NEW.encode()[:20])
    assert "only a part" in result.stderr
    assert sshd.read_text(encoding="utf-8") == OLD


def test_a_server_that_does_not_come_up_gets_its_old_file_back(tmp_path: Path) -> None:
    room = Room(tmp_path, "dash")
    sshd = with_sshd(room)
    (room.folder / "state").write_text("failed\n")
    room.stand_in("sleep", ":")
    result = edit(room, sshd, NEW)
    assert result.exit_code == 1
    assert "did not come up" in result.stderr
    assert sshd.read_text(encoding="utf-8") == OLD
    assert (room.folder / "log").read_text().count("restart sshd.service") == 2


def test_a_link_stays_a_link(room: Room, sshd: Path) -> None:
    link = room.folder / "link"
    link.symlink_to(sshd)
    assert edit(room, link, NEW).exit_code == 0
    assert link.is_symlink()
    assert sshd.read_text(encoding="utf-8") == NEW


def test_a_kill_at_any_instant_leaves_a_whole_sshd_config(tmp_path: Path) -> None:
    for turn in range(10):
        folder = tmp_path / str(turn)
        folder.mkdir()
        room = Room(folder, "dash")
        path = with_sshd(room)
        arguments = (str(path), cksum(OLD.encode()), str(len(NEW.encode())), SUFFIX)
        after = random.Random(turn).uniform(0.0, 0.08)
        room.killed(("common", "service", "edit_sshd"), *arguments, stdin=NEW.encode(), after=after)
        text = path.read_text(encoding="utf-8")
        assert text in (OLD, NEW)
        restarted = (folder / "log").exists() and "is-active" in (folder / "log").read_text()
        assert text == OLD or restarted or "sshd_config.asr-due" in names(folder)
        assert edit(room, path, NEW, old=text).exit_code == 0
        assert path.read_text(encoding="utf-8") == NEW
        assert not {"sshd_config.asr-new", "sshd_config.asr-due"} & names(folder)


ROOT_UUID, SWAP_UUID = "1111-root", "2222-swap"
UUIDS = {"/dev/sda2": ROOT_UUID, "/dev/sda3": SWAP_UUID}
DEFAULTS = 'GRUB_DISABLE_LINUX_UUID=true\nGRUB_CMDLINE_LINUX="resume=/dev/sda3 quiet"\n'
CONFIG = "menuentry x {\n  linux /v root=/dev/sda2 resume=/dev/sda3 quiet\n}\n"
DEVICES = ("device", "root", "/dev/sda2", ROOT_UUID, "device", "resume", "/dev/sda3", SWAP_UUID)


class Boot:
    """A machine's GRUB 2: its two files, and programs that read the one and write the other."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.defaults, self.config = room.folder / "grub", room.folder / "grub.cfg"
        self.defaults.write_text(DEFAULTS)
        self.config.write_text(CONFIG)
        self.links = room.folder / "by-uuid"
        self.links.mkdir()
        for uuid in UUIDS.values():
            (self.links / uuid).touch()
        room.stand_in("blkid", f'case "$5" in /dev/sda2) echo {ROOT_UUID} ;; /dev/sda3) echo {SWAP_UUID} ;; esac')
        room.stand_in("findmnt", f"echo {ROOT_UUID}")
        room.stand_in("grub2-script-check", '! grep -q BROKEN "$1"')
        room.stand_in(
            "grub2-mkconfig",
            '. "$ROOM/grub"\nroot=UUID=' + ROOT_UUID + '\n[ "$GRUB_DISABLE_LINUX_UUID" = true ] && root=/dev/sda2\n'
            '{ echo "menuentry x {"; echo "  linux /v root=$root $GRUB_CMDLINE_LINUX"; echo "}"; } >"$2"',
        )

    def arguments(self) -> tuple[tuple[str, ...], bytes]:
        old = self.defaults.read_text()
        new = grub.rewrite_defaults(old, UUIDS).encode()
        head = (str(self.defaults), cksum(old.encode()), str(len(new)), SUFFIX, str(self.config), str(self.links))
        return (*head, *DEVICES), new

    def cure(self) -> ProgramResult:
        arguments, new = self.arguments()
        return self.room.run(("common", "edit_grub"), *arguments, stdin=new)

    def is_untouched(self) -> bool:
        return self.defaults.read_text() == DEFAULTS and self.config.read_text() == CONFIG


CURED = f"  linux /v root=UUID={ROOT_UUID} resume=UUID={SWAP_UUID} quiet\n"


def test_grub_gets_uuids_and_the_old_files_are_kept(room: Room) -> None:
    boot = Boot(room)
    result = boot.cure()
    assert (result.exit_code, result.stderr) == (0, "")
    assert boot.defaults.read_text() == f'GRUB_CMDLINE_LINUX="resume=UUID={SWAP_UUID} quiet"\n'
    assert CURED in boot.config.read_text()
    assert names(room.folder) == {"grub", "grub.cfg", f"grub.{SUFFIX}", f"grub.cfg.{SUFFIX}", "by-uuid"}
    assert (room.folder / f"grub.cfg.{SUFFIX}").read_text() == CONFIG
    assert boot.cure().exit_code == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("blkid", "echo other", "blkid does not say"),
        ("blkid", "exit 2", "blkid does not say"),
        ("findmnt", "echo other", "what is mounted on / has the UUID other"),
        ("grub2-mkconfig", "exit 1", "grub2-mkconfig failed"),
        ("grub2-mkconfig", 'echo "linux root=UUID=1111-root BROKEN" >"$2"', "grub2-script-check refuses"),
        ("grub2-mkconfig", 'echo "linux root=UUID=1111-root" >"$2"; echo "linux root=/dev/sda2" >>"$2"', "still names"),
        ("grub2-mkconfig", 'echo "linux quiet" >"$2"', "does not name root=UUID=1111-root"),
        ("grub2-mkconfig", ': >"$2"', "came out empty"),
    ],
)
def test_what_goes_wrong_in_grub_leaves_its_files_as_they_were(room: Room, name: str, text: str, said: str) -> None:
    boot = Boot(room)
    room.stand_in(name, text)
    result = boot.cure()
    assert result.exit_code == 1
    assert said in result.stderr
    assert boot.is_untouched()
    assert not [each for each in names(room.folder) if each.endswith(".asr-new")]


def test_a_uuid_without_its_link_stops_the_cure(room: Room) -> None:
    boot = Boot(room)
    (boot.links / ROOT_UUID).unlink()
    assert "is not there" in boot.cure().stderr
    assert boot.is_untouched()


def test_debians_own_program_is_used_where_there_is_no_other(room: Room) -> None:
    boot = Boot(room)
    generator = (room.bin / "grub2-mkconfig").read_text().replace('"$2"', '"$ROOM/grub.cfg"')
    (room.bin / "grub2-mkconfig").unlink()
    if shutil.which("grub-mkconfig"):
        pytest.skip("this machine has its own grub-mkconfig")
    room.stand_in("update-grub", generator.removeprefix("#!/bin/sh\n"))
    assert boot.cure().exit_code == 0
    assert CURED in boot.config.read_text()
    room.stand_in("update-grub", f"echo rubbish >{boot.config}; exit 1")
    boot.defaults.write_text(DEFAULTS)
    boot.config.write_text(CONFIG)
    assert "update-grub failed" in boot.cure().stderr
    assert boot.is_untouched()


def test_menu_lst_is_edited_in_place(room: Room) -> None:
    Boot(room)
    menu = room.folder / "menu.lst"
    old = "# root=/dev/sda2\ntitle x\n\tkernel /v root=/dev/sda2 resume=/dev/sda3\n"
    menu.write_text(old)
    new = grub.rewrite_menu(old, UUIDS)
    head = (str(menu), cksum(old.encode()), str(len(new)), SUFFIX, "", str(room.folder / "by-uuid"))
    assert room.run(("common", "edit_grub"), *head, *DEVICES, stdin=new.encode()).exit_code == 0
    assert menu.read_text() == f"# root=/dev/sda2\ntitle x\n\tkernel /v root=UUID={ROOT_UUID} resume=UUID={SWAP_UUID}\n"
    left = room.run(("common", "edit_grub"), *head[:1], cksum(new.encode()), str(len(old)), *head[3:], *DEVICES,
                    stdin=old.encode())  # fmt: skip
    assert "still names root=/dev/sda2" in left.stderr
    assert menu.read_text() == new


def test_a_kill_at_any_instant_leaves_whole_grub_files_and_the_next_run_ends_it(tmp_path: Path) -> None:
    seen: set[tuple[bool, bool]] = set()
    (tmp_path / "whole").mkdir()
    whole = Boot(Room(tmp_path / "whole", "dash"))
    began = time.monotonic()
    assert whole.cure().exit_code == 0
    undisturbed = time.monotonic() - began
    for turn in range(60):
        if turn >= 10 and len(seen) > 1:
            break  # kills before and after a file was replaced were among them
        folder = tmp_path / str(turn)
        folder.mkdir()
        boot = Boot(Room(folder, "dash"))
        arguments, new = boot.arguments()
        after = random.Random(turn).uniform(0.0, 1.2 * undisturbed)
        boot.room.killed(("common", "edit_grub"), *arguments, stdin=new, after=after)
        defaults, config = boot.defaults.read_text(), boot.config.read_text()
        assert defaults in (DEFAULTS, new.decode())
        assert config == CONFIG or CURED in config
        seen.add((defaults == DEFAULTS, config == CONFIG))
        assert boot.cure().exit_code == 0
        assert CURED in boot.config.read_text()
    assert len(seen) > 1


def test_reading_gives_sections_that_can_be_taken_apart(room: Room) -> None:
    hostile = "value uid\n0\nMARK nothing\r\n"
    marker = "0123456789abcdef"
    result = room.run(("read",), marker, "/usr/local/ASR", "name", "localhost", "tcp", "127.0.0.1", "1")
    assert result.stderr == ""
    sections = parse(hostile + result.stdout, marker)
    found = evidence(sections, (("127.0.0.1", 1),))
    assert found.user_id == os.getuid()
    assert found.machine == os.uname().machine
    assert found.network.connections == {("127.0.0.1", 1): False}
    assert found.network.names["localhost"]
    for path, text in sections.files.items():
        assert cksum(text.encode("utf-8", "surrogateescape")) == sections.sums[path], path
    with pytest.raises(RemoteError, match="ends before its end"):
        parse(result.stdout[: len(result.stdout) // 2], marker)


def test_files_that_are_no_plain_text_come_byte_for_byte(room: Room) -> None:
    path = room.folder / "odd"
    data = bytes(range(256)) + b"no end"
    path.write_bytes(data)
    text = script("read")
    functions = text[: text.index("kernel=$(uname -r)")]
    done = subprocess.run(
        [*room.shell, "-c", functions + f"file {path}\nsection 'value end'", "sh", "MARK", "x"],
        capture_output=True,
        check=True,
        text=True,
    )
    sections = parse(done.stdout, "MARK")
    assert sections.files[str(path)].encode("utf-8", "surrogateescape") == data
