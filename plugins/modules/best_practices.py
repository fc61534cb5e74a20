#!/usr/bin/python
# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: best_practices
short_description: Scan a host with the Best Practices Analyzer
version_added: 0.1.0
description:
  - Starts a scan of a model (C(Invoke-BpaModel)), waits for its end, and returns the results (C(Get-BpaResult)) as
    data.
  - A scan changes nothing on the host but the analyzer's own results, so the task is never changed by it.
  - Results are known by the last part of their help link (RV(results[].slug)), never by their titles, which are in the
    language of the host.
  - C(hyperv.mobility.vm_host_audit) judges the published rules on migration and replication itself, with the
    analyzer's answer beside its own.
options:
  model_id:
    description: The model to scan. A role's model is there with the role.
    type: str
    default: Microsoft/Windows/Hyper-V
  scan:
    description: Whether to scan now. With V(false), and in check mode, the results of the last scan are read.
    type: bool
    default: true
  timeout_seconds:
    description: How long to wait for the scan. It can't be cancelled, so after that time it goes on without us.
    type: int
    default: 1800
  filter:
    description: Which results to return. O(fail_on) looks at all of them.
    type: str
    choices: [all, compliant, noncompliant]
    default: all
  exclude:
    description:
      - Results that O(fail_on) leaves out, each by the slug of its rule's page, the id of the rule (C(RuleId)) or the
        id of the result (C(ResultId)). They are returned with C(excluded) true.
      - What the host itself excludes is left out as well.
    type: list
    elements: str
  store_exclusions:
    description: Whether the host is told to exclude what O(exclude) names (C(Set-BpaResult)), so that Server Manager
      leaves it out too. This is the only change that the task can make.
    type: bool
    default: false
  fail_on:
    description:
      - Fail where a rule of this severity is broken. V(warning) includes errors. The results are returned all the same.
      - A severity is read from the build's language-neutral member C(NeutralSeverity), and where a build lacks it, from
        the rule's published page. A broken rule of which neither says it counts as an error.
      - The member C(Severity) is not read, since it is a word in the host's language; nor is a number, since none is
        published.
    type: str
    choices: [error, warning]
extends_documentation_fragment:
  - hyperv.mobility.host
attributes:
  check_mode:
    description: Reads the results of the last scan, and says what O(store_exclusions) would change.
    support: full
  diff_mode:
    description: Shows the results that the host would leave out.
    support: full
seealso:
  - module: hyperv.mobility.vm_host_audit
"""

EXAMPLES = r"""
- name: No error of the Best Practices Analyzer
  hyperv.mobility.best_practices:
    fail_on: error
    exclude:
      - Certificate-based-authentication-is-recommended-for-replication

- name: What the last scan found
  hyperv.mobility.best_practices:
    scan: false
    filter: noncompliant
  register: bpa

- name: Rules that are broken
  ansible.builtin.debug:
    msg: "{{ bpa.results | map(attribute='slug') | unique }}"
"""

RETURN = r"""
model_id:
  description: The model, as the host spells it.
  type: str
  returned: success
scanned:
  description: Whether this task scanned.
  type: bool
  returned: success
last_scan:
  description: When the model was scanned last (ISO 8601); null where the host does not say it as a date.
  type: str
  returned: success
counts:
  description: Numbers of all results, whatever O(filter) shows.
  type: dict
  returned: success
  contains:
    compliant:
      description: Rules that hold.
      type: int
      returned: always
    noncompliant:
      description: Results that break a rule and are not excluded.
      type: int
      returned: always
    excluded:
      description: Results left out, by the host or by O(exclude).
      type: int
      returned: always
    errors:
      description: Those of C(noncompliant) that count as errors.
      type: int
      returned: always
results:
  description: The results that O(filter) leaves, in the host's order.
  type: list
  elements: dict
  returned: success
  contains:
    number:
      description: C(ResultNumber).
      type: int
      returned: always
    id:
      description: C(ResultId).
      type: str
      returned: always
    rule_id:
      description: C(RuleId). Numbers of rules are not published for newer builds.
      type: str
      returned: always
    slug:
      description: Last part of the help link in lower case, which is the file name of the rule's page.
      type: str
      returned: always
    compliant:
      description: Whether the rule holds, by the filter of C(Get-BpaResult) that returns the result.
      type: bool
      returned: always
    excluded:
      description: Whether it is left out.
      type: bool
      returned: always
    severity:
      description: V(error), V(warning) or V(information); null where nothing neutral says it.
      type: str
      returned: always
    severity_source:
      description: V(neutral) for the build's own member, V(published) for the rule's page.
      type: str
      returned: always
    category:
      description: Category, neutral where the build has it, else in the host's language.
      type: str
      returned: always
    title:
      description: Title in the host's language.
      type: str
      returned: always
    problem:
      description: What is wrong, in the host's language.
      type: str
      returned: always
    impact:
      description: What it leads to and what it affects, in the host's language.
      type: str
      returned: always
    resolution:
      description: What to do, in the host's language.
      type: str
      returned: always
    help:
      description: Link to the rule's page.
      type: str
      returned: always
    source:
      description: What was looked at.
      type: str
      returned: always
    computer_name:
      description: The computer.
      type: str
      returned: always
    context:
      description: Context of the model, mostly null.
      type: str
      returned: always
"""
