#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: vm_host_audit
short_description: Judge a Hyper-V host by the published rules on migration and replication
version_added: 0.1.0
description:
  - Judges each published rule of the Best Practices Analyzer on migration and replication itself, from what it reads
    on the host, and puts the analyzer's own answer beside the verdict where the host has one.
  - Rules are matched by the slug of their help page, never by a title. Where both differ, RV(rules[].agreement) says
    so; neither is made to give way.
  - Adds findings of its own about what keeps the host from sending or receiving live migrations.
  - Changes nothing. What a host can't say is V(unknown), with the reason, and no failure.
  - A Replica VM is off, so what its guest can do is seen at its primary server. The filter
    P(hyperv.mobility.audit_report#filter) puts the audits of several hosts together and settles these.
options:
  best_practices:
    description:
      - Where the analyzer's answer comes from. V(last) reads its last scan, V(scan) scans first (minutes, and not in
        check mode), V(none) leaves it out.
      - A host without the analyzer, or one whose scan fails, is audited all the same.
    type: str
    choices: [last, scan, none]
    default: last
  timeout_seconds:
    description: How long to wait for a scan.
    type: int
    default: 1800
  exclude:
    description: Rules that are broken on purpose, by RV(rules[].id) or slug. They are judged, and don't count.
    type: list
    elements: str
  rule_ids:
    description: The analyzer's C(RuleId) of rules, by our ids of the rules, for builds whose help links name no page.
      None is published for builds after Windows Server 2012, so look at your own hosts' results.
    type: dict
  fail_on:
    description: Fail where a rule of this severity is broken by our own verdict. V(warning) includes errors.
    type: str
    choices: [error, warning]
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Reads in check mode as well, and reads the analyzer's last scan instead of starting one.
    support: full
  diff_mode:
    description: Changes nothing, so there is no difference to show.
    support: N/A
seealso:
  - module: hyperv.mobility.best_practices
  - module: hyperv.mobility.vm_integration_service
  - plugin: hyperv.mobility.audit_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Judge the host
  hyperv.mobility.vm_host_audit:
    best_practices: scan
    exclude: [integration_service_not_offered]
  register: audit

- name: Rules that are broken
  ansible.builtin.debug:
    msg: "{{ audit.rules | selectattr('verdict', 'eq', 'noncompliant') | map(attribute='evidence') }}"

- name: No error
  hyperv.mobility.vm_host_audit:
    best_practices: none
    fail_on: error
"""

RETURN = r"""
rules:
  description: Each published rule, in a fixed order.
  type: list
  elements: dict
  returned: success
  contains:
    id:
      description: Our stable id, which says what is wrong where the rule is broken.
      type: str
      returned: always
    slug:
      description: File name of the rule's page.
      type: str
      returned: always
    page:
      description: Link to the page.
      type: str
      returned: always
    severity:
      description: V(error) or V(warning), as published.
      type: str
      returned: always
    category:
      description: V(configuration), V(operations) or V(prerequisites), as published.
      type: str
      returned: always
    verdict:
      description: V(compliant), V(noncompliant), V(not_applicable) or V(unknown).
      type: str
      returned: always
    evidence:
      description: What was seen, or why nothing could be.
      type: str
      returned: always
    subjects:
      description: Everything the rule looked at, the worst first.
      type: list
      elements: dict
      returned: always
      contains:
        name:
          description: Name of the VM, network, trust group or host.
          type: str
          returned: always
        id:
          description: Id of a VM; empty for anything else.
          type: str
          returned: always
        verdict:
          description: As that of the rule.
          type: str
          returned: always
        evidence:
          description: What was seen of it.
          type: str
          returned: always
        elsewhere:
          description: Server on which what is unknown here can be seen; empty where there is none.
          type: str
          returned: always
        adapters:
          description: Which adapters of a VM with several are unknown here, by the GUID at the end of their Ids.
          type: list
          elements: str
          returned: always
    remedy:
      description: What to do.
      type: str
      returned: always
    excluded:
      description: Whether O(exclude) names it.
      type: bool
      returned: always
    best_practices:
      description: The analyzer's answer; null where it has none.
      type: dict
      returned: always
      contains:
        verdict:
          description: V(compliant), V(noncompliant), or V(excluded) where the host excludes what is broken.
          type: str
          returned: always
        results:
          description: Its results that break the rule, with C(id), C(rule_id), and C(title) and C(impact) in the host's
            language.
          type: list
          elements: dict
          returned: always
    agreement:
      description: V(agree), V(disagree), or V(not_compared) where either side can't say.
      type: str
      returned: always
counts:
  description: Number of rules by verdict, of those excluded, and of disagreements (C(disagreements)).
  type: dict
  returned: success
findings:
  description: Our own findings about the host, as in docs/findings.md.
  type: list
  elements: dict
  returned: success
best_practices:
  description: Where the analyzer's answers come from.
  type: dict
  returned: success
  contains:
    source:
      description: V(scan), V(last_scan), or V(none).
      type: str
      returned: always
    last_scan:
      description: When the model was scanned last; null where the host does not say it as a date.
      type: str
      returned: always
    reason:
      description: Why there is no answer; null where there is one.
      type: str
      returned: always
    unmatched:
      description: Results about other rules, or whose help link names no page.
      type: int
      returned: always
replicating:
  description: VMs that replicate, with C(id), C(name), C(mode), C(state), C(primary_server), C(replica_server), and
    C(static_addresses), which says by adapter (the GUID at the end of its Id) whether its address was given by hand in
    the guest. An adapter of which nothing says it is missing.
  type: list
  elements: dict
  returned: success
host:
  description: Name, live migration, authentication and default configuration version of the host, and in C(unread) what
    could not be read, with the reason.
  type: dict
  returned: success
"""
