#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_compatibility
short_description: Find what would stop virtual machines from moving to another host
version_added: 0.1.0
description:
  - Makes all checks that M(hyperv.mobility.vm_migration) makes before the first change, Compare-VM's own report
    included.
  - Reads only. The planned VM that a comparison makes at the destination is removed again.
attributes:
  check_mode:
    description: Reads only, in check mode as well.
    support: full
  diff_mode:
    description: Nothing changes.
    support: none
seealso:
  - module: hyperv.mobility.vm_migration
extends_documentation_fragment:
  - hyperv.mobility.move
  - hyperv.mobility.host
"""

EXAMPLES = r"""
- name: See whether web01 can go to hv02
  hyperv.mobility.vm_compatibility:
    names: [web01]
    destination_host: hv02
  register: found
"""

RETURN = r"""
vms:
  description: One entry per VM.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Id of the VM.
      type: str
      returned: always
    name:
      description: Name of the VM.
      type: str
      returned: always
    compatible:
      description: Whether nothing blocks it.
      type: bool
      returned: always
    already_there:
      description: Whether it is on the destination already.
      type: bool
      returned: always
    findings:
      description: What was found about the VM and the two hosts.
      type: list
      elements: dict
      returned: always
      contains:
        id:
          description: Stable word, for example V(switch_missing).
          type: str
          returned: always
        severity:
          description: V(blocking), V(warning) or V(info). With a blocking one the VM does not move.
          type: str
          returned: always
        subject:
          description: The VM or host it is about.
          type: str
          returned: always
        evidence:
          description: What was seen.
          type: str
          returned: always
        remedy:
          description: What to do.
          type: str
          returned: always
compatible:
  description: Whether nothing blocks any of them.
  type: bool
  returned: success
"""
