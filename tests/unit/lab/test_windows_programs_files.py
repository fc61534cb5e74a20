# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs of the lab's Windows machines that handle files, the shell cmd, and the small ones."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from hyperv_lab.guests.windows.console import NOT_PLAYED
from hyperv_lab.guests.windows.dispatch import reads_input
from unit.lab.windows_machine import machine, run


# --- files ---
def test_icacls_notes_rights_and_misses_files() -> None:
    target = machine()
    target.files.write("C:\\T\\a b", b"")
    line = 'icacls "C:\\T\\a b" /inheritance:r /grant:r *S-1-5-32-544:F *S-1-5-18:F'
    assert run(target, line)[0] == 0
    assert target.notes["acl"]["c:\\t\\a b"] == ["/inheritance:r", "/grant:r *S-1-5-32-544:F", "/grant:r *S-1-5-18:F"]
    assert run(target, "icacls C:\\nothing /grant x:F")[0] == 2


@pytest.mark.parametrize(("os", "parted"), [("2008R2SP1", True), ("2012R2", True), ("2016", False)])
def test_certutil_hashes_with_blanks_on_old_systems(os: str, parted: bool) -> None:
    target = machine(os)
    target.files.write("C:\\T\\x", b"data")
    code, out, _err = run(target, "certutil -hashfile C:\\T\\x SHA256")
    shown = out.splitlines()[1]
    assert (code, " " in shown) == (0, parted)
    assert shown.replace(" ", "") == hashlib.sha256(b"data").hexdigest()
    assert run(target, "certutil -hashfile C:\\T\\y SHA256")[0] == -2147024894


def test_findstr_sort_more_where() -> None:
    target = machine()
    target.files.write("C:\\T\\x", b"proxy=1\r\nother\r\n[a]\r\n")
    assert run(target, "findstr /L /C:= C:\\T\\x")[:2] == (0, "proxy=1\r\n")
    assert run(target, "findstr nothing C:\\T\\x")[0] == 1
    assert run(target, 'findstr "^"', stdin=b"secret")[:2] == (0, "secret\r\n")
    assert run(target, "more", stdin=b"b\na")[:2] == (0, "b\r\na\r\n")
    assert run(target, "sort /REC 65535 /O C:\\T\\y", stdin=b"b\r\na\r\n")[0] == 0
    assert target.files.read("C:\\T\\y") == b"a\r\nb\r\n"
    assert run(target, "sort /REC 128", stdin=b"x" * 200)[0] == 1
    assert run(target, "where C:\\T:x")[0] == 0
    assert run(target, "where C:\\T:z")[0] == 1


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200 if self.path == "/agent.exe" else 404)
        self.end_headers()
        self.wfile.write(b"payload")

    def log_message(self, *_arguments: object) -> None:
        """Stay quiet."""


@pytest.mark.parametrize("line", ["certutil -urlcache -split -f {} {}", "bitsadmin /transfer job /priority HIGH {} {}"])
def test_old_systems_fetch_over_http(line: str) -> None:
    target = machine("2008R2SP1")
    server = HTTPServer(("127.62.20.9", 0), _Answers)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        address = f"http://127.62.20.9:{server.server_port}"
        assert run(target, line.format(f"{address}/agent.exe", "C:\\T\\agent.exe"))[0] == 0
        assert target.files.read("C:\\T\\agent.exe") == b"payload"
        assert run(target, line.format(f"{address}/other", "C:\\T\\other"))[0] != 0
        assert run(target, line.format("http://example.invalid/x", "C:\\T\\other"))[0] != 0
        assert not target.files.exists("C:\\T\\other")
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


# --- cmd ---
CMD = "C:\\Windows\\System32\\cmd.exe"


