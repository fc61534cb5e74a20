#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_host_info
short_description: Read all facts of a Hyper-V host
version_added: 0.1.0
description:
  - Reads settings, networks, switches, versions, processors, volumes, features, firewall rules, migration listener
    and the
    caller's rights in one session and one request where the host can answer everything.
  - What an edition of Windows Server, the endpoint or the caller's rights do not show is null, and named in
    C(unread); it is
    no failure.
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Reads in check mode as well.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
seealso:
  - module: hyperv.mobility.vm_info
  - module: hyperv.mobility.vm_host_migration
"""

EXAMPLES = r"""
- name: Read the host
  hyperv.mobility.vm_host_info:
  register: hv

- name: Stop where migrations can't be received
  ansible.builtin.assert:
    that: hv.host.listener_addresses | length > 0
    fail_msg: "{{ hv.host.name }} does not listen for live migrations"
"""

RETURN = r"""
host:
  description: The facts.
  type: dict
  returned: success
  contains:
    name:
      description: Name of the host as Windows has it.
      type: str
      returned: always
    fully_qualified_domain_name:
      description: Name with the domain, in lower case; the plain name in a workgroup.
      type: str
      returned: always
    settings:
      description: What Get-VMHost says; null without Hyper-V.
      type: dict
      returned: always
      contains:
        name:
          description: Name of the host as Windows has it.
          type: str
          returned: always
        fully_qualified_domain_name:
          description: What Get-VMHost calls so, the domain on most builds.
          type: str
          returned: always
        logical_processor_count:
          description: Logical processors.
          type: int
          returned: always
        memory_capacity:
          description: Memory in bytes.
          type: int
          returned: always
        virtual_machine_path:
          description: Default folder of configurations.
          type: str
          returned: always
        virtual_hard_disk_path:
          description: Default folder of virtual hard disks.
          type: str
          returned: always
        numa_spanning_enabled:
          description: Whether a VM may use memory of several NUMA nodes.
          type: bool
          returned: always
        iov_support:
          description: Whether SR-IOV is possible.
          type: bool
          returned: always
        enhanced_session_mode:
          description: Whether enhanced sessions are allowed.
          type: bool
          returned: always
        mac_address_minimum:
          description: First address of the pool of dynamic MAC addresses.
          type: str
          returned: always
        mac_address_maximum:
          description: Last address of the pool.
          type: str
          returned: always
        maximum_storage_migrations:
          description: How many storage migrations may run at once.
          type: int
          returned: always
        maximum_virtual_machine_migrations:
          description: How many live migrations may run at once.
          type: int
          returned: always
        use_any_network_for_migration:
          description: Whether incoming migrations may use any network.
          type: bool
          returned: always
        virtual_machine_migration_enabled:
          description: Whether live migration is enabled.
          type: bool
          returned: always
        authentication_type:
          description: V(Kerberos) or V(CredSSP).
          type: str
          returned: always
        performance_option:
          description: V(TCPIP), V(Compression) or V(SMB).
          type: str
          returned: always
    computer:
      description: Name, domain, manufacturer and model (Win32_ComputerSystem).
      type: dict
      returned: always
    operating_system:
      description: Caption, version, build, language, start time, and memory in bytes (Win32_OperatingSystem).
      type: dict
      returned: always
    processors:
      description: Processors with name, manufacturer, family, model, stepping, cores and logical processors.
      type: list
      elements: dict
      returned: always
    migration_networks:
      description: Networks for incoming migrations.
      type: list
      elements: dict
      returned: always
      contains:
        subnet:
          description: Network in CIDR form, or an address.
          type: str
          returned: always
        priority:
          description: Preference; lower comes first.
          type: int
          returned: always
    listener_addresses:
      description: Addresses at which migrations are received now. An empty list means that the host can receive none.
      type: list
      elements: str
      returned: always
    switches:
      description: Virtual switches with id, name, type and whether the host uses them too.
      type: list
      elements: dict
      returned: always
    volumes:
      description: Local volumes with path, drive letter, label, file system, and capacity and free space in bytes.
      type: list
      elements: dict
      returned: always
    supported_versions:
      description: Configuration versions of VMs that the host can run; null on Windows Server 2012 R2.
      type: list
      elements: str
      returned: always
    default_version:
      description: Configuration version of new VMs; null on Windows Server 2012 R2.
      type: str
      returned: always
    features:
      description: Windows features that matter here, by name, with C(installed) and C(install_state).
      type: dict
      returned: always
    firewall_rules:
      description: Rules of the Hyper-V role, by their stable name, with C(enabled).
      type: dict
      returned: always
    services:
      description: The services C(vmms) and C(WinRM), with C(status) and C(start_type).
      type: dict
      returned: always
    rights:
      description: Rights of the caller, from the SIDs of the token; null where the endpoint hides C(whoami.exe).
      type: dict
      returned: always
      contains:
        sids:
          description: SIDs of the groups.
          type: list
          elements: str
          returned: always
        is_administrator:
          description: Whether the caller is in Administrators (S-1-5-32-544).
          type: bool
          returned: always
        is_hyper_v_administrator:
          description: Whether the caller is in Hyper-V Administrators (S-1-5-32-578).
          type: bool
          returned: always
    unread:
      description: What could not be read, each with the id of the error.
      type: list
      elements: str
      returned: always
"""
