#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_host_migration
short_description: Make a host able to receive live migrations
version_added: 0.1.0
description:
  - Enables or disables live migration and sets authentication, performance option, limits and networks.
  - When enabled, also makes sure that the service C(vmms) runs and starts by itself, that the firewall lets
    migrations in, and
    proves that the host listens. A host that is enabled but has neither a network nor any network allowed receives
      nothing.
  - Options that are not given are left as they are.
options:
  state:
    description: Whether live migration is enabled.
    type: str
    choices: [enabled, disabled]
    default: enabled
  authentication_type:
    description: How hosts prove themselves to each other. Both ends of a move need the same.
    type: str
    choices: [Kerberos, CredSSP]
  performance_option:
    description: What carries the memory of a VM that moves.
    type: str
    choices: [Compression, TCPIP, SMB]
  maximum_virtual_machine_migrations:
    description: How many live migrations may run at once.
    type: int
  maximum_storage_migrations:
    description: How many storage migrations may run at once.
    type: int
  networks:
    description: Networks for incoming migrations. Those that are missing are added, those with another priority
      changed.
    type: list
    elements: dict
    default: []
    suboptions:
      subnet:
        description: IPv4 or IPv6 network in CIDR form, or one address.
        type: str
        required: true
      priority:
        description: Preference; lower comes first. Left as it is when not given.
        type: int
  purge_networks:
    description: Whether networks that are not in O(networks) are removed.
    type: bool
    default: false
  use_any_network:
    description: Whether incoming migrations may use any network.
    type: bool
  firewall_rule:
    description: Whether the firewall rule C(VIRT-MIGL-In-TCP-NoScope) is enabled where it is not.
    type: bool
    default: true
  ready_timeout_seconds:
    description: How long the host may take until it listens.
    type: int
    default: 60
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Says what would change, without changing it.
    support: full
  diff_mode:
    description: Shows the settings before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_host_delegation
  - module: hyperv.mobility.vm_host_info
"""

EXAMPLES = r"""
- name: Live migration with Kerberos over one network
  hyperv.mobility.vm_host_migration:
    authentication_type: Kerberos
    performance_option: Compression
    maximum_virtual_machine_migrations: 4
    networks:
      - subnet: 192.168.10.0/24
        priority: 1
    purge_networks: true
    use_any_network: false

- name: Live migration is off
  hyperv.mobility.vm_host_migration:
    state: disabled
"""

RETURN = r"""
computer_name:
  description: Name of the host as other hosts know it.
  type: str
  returned: success
ready:
  description: Whether the host listens for migrations; null in check mode where something would change, and where the
    host does not show it.
  type: bool
  returned: success
listener_addresses:
  description: Addresses at which the host receives migrations.
  type: list
  elements: str
  returned: success
findings:
  description: Which precondition does not hold, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: when a precondition does not hold
"""
