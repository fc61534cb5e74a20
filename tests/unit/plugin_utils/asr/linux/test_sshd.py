# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""sshd_config as text: what is in force, and edits that change one setting and nothing else."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux import sshd
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.linux.sshd import MAIN_FILE
from hypothesis import given
from hypothesis import strategies as st

SFTP, PASSWORD, ROOT = "subsystem sftp", "passwordauthentication", "permitrootlogin"

RHEL5 = """#	$OpenBSD: sshd_config,v 1.73 2005/12/06 22:38:28 reyk Exp $
Protocol 2
SyslogFacility AUTHPRIV
#PermitRootLogin yes
PasswordAuthentication no
UsePAM yes
Subsystem	sftp	/usr/libexec/openssh/sftp-server
"""
UBUNTU_20 = """Include /etc/ssh/sshd_config.d/*.conf
#PermitRootLogin prohibit-password
#PasswordAuthentication yes
UsePAM yes
# override default of no subsystems
#Subsystem	sftp	/usr/lib/openssh/sftp-server
Match User backup
	PasswordAuthentication no
	X11Forwarding no
"""
DROP_IN = {"/etc/ssh/sshd_config.d/50-cloud-init.conf": "PasswordAuthentication no\n"}


def effective(files: Mapping[str, str], name: str) -> str | None:
    return sshd.effective(files, name, (8, 2))


def after(files: Mapping[str, str], name: str, value: str) -> dict[str, str]:
    edit = sshd.set_value(files, name, value)
    return dict(files) if edit is None else {**files, MAIN_FILE: edit.applied(files.get(MAIN_FILE, ""))}


def test_the_first_value_counts_and_included_files_come_where_they_are_included() -> None:
    assert effective({MAIN_FILE: "PasswordAuthentication no\nPasswordAuthentication yes\n"}, PASSWORD) == "no"
    assert effective({MAIN_FILE: UBUNTU_20, **DROP_IN}, PASSWORD) == "no"
    late = {MAIN_FILE: "PasswordAuthentication yes\nInclude sshd_config.d/*.conf\n", **DROP_IN}
    assert effective(late, PASSWORD) == "yes"
    assert effective({MAIN_FILE: UBUNTU_20}, PASSWORD) == "yes"


def test_a_match_in_an_included_file_ends_with_it() -> None:
    files = {MAIN_FILE: UBUNTU_20, "/etc/ssh/sshd_config.d/a.conf": "Match User x\nPermitRootLogin no\n"}
    assert effective(files, ROOT) == "prohibit-password"
    assert effective({**files, MAIN_FILE: UBUNTU_20.replace("#PermitRoot", "PermitRoot")}, ROOT) == "prohibit-password"


def test_defaults_by_version() -> None:
    assert sshd.effective({MAIN_FILE: ""}, ROOT, (4, 3)) == "yes"
    assert sshd.effective({MAIN_FILE: ""}, ROOT, (7, 0)) == "prohibit-password"
    assert sshd.effective({MAIN_FILE: ""}, ROOT, None) == "prohibit-password"
    assert sshd.effective({MAIN_FILE: ""}, SFTP, None) is None


@pytest.mark.parametrize(
    "line", ["passwordAUTHENTICATION=no", 'PasswordAuthentication "no"', "\tPasswordAuthentication  no \r"]
)
def test_every_spelling_is_read(line: str) -> None:
    assert effective({MAIN_FILE: line + "\n"}, PASSWORD) == "no"


def test_an_included_file_loops_are_cut() -> None:
    files = {MAIN_FILE: "Include /etc/ssh/a\n", "/etc/ssh/a": "Include /etc/ssh/a\nPasswordAuthentication no\n"}
    assert effective(files, PASSWORD) == "no"


def test_the_deciding_line_is_replaced_where_it_stands() -> None:
    new = after({MAIN_FILE: RHEL5}, PASSWORD, "yes")[MAIN_FILE]
    assert new == RHEL5.replace("PasswordAuthentication no", "PasswordAuthentication yes")


def test_the_distributions_comment_gives_its_place() -> None:
    new = after({MAIN_FILE: RHEL5}, ROOT, "yes")[MAIN_FILE]
    assert new == RHEL5.replace("#PermitRootLogin yes", "PermitRootLogin yes")
    new = after({MAIN_FILE: UBUNTU_20}, SFTP, "/usr/lib/openssh/sftp-server")[MAIN_FILE]
    assert "\nSubsystem sftp /usr/lib/openssh/sftp-server\nMatch User backup" in new


