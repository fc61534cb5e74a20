# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for the get-pip.py that ansible-test would download: pip comes from Python itself, versions from the index.

ansible-test fetches that file from a host of its own, which build machines behind a proxy often can't reach.
"""

from __future__ import annotations

import subprocess
import sys

packages = [word for word in sys.argv[1:] if "==" in word]
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
subprocess.run(
    [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages], check=True
)
