# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that put audits of hosts together: a report, lines for people, what is broken by host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible_collections.hyperv.mobility.plugins.plugin_utils.hyperv.audit import fleet


class FilterModule:
    """What Ansible loads."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "audit_report": fleet.report,
            "audit_summary": fleet.summary,
            "audit_broken": fleet.broken,
        }
