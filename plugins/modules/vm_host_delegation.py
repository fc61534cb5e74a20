#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_host_delegation
short_description: Let Hyper-V hosts act for a caller on each other
version_added: 0.1.0
description:
  - Writes constrained delegation with protocol transition for a set of hosts, both ways between all of them, or for
    single
    pairs. It is what Kerberos needs for moves that are started from elsewhere.
  - Runs on a host that has the ActiveDirectory module, for example by C(delegate_to). On a member server the
    directory is a
    second hop, so give O(domain_username) and O(domain_password) there, unless the session holds credentials (CredSSP).
  - Each service is entered by short and by full name. Entries that are not ours are never touched.
  - Whether the caller may write is checked on every account before anything is written; see the finding
    C(delegation_right_missing).
options:
  state:
    description:
      - Whether the entries are there.
      - V(absent) removes exactly the entries that V(present) makes for the same options, and turns protocol
        transition off only
        on accounts that keep no entry at all.
    type: str
    choices: [present, absent]
    default: present
  hosts:
    description: Computers, by short or full name. Each may act for a caller on all others. Excludes O(pairs).
    type: list
    elements: str
  pairs:
    description: Single directions. Excludes O(hosts).
    type: list
    elements: dict
    suboptions:
      source:
        description: Computer that VMs move from, whose account gets the entries.
        type: str
        required: true
      destination:
        description: Computer that VMs move to.
        type: str
        required: true
  include_smb:
    description: Whether file sharing (C(cifs)) is covered, which moves with storage and VMs on shares need.
    type: bool
    default: true
  domain_username:
    description: Account that may write delegation.
    type: str
  domain_password:
    description: Password of O(domain_username).
    type: str
  domain_server:
    description: Domain controller to ask.
    type: str
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Says what would change, without changing it.
    support: full
  diff_mode:
    description: Shows the entries of each account before and after.
    support: full
notes:
  - A change takes effect when the directory has replicated and caches have run out, about 15 minutes. C(klist purge
    -li 0x3e7)
    on a source host clears its own part of the caches.
seealso:
  - module: hyperv.mobility.vm_host_migration
"""

EXAMPLES = r"""
- name: Three hosts may act for the caller on each other
  hyperv.mobility.vm_host_delegation:
    hosts: [HV01, HV02, HV03]
    domain_username: CONTOSO\admin
    domain_password: "{{ vault_domain_password }}"
  delegate_to: admin01
  run_once: true

- name: One direction is taken back
  hyperv.mobility.vm_host_delegation:
    pairs:
      - source: HV01
        destination: HV03
    state: absent
  delegate_to: dc01
"""

RETURN = r"""
computers:
  description: One entry per source, with the delegation it has afterwards.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Short name.
      type: str
      returned: always
    dns_host_name:
      description: Full name.
      type: str
      returned: always
    distinguished_name:
      description: Place in the directory.
      type: str
      returned: always
    added:
      description: Entries that were added.
      type: list
      elements: str
      returned: always
    removed:
      description: Entries that were removed.
      type: list
      elements: str
      returned: always
    delegates_to:
      description: All entries.
      type: list
      elements: str
      returned: always
    protocol_transition:
      description: Whether protocol transition is on.
      type: bool
      returned: always
effective_after_seconds:
  description: How long a change may take to be seen everywhere; 0 without a change.
  type: int
  returned: success
findings:
  description: Which precondition does not hold, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: when a precondition does not hold
"""