@pytest.mark.parametrize(
    ("line", "code", "out"),
    [
        (f"{CMD} /c echo hello", 0, "hello\r\n"),
        (f'{CMD} /d /s /c ""C:\\Windows\\System32\\hostname.exe""', 0, "WIN01\r\n"),
        (f"{CMD} /c hostname & echo two", 0, "WIN01\r\ntwo\r\n"),
        (f"{CMD} /c echo one & echo two", 0, "one \r\ntwo\r\n"),
        (f"{CMD} /c nosuch && echo two", 1, ""),
        (f"{CMD} /c nosuch || echo two", 0, "two\r\n"),
        (f"{CMD} /c if exist C:\\Windows echo there", 0, "there\r\n"),
        (f"{CMD} /c if not exist C:\\Windows echo gone & echo two", 0, ""),
        (f"{CMD} /c exit 7", 7, ""),
        (f"{CMD} /c echo %SystemRoot%", 0, "C:\\Windows\r\n"),
        (f'{CMD} /c "echo a^&b"', 0, "a&b\r\n"),
        (f"{CMD} /c type C:\\nothing", 1, ""),
        (f"{CMD} /c md C:\\T2 && md C:\\T2", 1, ""),
        (f"{CMD} /c rd C:\\nothing", 2, ""),
        (f"{CMD} /c set X=1", NOT_PLAYED, ""),
        (f"{CMD} /c (echo a)", NOT_PLAYED, ""),
        (f"{CMD} /k echo a", NOT_PLAYED, ""),
        (f"{CMD} /c sc query nothing > nul", 1060, ""),
    ],
)
def test_cmd(line: str, code: int, out: str) -> None:
    ended, shown, _err = run(machine(), line)
    assert (ended, shown) == (code, out)


def test_cmd_redirects_and_handles_files() -> None:
    target = machine()
    files = target.files
    files.make_folder("C:\\a b")
    assert run(target, f'{CMD} /d /s /c "findstr "^" > "C:\\a b\\secret""', stdin=b"Pass phrase")[:2] == (0, "")
    assert files.read("C:\\a b\\secret") == b"Pass phrase\r\n"
    assert run(target, f'{CMD} /c type nul > "C:\\a b\\secret"')[0] == 0
    assert files.read("C:\\a b\\secret") == b""
    run(target, f'{CMD} /c echo one>C:\\f& echo two>>C:\\f& copy C:\\f C:\\g & move C:\\g "C:\\a b"')
    assert files.read("C:\\a b\\g") == b"one\r\ntwo\r\n"
    assert not files.exists("C:\\g")
    run(target, f"{CMD} /c nosuch > C:\\log 2>&1")
    assert b"nosuch" in files.read("C:\\log")
    assert run(target, f'{CMD} /c del /q /f "C:\\a b\\*" & rd /s /q "C:\\a b"')[0] == 0
    assert not files.exists("C:\\a b")
    assert run(target, f"{CMD} /c echo x > C:\\none\\x")[0] == 1


def test_without_skipping_the_shell_cmd_lies_between() -> None:
    target = machine()
    account = target.sign_in(target.local[0], "ntlm")
    assert account is not None
    code, out, _err = target.run_program(account, "echo hello && ver", {}, direct=False)
    assert (code, out.startswith(b"hello")) == (0, True)


# --- the rest ---
def test_small_programs() -> None:
    target = machine(language="fr")
    assert run(target, "hostname")[1] == "WIN01\r\n"
    own = str(target.network.addresses[0].ip)
    assert own in run(target, "ipconfig /all")[1]
    ports = re.findall(r"^\s*TCP\s+\S+:(\d+)\s", run(target, "netstat -ano -p TCP")[1], re.MULTILINE)
    assert sum(int(port) >= 49152 for port in ports) == target.windows.connections + 1
    assert run(target, f"ping -n 1 {own}")[0] == 0
    assert run(target, "ping -n 1 10.9.9.9")[0] == 1
    assert own in run(target, "nslookup win01")[1]
    assert "WIN01" in run(target, f"nslookup {own}")[1]
    assert "svchost.exe" in run(target, "tasklist /fo csv /nh")[1]
    assert run(target, "cscript //nologo C:\\x.vbs")[0] == NOT_PLAYED
    assert run(machine(defects=["cscript_off"]), "cscript C:\\x.vbs")[0] == 1


def test_shutdown_restarts_a_moment_later() -> None:
    target = machine()
    assert run(target, "shutdown /r /t 0")[0] == 0
    assert target.boots == 0
    for _turn in range(100):
        if target.boots:
            break
        time.sleep(0.02)
    assert target.boots == 1


@pytest.mark.parametrize(
    ("line", "reads"),
    [
        (f'{CMD} /d /s /c "findstr "^" > "C:\\a b\\x""', True),
        ('C:\\Windows\\System32\\findstr.exe "^"', True),
        ("C:\\Windows\\System32\\sort.exe /REC 65535 /O C:\\x", True),
        ("C:\\Windows\\System32\\more.com", True),
        ("sort C:\\x", False),
        ("findstr ^ C:\\file", False),
        ("findstr /L /C:x C:\\f", False),
        ('cmd /c type x | findstr "^"', False),
        ("sc query findstr", False),
    ],
)
def test_which_programs_wait_for_their_input(line: str, reads: bool) -> None:
    assert reads_input(line) == reads
