# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup behind hyperv.mobility.asr_error."""

from __future__ import annotations

DOCUMENTATION = r"""
name: asr_error
author: hyperv.mobility contributors (@hyperv-mobility)
version_added: 0.1.0
short_description: What is known of an error of Site Recovery's Mobility service
description:
  - Gives the entry of the collection's catalogue for an id, with causes, evidence, remedies and whether it can be
    cured.
  - Every id stands in C(docs/asr-errors.md).
options:
  _terms:
    description: >-
      Ids, such as C(95107), C(vss:0x8007041F) or a name of the installer's errors JSON as
      C(name:ASRMobilityServiceHostNameNotSet). One that the catalogue does not have is an error.
    type: list
    elements: str
    required: true
"""

EXAMPLES = r"""
- name: Say what an error is and what helps
  ansible.builtin.debug:
    msg: "{{ error.title }}: {{ (error.remedies + error.manual) | join('; ') }}"
  vars:
    error: "{{ lookup('hyperv.mobility.asr_error', '95107') }}"

- name: Several at once
  ansible.builtin.debug:
    msg: "{{ query('hyperv.mobility.asr_error', '95105', '95106') | map(attribute='title') }}"
"""

RETURN = r"""
_raw:
  description:
    - A dictionary per id, with C(id), C(os), C(phase), C(scope) (C(push), C(agent), C(register), C(service)), C(title),
      C(causes), C(evidence), C(remedies) (what a program can do), C(manual), C(cure) (C(safe), C(weakening),
      C(manual)), C(treatment) (C(checked), C(recognised), C(explained)), C(severity), C(source) and C(pair), the ids
      that share its evidence.
  type: list
  elements: dict
"""

from typing import Any

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.hyperv.mobility.plugins.plugin_utils.asr.catalogue import entry
from ansible_collections.hyperv.mobility.plugins.plugin_utils.errors import NotFound


class LookupModule(LookupBase):  # type: ignore[misc] # ansible has no types
    """Gives entries of the catalogue."""

    def run(self, terms: list[Any], variables: dict[str, Any] | None = None, **kwargs: Any) -> list[dict[str, Any]]:
        """Return an entry per id; raises AnsibleError for one that is not catalogued."""
        self.set_options(var_options=variables, direct=kwargs)
        try:
            return [entry(str(term)).as_plain() for term in terms]
        except NotFound as problem:
            raise AnsibleError(f"asr_error: {problem.msg}; docs/asr-errors.md has them all") from problem
