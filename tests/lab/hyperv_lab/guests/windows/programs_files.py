# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs on files: icacls, findstr, more, certutil, bitsadmin, cscript."""

from __future__ import annotations

import fnmatch
import hashlib
import http.client
import ipaddress
import ntpath
import re
import urllib.parse
from typing import TYPE_CHECKING, Any

from ...hyperv.storage import DiskFull, NoSuchPath
from . import vendor_vss
from .console import Result, failed, lines, not_played, ok, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...world import Identity
    from .state import WindowsMachine

ACL = "acl"
"""Key of the machine's notes: lower-case path -> what icacls was told, in order."""
_INHERITED = "NT AUTHORITY\\SYSTEM:(I)(F)"
_HASHES = ("md5", "sha1", "sha256", "sha384", "sha512")
_NOT_FOUND = -2147024894
_DENIED = -2147024891
_SECONDS = 30.0
_LONGEST_RECORD = 65_535


# --- icacls ---
def icacls(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Show or change who may use a file. Rights are kept as they are told, not enforced."""
    path, *rest = [*arguments, ""][:-1] or [""]
    if not path:
        return not_played("icacls", arguments)
    if not machine.files.exists(path):
        english, french = "The system cannot find the file specified.", "Le fichier spécifié est introuvable."
        text = f"{path}: {say(machine, english, french)}\r\n"
        return failed(text + _icacls_end(machine, 0, 1), 2)
    known: dict[str, list[str]] = machine.notes.setdefault(ACL, {})
    if not rest:
        shown = "; ".join(known.get(path.lower(), [_INHERITED]))
        return ok(lines(f"{path} {shown}", "") + _icacls_end(machine, 1, 0))
    changes = _acl_changes(rest)
    if changes is None:
        return not_played("icacls", arguments)
    if changes == ["/reset"]:
        known.pop(path.lower(), None)
    else:
        known.setdefault(path.lower(), []).extend(changes)
    return ok(lines(f"{say(machine, 'processed file', 'fichier traité')}: {path}") + _icacls_end(machine, 1, 0))


def _acl_changes(words: list[str]) -> list[str] | None:
    changes: list[str] = []
    rest = list(words)
    verb = ""
    while rest:
        word = rest.pop(0)
        lower = word.lower()
        if lower in ("/inheritance:r", "/inheritance:d", "/inheritance:e", "/reset"):
            changes.append(lower)
        elif lower in ("/grant", "/grant:r", "/deny", "/remove", "/setowner"):
            verb = lower
        elif lower in ("/t", "/c", "/l", "/q"):
            continue
        elif verb and not word.startswith("/"):
            changes.append(f"{verb} {word}")
        else:
            return None
    return changes


def _icacls_end(machine: WindowsMachine, good: int, bad: int) -> str:
    english = f"Successfully processed {good} files; Failed processing {bad} files"
    return lines(say(machine, english, f"{good} fichiers correctement traités ; échec du traitement de {bad} fichiers"))


# --- findstr, more ---
def findstr(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], stdin: bytes) -> Result:
    """Print the lines that fit; the last one gets a line end (exit 1: none fits)."""
    switches = {word.lower() for word in arguments if re.fullmatch(r"/[a-z]", word, re.IGNORECASE)}
    literal = [word[3:] for word in arguments if word.lower().startswith("/c:")]
    words = [word for word in arguments if not word.startswith("/")]
    if switches - {"/i", "/v", "/b", "/e", "/x", "/l", "/r", "/m", "/n"}:
        return not_played("findstr", arguments)
    patterns = literal or (words.pop(0).split(" ") if words else [])
    if not patterns:
        return failed("FINDSTR: Bad command line\r\n", 2)
    expressions = [
        _expression(pattern, switches, literal=bool(literal) and "/r" not in switches) for pattern in patterns
    ]
    out = b""
    for path in words or [""]:
        if path and not machine.files.is_file(path):
            return failed(f"FINDSTR: {say(machine, 'Cannot open', 'Impossible d’ouvrir')} {path}\r\n")
        data = machine.files.read(path) if path else stdin
        for line in data.splitlines():
            text = line.decode("utf-8", "replace")
            if any(each.search(text) for each in expressions) != ("/v" in switches):
                out += (f"{path}:".encode() if len(words) > 1 else b"") + line + b"\r\n"
    return (0 if out else 1), out, b""


def _expression(pattern: str, switches: set[str], *, literal: bool) -> re.Pattern[str]:
    """Return a pattern of findstr: ``.`` ``*`` ``^`` ``$`` and sets; all else is itself."""
    text = re.escape(pattern) if literal or "/l" in switches else re.sub(r"([+?(){}|])", r"\\\1", pattern)
    start = "^" if switches & {"/b", "/x"} else ""
    end = "$" if switches & {"/e", "/x"} else ""
    return re.compile(f"{start}{text}{end}", re.IGNORECASE if "/i" in switches else 0)


def more(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], stdin: bytes) -> Result:
    """Print a file or the input."""
    if len(arguments) > 1 or any(word.startswith("/") for word in arguments):
        return not_played("more", arguments)
    if arguments and not machine.files.is_file(arguments[0]):
        return failed(f"{say(machine, 'Cannot access file', 'Impossible d’accéder au fichier')} {arguments[0]}\r\n")
    data = machine.files.read(arguments[0]) if arguments else stdin
    return 0, b"".join(line + b"\r\n" for line in data.splitlines()), b""


def sort(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], stdin: bytes) -> Result:
    """Sort the input or a file; ``/O`` writes to a file, ``/REC`` is the longest line."""
    rest = list(arguments)
    longest, target, source = 4096, "", ""
    while rest:
        word = rest.pop(0)
        if re.fullmatch(r"/rec[a-z_]*", word, re.IGNORECASE) and rest and rest[0].isdigit():
            longest = int(rest.pop(0))
        elif re.fullmatch(r"/o[a-z]*", word, re.IGNORECASE) and rest:
            target = rest.pop(0)
        elif word.startswith("/") or source:
            return not_played("sort", arguments)
        else:
            source = word
    if not 128 <= longest <= _LONGEST_RECORD or (source and not machine.files.is_file(source)):
        return failed(say(machine, "Invalid input.", "Entrée non valide.") + "\r\n")
    lines_ = (machine.files.read(source) if source else stdin).splitlines()
    if any(len(line) > longest for line in lines_):
        return failed(say(machine, "Input record exceeds maximum length.", "Enregistrement trop long.") + "\r\n")
    data = b"".join(line + b"\r\n" for line in sorted(lines_, key=bytes.lower))
    if not target:
        return 0, data, b""
    try:
        machine.files.write(target, data)
    except (DiskFull, NoSuchPath):
        return failed(say(machine, "The file can't be written.", "Impossible d’écrire le fichier.") + "\r\n")
    return 0, b"", b""


def where(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Say whether a file is there: ``where FOLDER:PATTERN``, or a program's name."""
    if len(arguments) != 1 or arguments[0].startswith("/"):
        return not_played("where", arguments)
    folder, colon, pattern = arguments[0].rpartition(":")
    folders = [folder] if colon else ["C:\\Windows\\System32", "C:\\Windows", "C:\\Windows\\System32\\wbem"]
    fits = (pattern.lower(), *(() if "." in pattern or "*" in pattern else (f"{pattern.lower()}.exe",)))
    found = [
        path
        for each in folders
        for path in machine.files.list(each)
        if machine.files.is_file(path) and any(fnmatch.fnmatchcase(ntpath.basename(path).lower(), fit) for fit in fits)
    ]
    if not found:
        text = say(machine, "Could not find files for the given pattern(s).", "Impossible de trouver des fichiers.")
        return failed(f"INFO: {text}\r\n")
    return ok(lines(*found))


# --- certutil, bitsadmin ---
def certutil(machine: WindowsMachine, identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Hash a file, or fetch one."""
    verb, *rest = [arguments[0].lower().replace("/", "-") if arguments else "", *arguments[1:]]
    if verb == "-hashfile" and len(rest) in (1, 2):
        if rest[0].startswith("\\\\") and not identity.delegable:
            text = f"CertUtil: -hashfile {say(machine, 'command FAILED', 'ÉCHEC')}: 0x80070005 (WIN32: 5)"
            return ok(lines(text), _DENIED)
        return _hashed(machine, rest[0], rest[1].lower() if len(rest) == 2 else "sha1")
    if verb == "-urlcache" and len(rest) == 2 and rest[1].lower() == "delete":
        return ok(lines(_certutil_end(machine, "-URLCache")))
    words = [word for word in rest if word.lower() not in ("-split", "-f", "/split", "/f")]
    if verb == "-urlcache" and len(words) == 2:
        problem = _fetched(machine, words[0], words[1])
        if problem is None:
            return ok(lines("****  Online  ****", _certutil_end(machine, "-URLCache")))
        return failed(lines(f"CertUtil: -URLCache {say(machine, 'command FAILED', 'ÉCHEC')}: {problem}"), -2147012867)
    return not_played("certutil", arguments)


def _hashed(machine: WindowsMachine, path: str, kind: str) -> Result:
    if kind not in _HASHES:
        return not_played("certutil", ["-hashfile", path, kind])
    if not machine.files.is_file(path):
        text = f"CertUtil: -hashfile {say(machine, 'command FAILED', 'ÉCHEC')}: 0x80070002 (WIN32: 2)"
        return ok(lines(text), _NOT_FOUND)
    digest = hashlib.new(kind, machine.files.read(path), usedforsecurity=False).hexdigest()
    if machine.windows.version.startswith("6."):  # up to 2012 R2 with blanks between the bytes
        digest = " ".join(digest[position : position + 2] for position in range(0, len(digest), 2))
    head = say(machine, f"{kind.upper()} hash of file {path}:", f"Hachage {kind.upper()} du fichier {path} :")
    return ok(lines(head, digest, _certutil_end(machine, "-hashfile")))


def _certutil_end(machine: WindowsMachine, verb: str) -> str:
    english = f"CertUtil: {verb} command completed successfully."
    return say(machine, english, f"CertUtil: {verb} La commande s’est terminée correctement.")


def bitsadmin(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Fetch a file."""
    words = list(arguments)
    if not words or words.pop(0).lower() != "/transfer" or len(words) < 3:
        return not_played("bitsadmin", arguments)
    words.pop(0)  # the job's name
    rest: list[str] = []
    while words:
        word = words.pop(0)
        if word.lower() == "/priority" and words:
            words.pop(0)
        elif word.lower() != "/download":
            rest.append(word)
    if len(rest) != 2:
        return not_played("bitsadmin", arguments)
    if not ntpath.isabs(rest[1]):
        return failed("Unable to add file - 0x80070057\r\n", -2147024809)
    service = machine.services.get("bits")
    if service is not None and service.start == "Disabled":
        return failed("Unable to connect to BITS - 0x80070422\r\n", -2147023838)
    problem = _fetched(machine, rest[0], rest[1])
    if problem is not None:
        return failed(f"Unable to complete transfer: {problem}\r\n", -2145386481)
    return ok(lines("", "Transfer complete."))


def _fetched(machine: WindowsMachine, url: str, path: str) -> str | None:
    """Fetch a file over HTTP from a loopback address; return what went wrong."""
    parts = urllib.parse.urlsplit(url)
    try:
        loopback = ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        loopback = parts.hostname == "localhost"
    if parts.scheme != "http" or not loopback:
        return f"hyperv_lab: not played: {url} (only http://127…)"
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=_SECONDS)
    try:
        connection.request("GET", urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, "")))
        answer = connection.getresponse()
        if answer.status != 200:
            return f"0x8019{answer.status:04x} HTTP status {answer.status}"
        machine.files.write(path, answer.read())
    except (OSError, http.client.HTTPException) as problem:
        return f"0x80072efd {problem}"
    except (DiskFull, NoSuchPath):
        return "0x80070070"
    finally:
        connection.close()
    return None


def cscript(machine: WindowsMachine, _identity: Identity, arguments: Sequence[str], _stdin: bytes) -> Result:
    """Say whether scripts may run; none is played."""
    if not vendor_vss.scripts_allowed(machine):
        english = "CScript Error: Windows Script Host access is disabled on this machine."
        french = "Erreur CScript : l’accès à Windows Script Host est désactivé sur cet ordinateur."
        return ok(lines(say(machine, english, french)), 1)
    if [word for word in arguments if not word.startswith("//")]:
        return not_played("cscript", arguments)
    return ok(lines("Microsoft (R) Windows Script Host"))


PROGRAMS: dict[str, Any] = {
    "icacls": icacls,
    "findstr": findstr,
    "more": more,
    "sort": sort,
    "where": where,
    "more.com": more,
    "certutil": certutil,
    "bitsadmin": bitsadmin,
    "cscript": cscript,
}
