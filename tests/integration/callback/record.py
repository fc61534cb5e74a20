# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes each task's result as a JSON line, so that tests read results and not the terminal's output."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: record
type: notification
short_description: Record results as JSON lines
description:
  - Writes to the file named by the environment variable HYPERV_MOBILITY_RECORD.
"""


class CallbackModule(CallbackBase):  # type: ignore[misc] # ansible has no types
    """A notification callback beside the usual output."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "record"
    CALLBACK_NEEDS_ENABLED = True

    def _note(self, status: str, result: Any) -> None:
        plain = json.loads(self._dump_results(result._result))
        if result._result.get("diff"):  # left out of what is for the terminal
            plain["diff"] = json.loads(json.dumps(result._result["diff"]))
        if "diff" in result._result:  # left out of what callbacks dump, since the terminal shows it by itself
            plain["diff"] = json.loads(self._dump_results({"_": result._result["diff"]}))["_"]
        line = {"status": status, "host": result._host.get_name(), "task": result._task.get_name(), "result": plain}
        with Path(os.environ["HYPERV_MOBILITY_RECORD"]).open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        self._note("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._note("ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._note("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._note("skipped", result)
