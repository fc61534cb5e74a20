#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_failover_ip
short_description: Set the addresses that replicated virtual machines take at a failover
version_added: 0.1.0
description:
  - Sets, per network adapter, the address with which a guest comes up on the replica's host after a failover
    (Hyper-V's failover TCP/IP settings), and the switch for test failovers.
  - Hyper-V gives the address to the guest over the key-value exchange when the replica starts. A guest that doesn't
    take part keeps the primary's address, so such a VM is refused, with the reason, before anything is changed.
  - Without O(vms), reads all replicated VMs of the host, changes nothing, and says which would keep their primary's
    address.
  - A failover starts the replica's copy, so an address for it belongs to that copy. On the host of the primary
    O(replica_side) sets it there, and without O(replica_side) it is refused. On the host of a replica it is set
    without O(replica_side), and the guest can't be judged.
  - The primary's own copy is set only by O(vms[].adapters[].failback), for the way back after a reversal. That
    Hyper-V uses it then is practice, not verified.
options:
  vms:
    description: What is asked for, by VM. Empty reads.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the VM. One that fits several is an error.
        type: str
      id:
        description: Id of the VM, instead of its name.
        type: str
      replica_host:
        description: Inventory host of this VM's replica, where it differs from O(replica_host).
        type: str
      adapters:
        description:
          - What is asked for, by adapter. Each is named by one of its name, MAC address or Id, or by none of them
            where the VM has only one.
        type: list
        elements: dict
        required: true
        suboptions:
          name:
            description: Name of the adapter.
            type: str
          mac_address:
            description: MAC address of the adapter, with or without separators.
            type: str
          id:
            description: Id of the adapter, or the GUID at its end.
            type: str
          ipv4:
            description: IPv4 address after a failover. What is not given beside it stays as it is.
            type: dict
            suboptions:
              address:
                description: The address. Not its network's own or broadcast address.
                type: str
                required: true
              subnet_mask:
                description: Mask of its subnet. This or O(vms[].adapters[].ipv4.prefix).
                type: str
              prefix:
                description: Length of its subnet's prefix.
                type: int
              gateway:
                description:
                  - Default gateway, in the same subnet. Where it is not given, one that is there stays as long as it
                    is in the subnet.
                type: str
              dns:
                description: Preferred and alternate DNS server.
                type: list
                elements: str
          ipv6:
            description: IPv6 address after a failover. What is not given beside it stays as it is.
            type: dict
            suboptions:
              address:
                description: The address.
                type: str
                required: true
              prefix:
                description: Length of its subnet's prefix.
                type: int
                required: true
              gateway:
                description: Default gateway, in the same subnet or link-local.
                type: str
              dns:
                description: Preferred and alternate DNS server.
                type: list
                elements: str
          clear:
            description: Which addresses are removed, so that the primary's stays.
            type: str
            choices: [ipv4, ipv6, both]
          test_switch:
            description: Switch of the adapter at a test failover. It has to be there on the replica's host.
            type: str
          failback:
            description:
              - What the primary's own copy is to have, with which the guest comes up at home again after a reversal
                and a failback. Left out, that copy is not touched. Only on the host of the primary.
              - Its O(vms[].adapters[].failback.clear) removes what is there, as an address of the replica's site.
            type: dict
            suboptions:
              ipv4:
                description: IPv4 address at home. What is not given beside it stays as it is.
                type: dict
                suboptions:
                  address:
                    description: The address. Not its network's own or broadcast address.
                    type: str
                    required: true
                  subnet_mask:
                    description: Mask of its subnet. This or O(vms[].adapters[].failback.ipv4.prefix).
                    type: str
                  prefix:
                    description: Length of its subnet's prefix.
                    type: int
                  gateway:
                    description:
                      - Default gateway, in the same subnet. Where it is not given, one that is there stays as long as
                        it is in the subnet.
                    type: str
                  dns:
                    description: Preferred and alternate DNS server.
                    type: list
                    elements: str
              ipv6:
                description: IPv6 address at home. What is not given beside it stays as it is.
                type: dict
                suboptions:
                  address:
                    description: The address.
                    type: str
                    required: true
                  prefix:
                    description: Length of its subnet's prefix.
                    type: int
                    required: true
                  gateway:
                    description: Default gateway, in the same subnet or link-local.
                    type: str
                  dns:
                    description: Preferred and alternate DNS server.
                    type: list
                    elements: str
              clear:
                description: Which addresses are removed from the primary's copy.
                type: str
                choices: [ipv4, ipv6, both]
              test_switch:
                description: Switch of the adapter at a test failover the other way. It has to be on this host.
                type: str
  test_switch:
    description: Switch for test failovers of every adapter listed in O(vms) that names none itself, on the replica's
      copy.
    type: str
  replica_side:
    description:
      - Whether the replica's copy is set (or read) from the primary's host, in a session of its own with that host's
        variables.
      - Its host is the inventory host with the name of the replica server, in full or without its domain, or what
        O(replica_host) says.
    type: bool
    default: false
  replica_host:
    description: Inventory host of the replicas, where it can't be told from the name of the replica server.
    type: str
  skip_blocked:
    description: Whether VMs with a blocking finding are left out, instead of refusing all of them.
    type: bool
    default: false
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Says what would change, without changing it.
    support: full
  diff_mode:
    description: Shows the adapters that differ, by VM and host, before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_integration_service
"""

EXAMPLES = r"""
- name: The VM has another address on the replica's site
  hyperv.mobility.vm_failover_ip:
    vms:
      - name: web01
        adapters:
          - ipv4:
              address: 10.2.0.11
              prefix: 24
              gateway: 10.2.0.1
              dns: [10.2.0.2, 10.2.0.3]
            test_switch: Test
            failback:
              ipv4:
                address: 10.1.0.11
                prefix: 24
                gateway: 10.1.0.1
    replica_side: true

- name: Which VMs would keep their primary's address
  hyperv.mobility.vm_failover_ip:
    replica_side: true
  register: failover
"""

RETURN = r"""
vms:
  description: One entry per VM.
  type: list
  elements: dict
  returned: success or failure of single VMs
  contains:
    id:
      description: Id of the VM.
      type: str
      returned: always
    name:
      description: Name of the VM.
      type: str
      returned: always
    host:
      description: The inventory host the task ran on.
      type: str
      returned: always
    replica_host:
      description: The inventory host of the replica, null where that copy was not looked at.
      type: str
      returned: always
    changed:
      description: Whether anything was changed on either copy, or would be in check mode.
      type: bool
      returned: always
    skipped:
      description: Whether the VM was left as it is because of a blocking finding.
      type: bool
      returned: always
    replication:
      description: C(mode), C(state), C(health), C(primary_server) and C(replica_server); null where it is not
        replicated.
      type: dict
      returned: always
    adapters:
      description:
        - By adapter its C(name), C(id), C(mac_address) and C(addresses) of now. C(here) and C(replica) are what is set
          on either copy (C(ipv4), C(ipv6), C(test_switch)), as it is after the task.
        - C(comes_up_with) has the addresses with which the guest comes up after a failover. C(keeps_primary_address)
          is true where it keeps the primary's, null where that can't be told, and C(why) has the ids of the findings
          behind it.
      type: list
      elements: dict
      returned: always
    findings:
      description: What was found, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
      type: list
      elements: dict
      returned: always
    error:
      description: Why changing it failed, with C(kind) and C(msg); null otherwise.
      type: dict
      returned: always
findings:
  description: Which precondition does not hold, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
  type: list
  elements: dict
  returned: when a precondition does not hold
"""
