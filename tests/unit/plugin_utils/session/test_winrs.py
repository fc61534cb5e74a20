# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Native programs over the lab's real WinRS, and the command lines they are started with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import ConnectionLost, NotFound, TimedOut
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.command import Secret
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.endpoint import EndpointLink
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.unbroken import IDLE_SECONDS, UnbrokenRun
from ansible_collections.hyperv.mobility.plugins.plugin_utils.session.winrs import (
    WinrsPrograms,
    command_line,
    quoted,
)
from ansible_collections.hyperv.mobility.plugins.plugin_utils.waiting import Deadline, SystemClock, wait_until
from hypothesis import given
from hypothesis import strategies as st
from unit.lab.wire_world import Served, serving
from unit.psrp_machine import endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

CMD = "C:\\Windows\\System32\\cmd.exe"
SECRET = "pass phrase é"
ENDED: list[str] = []
"""How runs of setup.exe ended."""


class Hurried(SystemClock):
    """The machine's clock, whose pauses are short."""

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds / 50)


def run_program(
    _identity: Any, line: str, _environment: Any, *, stdin: bytes = b"", stopping: Any = None
) -> tuple[int, bytes, bytes]:
    """Programs of a machine by their name; each says what it was started with."""
    program = line.split(maxsplit=1)[0].rpartition("\\")[2]
    if program == "sleep.exe":
        stopping.wait(20)
        return 0, b"slept", b""
    if program == "setup.exe":
        ENDED.append("told to" if stopping.wait(2) else "by itself")
        return 0, b"installed", b""
    if program == "findstr.exe":
        return 0, stdin, b""
    if program in ("echo.exe", "cmd.exe"):
        return 2**32 - 5 if "/negative" in line else 7, line.encode(), "é à\r\n".encode()
    raise FileNotFoundError(line)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("lab")) as one:
        one.machine.run_program = run_program  # type: ignore[method-assign, assignment]
        yield one


@pytest.fixture
def programs(served: Served) -> Iterator[WinrsPrograms]:
    one = WinrsPrograms("win01", EndpointLink("win01", (endpoint(served),)))
    yield one
    one.close()


def test_output_and_exit_code_come_back(programs: WinrsPrograms) -> None:
    result = programs.run("echo", "/a", "b c", "/x:C:\\with blank\\")
    assert result.exit_code == 7
    assert result.stdout == 'C:\\Windows\\System32\\echo.exe /a "b c" /x:"C:\\with blank\\\\"'
    assert result.stderr == "é à\r\n"


def test_an_exit_code_above_two_billion_is_a_negative_one(programs: WinrsPrograms) -> None:
    assert programs.run("echo", "/negative").exit_code == -5


def test_a_program_in_a_folder_with_blanks_is_started_by_cmd(programs: WinrsPrograms) -> None:
    path = "C:\\Program Files (x86)\\agent\\x.exe"
    assert programs.run(path, "/f", "a b").stdout == f'{CMD} /d /s /c ""{path}" /f "a b""'


def test_input_reaches_the_program_and_neither_journal_nor_representation(
    programs: WinrsPrograms, served: Served
) -> None:
    assert programs.run("findstr", "^", stdin=Secret(SECRET)).stdout == SECRET
    assert programs.run("findstr", "^", stdin=b"x" * 100_000).stdout == "x" * 100_000
    assert programs.run("findstr", "^", stdin=b"").stdout == ""
    assert SECRET not in str(served.journal)


def test_a_missing_program_is_named(programs: WinrsPrograms) -> None:
    result = programs.run("wmic")
    assert result.exit_code == 1
    with pytest.raises(ValueError, match="can't stand on a command line"):
        programs.run("reg", 'a"b')


def test_what_a_host_without_the_program_answers_is_not_found(programs: WinrsPrograms, served: Served) -> None:
    with pytest.raises(NotFound, match="odd/name"):
        programs._started(("odd/name", []), _long(), "odd/name")


def test_a_deadline_ends_the_program(programs: WinrsPrograms, served: Served) -> None:
    began = time.monotonic()
    with pytest.raises(TimedOut, match=r"sleep on win01 did not end within 1\.5 seconds"):
        programs.run("sleep", timeout_seconds=1.5)
    assert time.monotonic() - began < 8
    assert programs.run("echo").exit_code == 7


def test_a_deadline_is_kept_when_nothing_answers(served: Served) -> None:
    one = WinrsPrograms("win01", EndpointLink("win01", (endpoint(served, read_timeout=3),)))
    served.machine.faults += [("Receive", "stall:20")] * 4
    began = time.monotonic()
    with pytest.raises(TimedOut, match="sleep on win01 did not end"):
        one.run("sleep", timeout_seconds=4)
    assert time.monotonic() - began < 15
    served.machine.faults.clear()
    one.close()