def test_a_drop_in_is_overruled_before_its_include_and_stays() -> None:
    files = {MAIN_FILE: UBUNTU_20, **DROP_IN}
    new = after(files, PASSWORD, "yes")
    assert new[MAIN_FILE] == "PasswordAuthentication yes\n" + UBUNTU_20
    assert effective(new, PASSWORD) == "yes"
    assert {path: new[path] for path in DROP_IN} == DROP_IN


def test_nothing_goes_into_a_match_block() -> None:
    text = "UsePAM yes\nMatch User x\n#Subsystem sftp internal-sftp\nX11Forwarding no"
    new = after({MAIN_FILE: text}, SFTP, "internal-sftp")[MAIN_FILE]
    assert (
        new == "UsePAM yes\nSubsystem sftp internal-sftp\nMatch User x\n#Subsystem sftp internal-sftp\nX11Forwarding no"
    )


def test_prose_in_a_comment_is_not_taken_for_a_setting() -> None:
    text = "# PasswordAuthentication.  Depending on your PAM configuration\n# PermitRootLogin without passwords\n"
    assert after({MAIN_FILE: text}, ROOT, "yes")[MAIN_FILE] == text + "PermitRootLogin yes\n"


def test_a_file_without_its_last_line_end_gets_one_before_more() -> None:
    assert after({MAIN_FILE: "UsePAM yes"}, ROOT, "yes")[MAIN_FILE] == "UsePAM yes\nPermitRootLogin yes\n"


LINES = st.sampled_from(
    [
        "PasswordAuthentication no",
        "PasswordAuthentication yes",
        "#PasswordAuthentication yes",
        "PermitRootLogin no",
        "# PermitRootLogin prohibit-password",
        "passwordauthentication=no",
        "Subsystem sftp /usr/lib/openssh/sftp-server",
        "#Subsystem sftp /usr/lib/openssh/sftp-server",
        "Include /etc/ssh/sshd_config.d/*.conf",
        "UsePAM yes",
        "# a comment – ünïcode \udcff",
        "",
        "Banner none\r",
        "Match User backup",
        "Match all",
        "\tX11Forwarding no",
    ]
)
TEXTS = st.tuples(st.lists(LINES, max_size=8), st.booleans()).map(lambda x: "\n".join(x[0]) + ("\n" if x[1] else ""))
FILES = st.fixed_dictionaries(
    {MAIN_FILE: TEXTS}, optional={"/etc/ssh/sshd_config.d/a.conf": TEXTS, "/etc/ssh/sshd_config.d/b.conf": TEXTS}
)
SETTINGS = st.sampled_from([(PASSWORD, "yes"), (ROOT, "yes"), (SFTP, "internal-sftp")])


@given(FILES, SETTINGS)
def test_an_edit_brings_the_setting_touches_one_line_and_is_not_needed_twice(
    files: dict[str, str], setting: tuple[str, str]
) -> None:
    name, value = setting
    new = after(files, name, value)
    assert effective(new, name) == value
    assert after(new, name, value) == new
    others = {each.name for each in sshd.directives(files)} - {name}
    assert {each: sshd.first(files, each) is None for each in others} == {
        each: sshd.first(new, each) is None for each in others
    }
    assert {each: effective(files, each) for each in others} == {each: effective(new, each) for each in others}
    before = [(each.name, each.value) for each in sshd.directives(files) if each.in_match]
    assert [(each.name, each.value) for each in sshd.directives(new) if each.in_match] == before
    assert {path for path in files if files[path] != new[path]} <= {MAIN_FILE}
    old_lines, new_lines = files[MAIN_FILE].split("\n"), new[MAIN_FILE].split("\n")
    gone = [line for line in old_lines if line not in new_lines]
    assert len(gone) <= 1


@given(FILES, st.sampled_from([PASSWORD, ROOT]))
def test_undoing_gives_the_file_back(files: dict[str, str], name: str) -> None:
    edit = sshd.set_value(files, name, "yes")
    if edit is None:
        return
    new = {**files, MAIN_FILE: edit.applied(files[MAIN_FILE])}
    back = sshd.undo(new, name, edit.was)
    assert back is not None
    text = back.applied(new[MAIN_FILE])
    assert text.rstrip("\n") == files[MAIN_FILE].rstrip("\n")
    assert text == files[MAIN_FILE] or text == files[MAIN_FILE] + "\n"


def test_undoing_leaves_what_somebody_changed_since() -> None:
    assert sshd.undo({MAIN_FILE: "PasswordAuthentication no\n"}, PASSWORD, None) is None
    assert sshd.undo({MAIN_FILE: UBUNTU_20, **DROP_IN}, PASSWORD, None) is None
