#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_migration
short_description: Move virtual machines to another Hyper-V host
version_added: 0.1.0
description:
  - Makes sure that VMs are on another stand-alone host, with their storage if asked. Running VMs go on running.
  - Decides by the VM's Id from what both hosts say. A VM that is already there is left alone, a move that runs
    already, whoever started it, is waited for, and a second move is never started while a first may be running. So
    the task can be killed at any moment and run again.
  - Everything is checked before the first change. The checks are named findings; then Compare-VM's own report decides.
  - Moves run beside each other up to the free slots of both hosts, counting moves that others started.
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
      - JMESPath expression over what M(hyperv.mobility.vm_info) returns for the host's VMs, that keeps some of them.
      - Where it selects nothing on the source host, it is evaluated over the destination's VMs, so that a second run on
        a finished fleet finds them there.
    type: str
  destination_host:
    description:
      - Inventory name of the host the VMs shall be on. It is reached with that host's own connection variables.
      - Windows is told the host's name as the host itself knows it, not the name in the inventory.
    type: str
    required: true
  include_storage:
    description:
      - Whether files move with the VM. Without, all files must be on a share that both hosts reach.
    type: bool
    default: true
  destination_storage_path:
    description:
      - Folder on the destination that takes all files of the VM.
      - Left out, each VM gets a folder of its own under the destination's default path for VMs. It is named after the
        VM, with a part of the VM's Id where a folder of that name already holds files.
    type: str
  virtual_machine_path:
    description: Folder for the configuration. Excludes O(destination_storage_path).
    type: str
  snapshot_file_path:
    description: Folder for checkpoints. Excludes O(destination_storage_path).
    type: str
  smart_paging_file_path:
    description: Folder for smart paging. Excludes O(destination_storage_path).
    type: str
  vhds:
    description: Target of each virtual hard disk. Excludes O(destination_storage_path).
    type: list
    elements: dict
    default: []
    suboptions:
      source_file_path:
        description: Path on the source host.
        type: str
        required: true
      destination_file_path:
        description: Path on the destination host. The file name must stay the same.
        type: str
        required: true
  switch_map:
    description:
      - Virtual switches by name on the source, and the switch at the destination that takes their place.
      - A switch that is neither mapped nor there under its own name blocks the VM.
    type: dict
    default: {}
  resource_pool_name:
    description: Processor resource pool on the destination.
    type: str
  retain_vhd_copies_on_source:
    description: Whether parent disks of differencing disks stay on the source.
    type: bool
    default: false
  eject_iso:
    description: Whether ISO files in DVD drives are ejected. Without, an ISO that the destination lacks blocks the VM.
    type: bool
    default: false
  remove_source_unmanaged_vhds:
    description:
      - Whether parent disks on the source are removed after their child has moved. Excludes O(switch_map), O(eject_iso)
        and O(retain_vhd_copies_on_source).
    type: bool
    default: false
  processor_compatibility:
    description:
      - What to do about a running VM whose processor features the destination lacks.
      - V(enable) turns processor compatibility on, for which the VM must be off; see O(power).
    type: str
    choices: [fail, enable]
    default: fail
  power:
    description:
      - With O(processor_compatibility=enable), whether a running VM may be restarted. V(restart) shuts it down through
        its integration services, sets the flag and starts it again.
    type: str
    choices: [require_off, restart]
    default: require_off
  force:
    description: Whether a VM that does not shut down in time is turned off.
    type: bool
    default: false
  shutdown_timeout_seconds:
    description: How long a VM may take to shut down.
    type: int
    default: 300
  concurrency:
    description:
      - How many moves of this task may run at once, V(auto) or a number. The free slots of both hosts are a limit in
        any case.
    type: str
    default: auto
  wait_for_backup_seconds:
    description: How long to wait for a running backup of a VM, or for another operation that ends by itself.
    type: int
    default: 3600
  timeout_seconds:
    description:
      - How long the move of one VM may take; V(0) is no limit. A move that takes longer goes on, and the next run
        attaches to it.
    type: int
    default: 0
  retries:
    description: How often a move is tried again after a failure that may pass.
    type: int
    default: 2
  remove_empty_source_folders:
    description: Whether folders of the VM that are empty after its move are removed from the source.
    type: bool
    default: false
  verify:
    description: What to wait for in guests that ran, after the move. What is missing is a warning among the findings.
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
  preflight_only:
    description: Whether to check only. Findings are returned, blocking ones do not fail the task.
    type: bool
    default: false
  skip_blocked:
    description:
      - Whether VMs with blocking findings are skipped, so that they do not fail the task. Their findings are returned.
    type: bool
    default: false
attributes:
  check_mode:
    description: Makes all checks, Compare-VM included, and removes the planned VM that it makes.
    support: full
  diff_mode:
    description: Shows the host of each VM before and after.
    support: full
seealso:
  - module: hyperv.mobility.vm_compatibility
  - module: hyperv.mobility.vm_processor
notes:
  - Runs on the controller and sends typed commands only; nothing is written on the hosts.
  - The connection of every host involved is C(psrp) or C(winrm).
author:
  - hyperv.mobility contributors (@hyperv-mobility)
"""

EXAMPLES = r"""
- name: Move two VMs with their storage
  hyperv.mobility.vm_migration:
    names: [web01, web02]
    destination_host: hv02

- name: Move everything that runs, with another switch there
  hyperv.mobility.vm_migration:
    select: "[?state=='Running']"
    destination_host: hv02
    destination_storage_path: D:\VMs
    switch_map:
      LAN: Production
    verify:
      heartbeat: true
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
        - V(moved), V(already_there), V(attached) (a move that somebody else had started ended there), V(failed), or
          V(skipped) (only checked, or blocked with O(skip_blocked=true)).
        - In check mode V(moved) means that it would be moved.
      type: str
      returned: always
    started:
      description: When its move began, UTC, by the controller's clock.
      type: str
      returned: when it moved
    seconds:
      description: How long it took.
      type: float
      returned: when it moved
    bytes:
      description: Bytes of the files and of the memory that were to be copied.
      type: int
      returned: when it moved
    blackout_seconds:
      description: How long the guest stood still, where the host says so.
      type: float
      returned: where known
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
    error:
      description: Why it failed, with C(kind), C(msg) and what is known beside, C(remedy) for example.
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
