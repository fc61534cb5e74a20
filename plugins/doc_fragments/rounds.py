# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options that say how several migrations of a task run beside each other."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  concurrency:
    description:
      - How many migrations of this task may run at once, V(auto) or a number. The free slots of every host that takes
        part are a limit in any case.
    type: str
    default: auto
  wait_for_backup_seconds:
    description: How long to wait for a running backup of a VM, or for another operation that ends by itself.
    type: int
    default: 3600
  timeout_seconds:
    description:
      - How long the migration of one VM may take; V(0) is no limit. One that takes longer goes on, and the next run
        attaches to it.
    type: int
    default: 0
  retries:
    description: How often a migration is tried again after a failure that may pass.
    type: int
    default: 2
  remove_empty_source_folders:
    description: Whether folders of the VM that its migration left empty are removed.
    type: bool
    default: false
  preflight_only:
    description: Whether to check only. Findings are returned, blocking ones do not fail the task.
    type: bool
    default: false
  skip_blocked:
    description:
      - Whether VMs with blocking findings are skipped, so that they do not fail the task. Their findings are returned.
    type: bool
    default: false
"""
