#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_cold_migration
short_description: Bring virtual machines to another Hyper-V host by export, transfer and import
version_added: 0.1.0
description:
  - For VMs that live migration can't move, to a host with processors of another vendor, without any trust between the
    hosts, or of a much newer Windows. A VM is shut down, exported, fetched by the destination, imported, wired and
    started there. The hosts need nothing of each other but the way of the files.
  - Runs on the source host. Decides by the VM's Id from what both hosts say, looks again after each step, and goes on
    where an earlier run stopped, was killed or failed. A second run changes nothing.
  - Everything is checked before the first VM is stopped, the way of the files by opening it with the real credentials.
  - The source keeps the VM, off, with its automatic start turned off. A line in its notes says what it was before, so
    that O(rollback) brings it back as it was. It is removed by O(remove_source=true) in a later run only.
  - The VM never runs on both hosts. It is started at the destination when the source was seen off in the same run.
  - A VM that fails stops no other.
options:
  names:
    description:
      - Names of VMs. A name that fits several VMs is an error that lists their Ids.
      - At least one of O(names), O(ids) and O(select) is needed.
    type: list
    elements: str
  ids:
    description: Ids (GUIDs) of VMs.
    type: list
    elements: str
  select:
    description:
      - JMESPath expression over what M(hyperv.mobility.vm_info) returns for the source's VMs, that keeps some of them.
        Where it selects nothing there, it is evaluated over the destination's.
      - Don't select by state, since a VM that a killed run has shut down would not be selected any more.
    type: str
  destination_host:
    description:
      - Inventory name of the host the VMs shall be on. It is reached with that host's own connection variables.
    type: str
    required: true
  export_path:
    description:
      - Folder on the source for the exports. Each VM has a folder of its own there, named by its Id.
      - Left out, it is C(Hyper-V Exports) at the root of the drive with the most free bytes, or of the drive that has
        an export of the VM already.
    type: str
  source_share:
    description:
      - The same folder as the destination sees it, a UNC path, or with O(transfer_method=http) an address.
      - Left out, it is the administrative share of the drive, C(\\SOURCE\D$\folder).
      - Needs O(export_path), except with O(transfer_method=external) or O(rollback=true).
    type: str
  transfer_method:
    description:
      - V(smb) fetches from a share, V(http) from a web server that serves O(export_path).
      - V(external) leaves it to people (a disk that is carried, a redirected drive, FTP). The first run ends with the
        outcome V(waiting_for_tree) and says which folder belongs where. The next run finds it by its manifest, verifies
        every hash and goes on.
    type: str
    choices: [smb, http, external]
    default: smb
  transfer_username:
    description: Account that the destination signs in with at the share or the web server.
    type: str
  transfer_password:
    description: Its password.
    type: str
  destination_path:
    description:
      - Folder at the destination that takes the trees, each in a folder named by the VM's Id.
      - Left out, it is the host's default folder for VMs.
    type: str
  import_mode:
    description:
      - V(register) makes the fetched files themselves the VM. V(restore) copies them once more, into a folder of the
        VM's own under the host's default folder for VMs. The Id stays in both.
    type: str
    choices: [register, restore]
    default: register
  switch_map:
    description: Virtual switches by name on the source, and the switch at the destination that takes their place.
    type: dict
    default: {}
  adapters:
    description:
      - What single adapters get at the destination. Each entry has C(vm) (a name or an Id) and the keys of an adapter
        of M(hyperv.mobility.vm_network_adapter), C(network) and C(ipv4) for example.
      - The host variable C(hyperv_networks) of both hosts says which switch and VLAN is which subnet. An adapter comes
        to the network that has the name of its network at the source. Where that is another VLAN or subnet, the VM
        needs a new address here, or it is refused.
      - Addresses are given to the running guest over its key-value exchange.
    type: list
    elements: dict
    default: []
  eject_iso:
    description: Whether ISO files that the destination lacks are ejected there. Without, they block the VM.
    type: bool
    default: false
  limit_processors:
    description:
      - Whether a VM with more virtual processors than the destination has gets as many as there are. Without, they
        block it.
    type: bool
    default: false
  power:
    description:
      - What may be done to bring a running VM down. V(graceful) asks its guest and waits. V(require_off) refuses a VM
        that runs. V(force) forces the shutdown, against a locked session or unsaved data in the guest, and cuts the
        power when it did not go down in time.
    type: str
    choices: [graceful, require_off, force]
    default: graceful
  shutdown_timeout_seconds:
    description: How long a guest may take to shut down.
    type: int
    default: 300
  start:
    description:
      - Whether the VM is started where it arrives. V(as_before) starts it if it ran before.
    type: str
    choices: [as_before, 'true', 'false']
    default: as_before
  verify:
    description: What to wait for in guests that were started. What is missing is a warning among the findings.
    type: dict
    default: {}
    suboptions:
      heartbeat:
        description: The guest's heartbeat.
        type: bool
        default: false
      network:
        description: An IP address on each connected adapter.
        type: bool
        default: false
  wait_for_backup_seconds:
    description: How long to wait for a running backup of a VM, or for another operation that ends by itself.
    type: int
    default: 3600
  timeout_seconds:
    description:
      - How long one VM may take; V(0) is no limit. At the limit the host's own work goes on, and the next run goes on
        with it. An import that has begun is waited for, since one that is broken off leaves half of its disks.
    type: int
    default: 0
  concurrency:
    description: How many VMs are on their way at once. A VM is stopped when its turn comes, not before.
    type: int
    default: 2
  remove_source:
    description:
      - Whether the source of VMs that an earlier run has migrated is removed, with its disks and its export. Only when
        the VM at the destination is there by its Id, with its disks, runs if it ran before, and shows what O(verify)
        asks for; and when the source is as it was exported.
      - A VM that this run of the playbook migrates keeps its source. Base images stay, and files that other VMs use.
    type: bool
    default: false
  rollback:
    description:
      - Whether to go back. The VM at the destination is shut down and marked, then the source gets its automatic start
        back and is started if it ran. What was written at the destination is on that copy only.
      - Refused where a disk of the source is missing, or its removal was begun.
    type: bool
    default: false
  remove_destination:
    description:
      - With O(rollback=true), whether the copy at the destination is removed, with its disks and its tree. It goes
        last, once the source is as it was before.
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
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Makes the checks, opens the way of the files, and says which steps would be done.
    support: full
  diff_mode:
    description: Shows the host on which each VM is in use, before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_migration
  - module: hyperv.mobility.vm_export
  - module: hyperv.mobility.vm_import
  - module: hyperv.mobility.vm_network_adapter
  - module: hyperv.mobility.vm_transfer
  - module: hyperv.mobility.vm_version
