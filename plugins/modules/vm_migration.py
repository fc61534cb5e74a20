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
  remove_source_unmanaged_vhds:
    description:
      - Whether parent disks on the source are removed after their child has moved. Excludes O(switch_map), O(eject_iso)
        and O(retain_vhd_copies_on_source).
      - A VM is not moved so where another VM of the source, even one that moves in the same task, uses one of them, or
        where that can't be told.
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
        its integration services, sets the flag and starts it again, once, and only where nothing else stands in the
        move's way. O(timeout_seconds) counts from then.
      - A line in the VM's notes says so meanwhile, and a run after a killed one with the same options starts it. For
        O(select) such a VM is V(Running), as it was.
    type: str
    choices: [require_off, restart]
    default: require_off
  force:
    description:
      - Whether a VM's shutdown is forced, against a locked session or unsaved data in its guest. One that is not down
        in time is turned off.
    type: bool
    default: false
  shutdown_timeout_seconds:
    description: How long a VM may take to shut down.
    type: int
    default: 300
  addresses:
    description:
      - What adapters get at the destination, by name or Id of the VM. Each value is a list of entries as
        M(hyperv.mobility.vm_network_adapter) takes them, with the named networks of the destination.
      - This task only checks them, and that a VM has one where the variables C(hyperv_networks) of both hosts say that
        its network there is another one. M(hyperv.mobility.vm_network_adapter) sets them afterwards, which the role
        C(hyperv.mobility.migrate) does.
    type: dict
    default: {}
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
extends_documentation_fragment:
  - hyperv.mobility.rounds
  - hyperv.mobility.move
  - hyperv.mobility.host
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
    needs:
      description:
        - What the VM takes at the destination, as it was before the first change.
        - The filter P(hyperv.mobility.lacking_together#filter) judges by it what several tasks ask of one destination.
      type: dict
      returned: where the VM was still to be moved
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
