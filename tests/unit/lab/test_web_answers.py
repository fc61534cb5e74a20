# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Invoke-WebRequest of the lab as an object and with its refusals, and the question for the jobs of a machine."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator

import pytest
from hyperv_lab.hyperv import exporting
from hyperv_lab.hyperv.exporting import SAVED, ExportRequest
from unit.lab.cmdlet_runner import run
from unit.lab.migration_bench import Driver, fleet, vm_of

SERVER = "127.71.1.1"


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.answer(head=False)

    def do_HEAD(self) -> None:
        self.answer(head=True)

    def answer(self, *, head: bool) -> None:
        if self.path == "/gone" or (self.path == "/head" and not head):
            self.send_error(404, "Not Found")
            return
        self.send_response(200)
        self.send_header("Content-Type", "application/json" if self.path == "/text" else "application/octet-stream")
        self.end_headers()
        if not head:
            self.wfile.write(b'{"a": 1}')

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 # the base names it so
        """Say nothing."""


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer((SERVER, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://{SERVER}:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(10)


def test_an_answer_is_text_or_bytes_by_its_type(web: str) -> None:
    host = fleet().hosts["HV1"]
    assert run(host, "Invoke-WebRequest", Uri=f"{web}/text").one().notes["Content"] == '{"a": 1}'
    assert run(host, "Invoke-WebRequest", Uri=f"{web}/bytes").one().notes["Content"] == b'{"a": 1}'
    assert run(host, "Invoke-WebRequest", Uri=f"{web}/head", Method="Head").one().notes["StatusCode"] == 200


def test_a_refusal_has_its_status_in_the_message_in_any_language(web: str) -> None:
    host = fleet().hosts["HV1"]
    for language in ("en", "fr"):
        host.language = language
        (error,) = run(host, "Invoke-WebRequest", Uri=f"{web}/gone").errors
        assert "(404)" in error.message
        (error,) = run(host, "Invoke-WebRequest", Uri=f"http://{SERVER}:9/x").errors
        assert "(4" not in error.message


def test_the_jobs_of_a_machine_are_asked_for_by_its_id() -> None:
    lab = fleet(vms=[{"name": "web", "host": "HV1"}, {"name": "db", "host": "HV1"}])
    driver = Driver(lab)
    with lab.lock:
        driver.watch(
            exporting.accept(ExportRequest(vm=vm_of(lab, "web"), path="D:\\Exports", capture=SAVED, owner="LAB\\admin"))
        )
    driver.finish()

    def jobs(name: str) -> list[int]:
        system = (
            f"Msvm_ComputerSystem.CreationClassName='Msvm_ComputerSystem',Name='{str(vm_of(lab, name).id).upper()}'"
        )
        query = f"ASSOCIATORS OF {{{system}}} WHERE AssocClass=Msvm_AffectedJobElement"
        found = run(lab.hosts["HV1"], "Get-CimInstance", Namespace="root/virtualization/v2", Query=query)
        assert found.errors == []
        return [int(job.values["JobType"]) for job in found.output]

    assert (jobs("web"), jobs("db")) == ([62], [])
