# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that the tasks on machines with the Mobility service share."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
notes:
  - On Windows the connection is C(psrp) or C(winrm), its user a member of Administrators. State and files are read by
    cmdlets, programs run over WinRS; no script runs there.
  - On Linux the connection is C(ssh) or another one that runs C(sh), with C(become) where its user is not root. The
    machine needs no Python.
attributes:
  platform:
    description: Target systems.
    support: full
    platforms: windows, posix
  action_group:
    description: Use C(group/hyperv.mobility.all) in C(module_defaults) to set defaults for these tasks.
    support: full
    membership:
      - hyperv.mobility.all
author:
  - hyperv.mobility contributors (@hyperv-mobility)
"""
