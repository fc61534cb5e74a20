#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_integration_service
short_description: Enable integration services of virtual machines, and see what their guests answer
version_added: 0.1.0
description:
  - Sets which integration services the host offers to a VM, and returns what the guest does with each of them. The two
    are independent, and both are needed.
  - Services are known by the GUID of their component, so it works the same on a host of any language.
  - A service that the guest does not answer, or answers in an old protocol, is a finding with the remedy for that
    guest.
  - Without O(services) and O(insert_services_disc) nothing is changed.
  - The services are enabled and disabled while the VM runs.
options:
  services:
    description: Which services the host is to offer. Those not given are left as they are.
    type: dict
    default: {}
    suboptions:
      guest_service_interface:
        description: Copying files from the host into the guest. Off by default on every host.
        type: bool
      heartbeat:
        description: Telling the host that the guest is alive.
        type: bool
      key_value_pair_exchange:
        description: Telling the host of the guest's system and addresses, and taking addresses from it, for a failover
          too.
        type: bool
      shutdown:
        description: Shutting the guest down.
        type: bool
      time_synchronization:
        description: Taking the time from the host.
        type: bool
      vss:
        description: Consistent backups and checkpoints.
        type: bool
  insert_services_disc:
    description:
      - V(true) puts the host's disc of integration services (C(vmguest.iso)) into an empty DVD drive of the VM, on a
        host before Windows Server 2016. Later hosts have no such disc. What is on it is not started. Someone runs
        C(setup.exe) of it in the guest.
      - V(false) takes that disc out of every drive of the VM, and no other disc.
      - A Linux guest gets no disc.
    type: bool
  guest_system:
    description: What runs in the guests, where they don't say it themselves. V(auto) goes by the key-value exchange.
    type: str
    choices: [auto, windows, linux]
    default: auto
  guest_hosts:
    description:
      - Windows guests as hosts of the inventory, by the name or Id of the VM. Their own services are read there, so
        that findings can tell whether the guest's service is stopped or missing, and whether its update service is
        disabled.
    type: dict
    default: {}
  wait_seconds:
    description:
      - How long to wait until the guests of running VMs answer the services that are enabled. With O(services), only
        those asked for count. The task fails when they don't.
      - V(0) does not wait.
    type: int
    default: 0
extends_documentation_fragment:
  - hyperv.mobility.host
  - hyperv.mobility.selection
attributes:
  check_mode:
    description: Says what would change, without changing it. Waits for guests only where nothing would change.
    support: full
  diff_mode:
    description: Shows the services and drives that differ, by VM, before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_failover_ip
  - module: hyperv.mobility.vm_info
"""

EXAMPLES = r"""
- name: Guests can take an address at a failover
  hyperv.mobility.vm_integration_service:
    names: [web01]
    services:
      key_value_pair_exchange: true
      heartbeat: true
    wait_seconds: 120

- name: What every guest answers
  hyperv.mobility.vm_integration_service:
  register: guests

- name: A Windows guest on a 2012 R2 host gets the disc with newer services
  hyperv.mobility.vm_integration_service:
    names: [web01]
    insert_services_disc: true
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
    state:
      description: State of the VM.
      type: str
      returned: always
    changed:
      description: Whether it was changed, or would be in check mode.
      type: bool
      returned: always
    guest:
      description:
        - What the guest tells over the key-value exchange, null where it doesn't. C(system) (windows, linux, freebsd,
          unknown), C(os_name), C(os_version), C(kernel), C(computer_name), C(integration_services_version), and
          C(exchange_read), whether the host showed the exchange at all.
        - The guest writes these values itself.
      type: dict
      returned: always
    services:
      description:
        - By service. C(enabled) is the host's side. C(guest) is the guest's. V(ok) answers, V(no_contact) does not,
          V(outdated) speaks an old protocol, V(off) the VM does not run, V(unknown) the host gives no status, or does
          not offer the service.
        - C(primary_operational_status) and C(secondary_operational_status) are what the host said of it.
      type: dict
      returned: always
    services_disc_inserted:
      description: Whether the services disc is in a drive of the VM.
      type: bool
      returned: always
    findings:
      description: What is missing in the guest, each with C(id), C(severity), C(subject), C(evidence) and C(remedy).
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
