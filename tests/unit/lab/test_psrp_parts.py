# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of the wire alone: fragments, threads, runspaces, journal, inventory."""

from __future__ import annotations

import threading
import uuid
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import psrpcore
import pytest
from hyperv_lab.inventory_file import inventory
from hyperv_lab.journal import MASK, plain
from hyperv_lab.powershell.values import Credential, SecureString
from hyperv_lab.psrp import wire
from hyperv_lab.psrp.editions import engine_of
from hyperv_lab.psrp.runspaces import RunspaceSet, Workers
from hyperv_lab.world import Account
from hyperv_lab.wsman.envelope import parse, seconds_of
from hyperv_lab.wsman.faults import WSManFault
from hypothesis import given
from hypothesis import strategies as st

POOL, PIPELINE = uuid.uuid4(), uuid.uuid4()


@given(st.lists(st.text(min_size=1, max_size=3000), min_size=1, max_size=8), st.integers(64, 5000))
def test_fragments_put_together_are_the_messages(texts: list[str], room: int) -> None:
    box = wire.Outbox()
    messages = [wire.message(wire.PIPELINE_OUTPUT, POOL, PIPELINE, text) for text in texts]
    for message in messages:
        box.add(message, PIPELINE)
    received = b""
    while box.waiting(PIPELINE):
        fragments, _ = box.take(PIPELINE, room)
        assert fragments
        assert sum(map(len, fragments)) <= max(room, 64 + 21) + 21
        received += b"".join(fragments)
    assert wire.split(received) == messages


def _hand_over(sender: Any, receiver: Any) -> None:
    data = sender.data_to_send()
    assert data is not None
    receiver.receive_data(data)


def test_a_psrpcore_client_reads_them() -> None:
    client = psrpcore.ClientRunspacePool()
    client.open()
    server = psrpcore.ServerRunspacePool()
    _hand_over(client, server)
    while server.next_event():
        pass
    _hand_over(server, client)
    while client.next_event():
        pass
    pipeline = psrpcore.ClientPowerShell(client)
    pipeline.add_command("x")
    pipeline.start()
    box = wire.Outbox()
    for _ in range(9):
        box.add(b"-" * 50, None)
    box.add(wire.message(wire.PIPELINE_OUTPUT, client.runspace_pool_id, pipeline.pipeline_id, "<S>hé 测</S>"), PIPELINE)
    data = b"".join(box.take(PIPELINE, 100_000)[0])
    client.receive_data(psrpcore.PSRPPayload(data, psrpcore.StreamType.default, pipeline.pipeline_id))
    event = client.next_event()
    assert isinstance(event, psrpcore.PipelineOutputEvent)
    assert event.data == "hé 测"


def test_workers_run_as_many_as_they_may_and_the_rest_later() -> None:
    workers, gate, done = Workers(2), threading.Event(), threading.Semaphore(0)
    running: list[int] = []

    def work(number: int) -> None:
        running.append(number)
        gate.wait(5)
        done.release()

    for number in range(5):
        workers.start(partial(work, number))
    assert done.acquire(timeout=0.1) is False
    assert sorted(running) == [0, 1]
    gate.set()
    assert all(done.acquire(timeout=5) for _ in range(5))


def test_runspaces_are_made_when_needed_and_used_by_one_at_a_time() -> None:
    made: list[int] = []

    def make() -> Any:
        made.append(len(made) + 1)
        return made[-1]

    runspaces, used = RunspaceSet(make, cast("Any", 0), 2), list[Any]()
    for _ in range(3):
        runspaces.lend(used.append)
    assert (used, made, runspaces.available) == ([0, 1], [1], 0)
    assert runspaces.reset() is False
    runspaces.give_back(0)  # type: ignore[arg-type]
    assert used == [0, 1, 0]
    runspaces.give_back(0)  # type: ignore[arg-type]
    runspaces.give_back(1)  # type: ignore[arg-type]
    assert runspaces.reset() is True


def test_journal_masks_secrets_of_every_kind() -> None:
    secret = {
        "parameters": {"Password": "p1", "Credential": Credential("u", SecureString("p2")), "Name": "web"},
        "list": [SecureString("p3")],
    }
    shown = plain(secret)
    assert shown["parameters"] == {"Password": MASK, "Credential": {"username": "u", "password": MASK}, "Name": "web"}
    assert not any(word in str(shown) for word in ("p1", "p2", "p3"))


@pytest.mark.parametrize(
    ("text", "seconds"), [("PT20S", 20), ("PT1M0.5S", 60.5), ("P1DT1H", 90000), ("PT-1S", None), ("PT", None)]
)
def test_durations(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", [b"", b"<x/>", b"<s:Envelope xmlns:s='http://www.w3.org/2003/05/soap-envelope'/>"])
def test_no_envelope_is_a_schema_fault(text: bytes) -> None:
    with pytest.raises(WSManFault) as caught:
        parse(text)
    assert caught.value.subcode == "w:SchemaValidationError"


@pytest.mark.parametrize(
    ("edition", "protocol", "version"),
    [("2012R2", "2.2", "4.0"), ("2016", "2.3", "5.1.14393"), ("2025", "2.3", "5.1.26100")],
)
def test_editions_say_their_versions(edition: str, protocol: str, version: str) -> None:
    table = engine_of(edition).private_data()["PSVersionTable"]
    assert str(table["PSRemotingProtocolVersion"]) == protocol
    assert str(table["PSVersion"]).startswith(version)


def test_inventory_has_what_ansible_needs() -> None:
    winrm = SimpleNamespace(connection="winrm", scheme="http", auth="ntlm", user="LAB\\ops")
    local = Account(username="Administrator", password="l", domain=None, sid="1")
    domain = Account(username="ops", password="d", domain="LAB", sid="2")
    machine = SimpleNamespace(
        name="HV01",
        address="127.1.2.3",
        alias="hv-one",
        winrm=winrm,
        listeners={"http": 5985},
        local_accounts=lambda: [local],
    )
    world: Any = SimpleNamespace(
        machines=lambda: [machine], domain_accounts=lambda: [domain], directory_spec=SimpleNamespace(ad_hosts=("hv01",))
    )
    made = inventory(world, Path("ca.pem"))["all"]
    host = made["hosts"]["hv-one"]
    assert (host["ansible_host"], host["ansible_port"]) == ("127.1.2.3", 5985)
    assert (host["ansible_user"], host["ansible_password"]) == ("LAB\\ops", "d")
    assert host["ansible_winrm_transport"] == "ntlm"
    assert list(made["children"]["ad_hosts"]["hosts"]) == ["hv-one"]
