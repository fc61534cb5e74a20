# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that all tasks on a host share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
notes:
  - Runs on the controller and sends typed commands only; nothing is written on the host, and no script runs there.
  - The connection of the host is C(psrp) or C(winrm). The caller is a member of Administrators there, or of Hyper-V
    Administrators for what that group may do.
attributes:
  platform:
    description: Target systems.
    support: full
    platforms: windows
  action_group:
    description: Use C(group/hyperv.mobility.all) in C(module_defaults) to set defaults for these tasks.
    support: full
    membership:
      - hyperv.mobility.all
author:
  - hyperv.mobility contributors (@hyperv-mobility)
"""