"""

EXAMPLES = r"""
- name: Bring two VMs to a host without any trust
  hyperv.mobility.vm_cold_migration:
    names: [web01, web02]
    destination_host: hv02
    transfer_username: HV01\Administrator
    transfer_password: "{{ vault_hv01_password }}"

- name: Give one of them an address of its new network
  hyperv.mobility.vm_cold_migration:
    names: [web01]
    destination_host: hv02
    adapters:
      - {vm: web01, name: Network Adapter, network: lan, ipv4: {address: 10.2.0.15}}

- name: Remove the sources after a week
  hyperv.mobility.vm_cold_migration:
    names: [web01, web02]
    destination_host: hv02
    remove_source: true

- name: Go back
  hyperv.mobility.vm_cold_migration:
    names: [web02]
    destination_host: hv02
    rollback: true
"""

RETURN = r"""
vms:
  description: One entry per VM.
  type: list
  elements: dict
  returned: success or failure of single VMs
  contains:
    id:
      description: Id of the VM, which it keeps.
      type: str
      returned: always
    name:
      description: Name of the VM.
      type: str
      returned: always
    source:
      description: Inventory name of the host the task ran on.
      type: str
      returned: always
    destination:
      description: Inventory name of the destination.
      type: str
      returned: always
    outcome:
      description:
        - V(migrated), V(already_there), V(waiting_for_tree), V(source_removed), V(rolled_back), V(already_back),
          V(failed), or V(skipped) (only checked, or blocked with O(skip_blocked=true)).
        - In check mode, what it would be.
      type: str
      returned: always
    steps:
      description:
        - What was done, in order, of V(stop), V(hold) (automatic start off), V(export), V(transfer), V(import),
          V(network), V(start), V(address), V(verify), V(remove_source), V(stop_destination), V(remove_destination) and
          V(start_source). In check mode, what would be done.
      type: list
      elements: str
      returned: always
    started:
      description: When work on it began, UTC, by the controller's clock.
      type: str
      returned: when work on it began
    seconds:
      description: How long it took.
      type: float
      returned: when work on it began
    bytes:
      description: Bytes of its exported files.
      type: int
      returned: where known
    folders:
      description: Where its export lies (C(export), C(share)), and where its tree belongs at the destination (C(tree)).
      type: dict
      returned: when work on it began, or waits for its tree
    needs:
      description:
        - What the VM takes at the destination, as it was before the first change.
        - The filter P(hyperv.mobility.lacking_together#filter) judges by it what several tasks ask of one destination.
      type: dict
      returned: where the VM was still to be migrated
      contains:
        memory_bytes:
          description: Memory it takes; 0 for one that does not run there.
          type: int
          returned: always
        memory_free_bytes:
          description: Memory that is free there.
          type: int
          returned: where the host says it
        volumes:
          description: What is written, each volume once, with C(volume), C(bytes) and C(free_bytes).
          type: list
          elements: dict
          returned: always
        files:
          description: Paths of its disks there, where another VM could have them.
          type: list
          elements: str
          returned: always
        sole_name:
          description: Whether no other VM there may have its name, since the task chose it by name.
          type: bool
          returned: always
    findings:
      description: What was found about the VM and the two hosts.
      type: list
      elements: dict
      returned: always
      contains:
        id:
          description: Stable word, for example V(address_needed).
          type: str
          returned: always
        severity:
          description: V(blocking), V(warning) or V(info). With a blocking one the VM is not touched.
          type: str
          returned: always
        subject:
          description: The VM, host or share it is about.
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
    error:
      description: Why it failed, with C(kind), C(msg) and what is known beside.
      type: dict
      returned: when it failed
summary:
  description: Number of VMs by outcome.
  type: dict
  returned: success or failure of single VMs
blocked:
  description: Whether any VM has a blocking finding.
  type: bool
  returned: success or failure of single VMs
"""
