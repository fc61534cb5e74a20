# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation of the options by which tasks say which virtual machines they are about."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  names:
    description:
      - Names of virtual machines, compared without case. Characters like V(*) and V([) mean themselves.
      - A name that fits nothing is an error; so is a name that fits several, and the error lists their Ids.
    type: list
    elements: str
  ids:
    description: Ids (GUIDs) of virtual machines.
    type: list
    elements: str
  select:
    description:
      - JMESPath expression over what M(hyperv.mobility.vm_info) returns, that keeps some of the entries, for example
        V([?state=='Running']).
      - With O(names) or O(ids), it narrows what they choose. A wrong expression is an error before anything is sent.
    type: str
"""
