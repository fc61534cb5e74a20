# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys of SSH and hashes of passwords, made anew at each start of the lab."""

from __future__ import annotations

import functools
import subprocess
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

if TYPE_CHECKING:
    from pathlib import Path


def write_key(path: Path) -> str:
    """Make an Ed25519 key; write its private half, return the public one as ssh-keygen prints it, without a comment."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
    )
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_bytes(private)
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    return public.decode()


@functools.cache
def shadow_hash(password: str) -> str:
    """Return the hash of a password for /etc/shadow. SHA-256 of few rounds would do; openssl's own number is used."""
    done = subprocess.run(
        ["openssl", "passwd", "-5", "-stdin"], input=password, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()
