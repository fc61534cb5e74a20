#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_network_adapter
short_description: Set network adapters of virtual machines, and addresses in their guests
version_added: 0.1.0
description:
  - Sets switch, VLAN and MAC address of adapters, and gives the guest addresses from the host. What is not given stays.
  - Everything that speaks against it is looked for before the first change, and comes back as findings.
  - An address goes into a guest by the method C(SetGuestNetworkAdapterConfiguration) of Hyper-V's management service.
    The guest has to run, and its key-value exchange has to answer. This was not tried on a real host.
  - One VM's failure does not stop the others.
options:
  adapters:
    description:
      - What is wanted, adapter by adapter. An entry means the adapter that fits all of O(adapters[].name),
        O(adapters[].id) and O(adapters[].match_mac_address) that it gives; with none of them, the VM's only adapter.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: Name of the adapter, compared without case.
        type: str
      id:
        description: Id of the adapter, C(Microsoft:GUID\GUID), or its own GUID alone.
        type: str
      match_mac_address:
        description:
          - MAC address that the adapter has, in any spelling. With O(adapters[].mac_address), an adapter that has
            that one already fits, too.
        type: str
      connected:
        description: V(false) disconnects the adapter. V(true) needs O(adapters[].switch) or O(adapters[].network).
        type: bool
      switch:
        description: Name of the virtual switch to connect it to.
        type: str
      network:
        description:
          - A name in the variable C(hyperv_networks) of the host. Sets switch and VLAN; its subnet, gateway and DNS
            servers are defaults for O(adapters[].ipv4) and O(adapters[].ipv6).
        type: str
      vlan_mode:
        description:
          - V(access) takes O(adapters[].vlan_id), V(trunk) takes O(adapters[].native_vlan_id) and
            O(adapters[].allowed_vlan_ids).
          - Without it, the ids that are given say which mode is meant.
        type: str
        choices: [untagged, access, trunk]
      vlan_id:
        description: VLAN of access mode, 1 to 4094.
        type: int
      native_vlan_id:
        description: VLAN of untagged frames in trunk mode; V(0) for none.
        type: int
      allowed_vlan_ids:
        description: VLANs of trunk mode, like V(10,20-29).
        type: str
      mac_address:
        description: Static MAC address, 12 hexadecimal digits in any spelling. Changing it needs the VM off.
        type: str
      dynamic_mac_address:
        description: V(true) for an address of the host's range, given at the next start. Needs the VM off.
        type: bool
      ipv4:
        description: What the guest is told. Either O(adapters[].ipv4.dhcp) or O(adapters[].ipv4.address).
        type: dict
        suboptions:
          dhcp:
            description: V(true) tells the guest to ask a DHCP server. Both families use it, or none.
            type: bool
          address:
            description:
              - Address with its prefix length, like V(10.1.0.5/24); O(adapters[].network) can give the length.
              - The guest has this IPv4 address afterwards, and no other.
            type: str
          gateway:
            description:
              - Default gateway. Without it (and without one of the network) the present one stays if it fits.
              - A guest that has, or may have, one that would be lost is not told (finding C(gateway_unknown)).
              - An empty text says that there is none.
            type: str
          dns:
            description: DNS servers in their order. Without them (and any of the network) the present ones stay.
            type: list
            elements: str
      ipv6:
        description: The same for IPv6, like V(fd00::5/64).
        type: dict
        suboptions:
          dhcp:
            description: V(true) tells the guest to ask a DHCP server. Both families use it, or none.
            type: bool
          address:
            description: Address with its prefix length. Addresses from routers may stay beside it.
            type: str
          gateway:
            description: Default gateway, which may be a link-local address. An empty text says that there is none.
            type: str
          dns:
            description: DNS servers in their order.
            type: list
            elements: str
  wait_seconds:
    description:
      - How long to wait until a guest that is still starting answers, and until guests report what they were told. When
        they do not, the task fails and says what they report.
      - V(0) does not wait.
    type: int
    default: 120
  conflict_hosts:
    description: Further inventory hosts whose VMs are looked at for MAC and IP conflicts; this host's always are.
    type: list
    elements: str
    default: []
  guest_not_running:
    description:
      - What to do where a guest is to be told an address and its VM does not run. V(fail) stops before any change.
      - V(skip) sets the host's side alone, and says so in a finding.
    type: str
    choices: [fail, skip]
    default: fail
extends_documentation_fragment:
  - hyperv.mobility.selection
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Says what would be changed, and changes nothing.
    support: full
  diff_mode:
    description: Shows the differing settings before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_integration_service
"""

EXAMPLES = r"""
- name: The network that the host calls lan, and an address in it
  hyperv.mobility.vm_network_adapter:
    names: [web01]
    adapters:
      - network: lan
        ipv4: {address: 10.1.0.5}

- name: Two adapters of one VM
  hyperv.mobility.vm_network_adapter:
    names: [db01]
    adapters:
      - name: Front
        switch: LAN
        vlan_id: 10
        ipv4: {address: 10.1.0.7/24, gateway: 10.1.0.1, dns: [10.1.0.2]}
      - match_mac_address: 00-15-5D-01-02-03
        connected: false

- name: A static MAC address, looked for on all hosts
  hyperv.mobility.vm_network_adapter:
    names: [licence01]
    adapters: [{mac_address: "02:15:5d:00:00:07"}]
    conflict_hosts: "{{ groups['hyperv'] }}"
"""

RETURN = r"""
vms:
  description: One entry per chosen VM.
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
    changed:
      description: Whether it was changed, or would be in check mode.
      type: bool
      returned: always
    adapters:
      description: One entry per adapter that was asked for.
      type: list
      elements: dict
      returned: always
      contains:
        id:
          description: Id of the adapter.
          type: str
          returned: always
        name:
          description: Name of the adapter.
          type: str
          returned: always
        changed:
          description: Whether it was changed, or would be.
          type: bool
          returned: always
        before:
          description: What differs, before; C(mac_address), C(switch), C(vlan), C(guest) (what the guest reported).
          type: dict
          returned: always
        after:
          description: The same as it is to be.
          type: dict
          returned: always
        ip_addresses:
          description: What the guest reported last.
          type: list
          elements: str
          returned: always
    findings:
      description: What was found about it, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
      type: list
      elements: dict
      returned: always
    error:
      description: Why it failed, with C(kind) and C(msg); null otherwise.
      type: dict
      returned: always
findings:
  description: What was found about the host, or which preconditions do not hold.
  type: list
  elements: dict
  returned: unless the options are wrong
"""
