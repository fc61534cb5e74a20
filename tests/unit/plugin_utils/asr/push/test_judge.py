# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What observations of a probe mean: every code of the table, closed doors, accounts, and what stays open."""

from __future__ import annotations

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.push import codes
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.push.judge import judge, undetermined
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.push.observations import (
    NOT_AVAILABLE,
    NOT_REACHED,
    Code,
    Observed,
    Port,
    PortState,
    Problem,
    SignIn,
    Step,
    System,
)

DONE = Step(done=True)
GB = 1024**3
OPEN, REFUSED, SILENT = PortState.OPEN, PortState.REFUSED, PortState.SILENT


def windows(
    sign_in: SignIn | None = None,
    *,
    rpc: PortState = OPEN,
    smb: PortState = OPEN,
    netbios: PortState = REFUSED,
    username: str = "CONTOSO\\push",
) -> Observed:
    states = {"rpc": (135, rpc), "smb": (445, smb), "netbios": (139, netbios)}
    return Observed(
        system=System.WINDOWS,
        address="192.0.2.7",
        probed_from="controller",
        ports=tuple(Port(name=name, number=number, state=state) for name, (number, state) in states.items()),
        username=username,
        sign_in=sign_in or SignIn(attempts=1, login=DONE, share=DONE, free_bytes=9 * GB),
    )


def linux(sign_in: SignIn | None = None, *, ssh: PortState = OPEN, username: str | None = "root") -> Observed:
    return Observed(
        system=System.LINUX,
        address="192.0.2.8",
        probed_from="controller",
        ports=(Port(name="ssh", number=22, state=ssh),),
        username=username,
        sign_in=sign_in or SignIn(attempts=1, login=DONE, sftp=DONE, uid=0),
    )


def refused(number: int, kind: str = "ntstatus") -> SignIn:
    return SignIn(attempts=1, login=Step(code=Code(kind=kind, number=number)), share=NOT_REACHED)


def ids(seen: Observed) -> list[str]:
    return [found.id for found in judge(seen)]


def test_healthy_machines_yield_nothing() -> None:
    assert ids(windows()) == ids(linux()) == []
    assert undetermined(windows()) == undetermined(linux()) == ()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0xC000006D, "95107"),
        (0xC0000022, "95517"),
        (0xC000018D, "95518"),
        (0xC000018C, "95518"),
        (0xC0000072, "95519"),
        (0xC0000234, "95520"),
        (0xC000005E, "95521"),
        (0xC0000192, "95522"),
        (0xC00000BE, "95523"),
        (0xC00000CC, "95105"),
    ],
)
def test_the_table_of_the_facts(number: int, expected: str) -> None:
    (found,) = judge(windows(refused(number)))
    assert found.id == expected
    assert f"0x{number:08X}" in found.evidence
    assert found.severity.value == "blocking"


@pytest.mark.parametrize("number", [0xC00000BB, 0xC000A100])
def test_a_code_in_no_table_still_blocks(number: int) -> None:
    (found,) = judge(windows(refused(number)))
    assert found.id == "95107"
    assert f"0x{number:08X} (in no table)" in found.evidence
    share = SignIn(attempts=1, login=DONE, share=Step(code=Code(kind="ntstatus", number=number)))
    assert ids(windows(share)) == ["95105"]


def test_the_same_cause_has_the_same_id_by_ntstatus_and_win32() -> None:
    """RtlNtStatusToDosError's pairs (MS-ERREF): the two tables must not tell different stories."""
    pairs = {
        0xC000006D: 1326,
        0xC000006E: 1327,
        0xC000006F: 1328,
        0xC0000070: 1329,
        0xC0000071: 1330,
        0xC0000072: 1331,
        0xC0000193: 1793,
        0xC0000224: 1907,
        0xC0000234: 1909,
        0xC000015B: 1385,
        0xC0000022: 5,
        0xC000018C: 1788,
        0xC000018D: 1789,
        0xC0000192: 1792,
        0xC000005E: 1311,
        0xC00000BE: 53,
        0xC00000CC: 67,
    }
    assert sorted(pairs) == sorted(codes.NTSTATUS)
    for status, win32 in pairs.items():
        assert codes.NTSTATUS[status].error_id == codes.WIN32[win32].error_id