def test_a_lost_link_is_told_and_the_next_program_gets_a_new_shell(programs: WinrsPrograms, served: Served) -> None:
    assert programs.run("echo").exit_code == 7
    served.machine.faults.append(("Receive", "drop_after"))
    with pytest.raises(ConnectionLost):
        programs.run("echo")
    assert programs.run("echo").exit_code == 7


def test_an_installer_outlives_a_broken_link(programs: WinrsPrograms, served: Served) -> None:
    ENDED.clear()
    before = len(served.service.shells)
    served.machine.faults += [("Receive", "drop"), ("Receive", "drop")]
    programs._clock = Hurried()
    assert programs.run_unbroken("setup", timeout_seconds=60).stdout == "installed"
    assert (ENDED, served.machine.faults, len(served.service.shells)) == (["by itself"], [], before)


def test_an_installer_goes_on_when_nobody_waits_for_it_any_longer(programs: WinrsPrograms, served: Served) -> None:
    ENDED.clear()
    before = len(served.service.shells)
    with pytest.raises(TimedOut, match="goes on there") as caught:
        programs.run_unbroken("setup", timeout_seconds=0.5)
    assert (caught.value.details["goes_on"], caught.value.changed) == (True, True)
    programs.close()
    (shell,) = [each for each in served.service.shells if each.idle_timeout == IDLE_SECONDS]
    assert len(served.service.shells) == before + 1
    wait_until(lambda: ENDED or None, what="setup", deadline=Deadline(10), interval=0.1)
    assert ENDED == ["by itself"]
    served.loop.call_soon_threadsafe(served.service.shells.remove, shell)
    wait_until(lambda: shell.closed or None, what="the shell", deadline=Deadline(10), interval=0.1)


def test_a_program_that_is_not_there_leaves_no_shell(programs: WinrsPrograms, served: Served) -> None:
    before = len(served.service.shells)
    with pytest.raises(NotFound, match="no program"):
        UnbrokenRun("win01", programs._link, "odd/name", clock=Hurried(), accepted=set()).finish(
            ("odd/name", []), _long()
        )
    assert len(served.service.shells) == before


def test_a_shell_that_the_host_ended_is_opened_again(programs: WinrsPrograms) -> None:
    assert programs.run("echo").exit_code == 7
    shell = programs._shell
    shell.wsman.delete(shell.resource_uri, selector_set=shell._selector_set)
    assert programs.run("echo").exit_code == 7


def test_closing_leaves_no_shell(served: Served) -> None:
    one = WinrsPrograms("win01", EndpointLink("win01", (endpoint(served),)))
    before = len(served.service.shells)
    one.run("echo")
    assert len(served.service.shells) == before + 1
    one.close()
    one.close()
    assert len(served.service.shells) == before


@pytest.mark.parametrize(
    ("program", "arguments", "expected"),
    [
        ("reg", ("query", "HKLM\\X"), ("C:\\Windows\\System32\\reg.exe", ["query", "HKLM\\X"])),
        ("net.exe", (), ("C:\\Windows\\System32\\net.exe", [])),
        ("reg", ("a", ""), ("C:\\Windows\\System32\\reg.exe", ["a", '""'])),
        ("a.cmd", (), (CMD, ["/d", "/s", "/c", '"C:\\Windows\\System32\\a.cmd"'])),
        ("D:\\x&y.exe", ("1",), (CMD, ["/d", "/s", "/c", '""D:\\x&y.exe" 1"'])),
    ],
)
def test_command_lines(program: str, arguments: tuple[str, ...], expected: tuple[str, list[str]]) -> None:
    assert command_line(program, arguments) == expected


@given(st.text(alphabet="ab %&|<>^()!;,=\\é测'`$", max_size=20))
def test_a_quoted_argument_is_one_word_for_programs_and_inert_for_cmd(argument: str) -> None:
    try:
        word = quoted(argument)
    except ValueError:
        assert argument.count("%") >= 2
        return
    assert _split(word) == [argument]
    assert not set(_outside_quotes(word)) & set("&|<>^()!")


def _outside_quotes(word: str) -> str:
    return "".join(word.split('"')[::2])


def _split(line: str) -> list[str]:
    """Words of a line as the C runtime reads it (backslashes count before quotes only)."""
    words: list[str] = []
    word: str | None = None
    inside, position = False, 0
    while position < len(line):
        char = line[position]
        slashes = len(line[position:]) - len(line[position:].lstrip("\\"))
        if slashes:
            before_quote = line[position + slashes : position + slashes + 1] == '"'
            word = (word or "") + "\\" * (slashes // 2 if before_quote else slashes)
            position += slashes
            continue
        if char == '"':
            inside, word = not inside, word or ""
        elif char == " " and not inside:
            words, word = [*words, word] if word is not None else words, None
        else:
            word = (word or "") + char
        position += 1
    return [part for part in [*words, word] if part is not None]


def _long() -> Any:
    return Deadline(30)