def test_no_right_on_the_share_is_the_pair_of_the_account() -> None:
    seen = windows(SignIn(attempts=1, login=DONE, share=Step(code=Code(kind="ntstatus", number=0xC0000022))))
    (found,) = judge(seen)
    assert set(found.ids) == {"95107", "95517"}
    assert "\\\\192.0.2.7\\C$" in found.evidence


def test_a_guest_is_an_unknown_account() -> None:
    assert ids(windows(SignIn(attempts=1, login=Step(problem=Problem.GUEST), share=NOT_REACHED))) == ["95107"]


def test_closed_doors_of_windows() -> None:
    unreached = SignIn(login=NOT_REACHED, share=NOT_REACHED)
    assert ids(windows(rpc=SILENT)) == ["95103"]
    assert ids(windows(unreached, smb=REFUSED)) == ["95105"]
    assert ids(windows(unreached, smb=REFUSED, netbios=OPEN)) == []
    assert ids(windows(unreached, rpc=SILENT, smb=SILENT, netbios=SILENT)) == ["95117"]
    nowhere = PortState.NO_ROUTE
    assert ids(windows(unreached, rpc=nowhere, smb=nowhere, netbios=nowhere)) == ["95523"]
    nameless = PortState.NO_NAME
    assert "name" in judge(windows(unreached, rpc=nameless, smb=nameless, netbios=nameless))[0].evidence


def test_an_open_port_without_file_sharing_behind_it() -> None:
    for problem in (Problem.NO_AGREEMENT, Problem.CONNECTION_ENDED, Problem.TIMED_OUT):
        assert ids(windows(SignIn(login=Step(problem=problem), share=NOT_REACHED))) == ["95105"]


def test_room_on_the_share() -> None:
    mb = 1024**2
    for free, expected in ((99 * mb, ["95524"]), (100 * mb, []), (None, [])):
        assert ids(windows(SignIn(attempts=1, login=DONE, share=DONE, free_bytes=free))) == expected
    assert undetermined(windows(SignIn(attempts=1, login=DONE, share=DONE))) == ("free space: it could not be read",)


def test_linux_accounts() -> None:
    assert ids(linux(username="deploy")) == ["95525"]
    assert ids(linux(SignIn(attempts=1, login=DONE, sftp=DONE, uid=1000))) == ["95525"]
    assert ids(linux(SignIn(attempts=1, login=DONE, sftp=DONE))) == []
    assert ids(linux(SignIn(), username=None)) == []


def test_linux_doors() -> None:
    def tried(problem: Problem, detail: str = "") -> SignIn:
        return SignIn(attempts=1, login=Step(problem=problem, detail=detail), sftp=NOT_REACHED)

    assert ids(linux(tried(Problem.REFUSED))) == ["95108"]
    (found,) = judge(linux(tried(Problem.METHOD_NOT_OFFERED, "publickey")))
    assert (found.id, "publickey" in found.evidence) == ("95108", True)
    assert ids(linux(tried(Problem.NO_AGREEMENT))) == ["97118"]
    no_sftp = SignIn(attempts=1, login=DONE, sftp=Step(problem=Problem.REFUSED), uid=0)
    assert ids(linux(no_sftp)) == ["95108"]
    (found,) = judge(linux(SignIn(login=NOT_REACHED, sftp=NOT_REACHED), ssh=REFUSED))
    assert {"95117", "97118"} <= set(found.ids)


def test_what_had_no_answer_is_told() -> None:
    assert undetermined(windows(SignIn())) == (
        "sign-in: no username and password were given",
        "share: no username and password were given",
    )
    assert len(undetermined(linux(SignIn(login=NOT_AVAILABLE, sftp=NOT_AVAILABLE)))) == 2
    unknown = SignIn(login=Step(problem=Problem.HOST_KEY_UNKNOWN, detail="x"), sftp=NOT_REACHED)
    assert ids(linux(unknown)) == []
    assert "password was not sent" in undetermined(linux(unknown))[0]
