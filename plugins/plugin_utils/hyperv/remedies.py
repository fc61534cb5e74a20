# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to do about a failed move, by the HRESULT in its error record: the same in every language. Pure."""

from __future__ import annotations

from dataclasses import dataclass

CREDENTIALS = frozenset({"0x8009030E", "0x8009030D"})
"""SEC_E_NO_CREDENTIALS and SEC_E_UNKNOWN_CREDENTIALS: the source could not prove itself to the destination."""
TRANSIENT = frozenset({"0x80072746", "0x800705B4", "0x8007274C", "0x800700AA"})
"""Connection reset, time-out of data or connection, and busy: the same move may succeed later (facts, 3.7)."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What is known about the two ends when a move fails."""

    source: str
    destination: str
    source_authentication: str
    destination_authentication: str
    delegates_credentials: bool


_REMEDIES = {
    "0x80070005": "Access was denied: put the account into Hyper-V Administrators on both hosts, check "
    "protocol transition "
    "(TrustedToAuthForDelegation) on the source's computer account, and the rights on the target folder "
    "or share for the "
    "source's computer account.",
    "0x8007274C": "The destination did not answer: check TCP 6600 from source to destination, the "
    "migration subnets and routing.",
    "0x8007274D": "The destination refused the connection: enable live migration there and make sure that it listens "
    "(hyperv.mobility.vm_host_migration).",
    "0x80072746": "The destination closed the connection: read its event log "
    "Microsoft-Windows-Hyper-V-VMMS-Admin for the cause, "
    "and check security software on the way.",
    "0x8007271D": "The source may not open the connection: check its firewall and security software.",
    "0x800705B4": "No data came in time: check the bandwidth between the hosts and the load of the destination.",
    "0x800705AA": "The destination has too little free memory: free some, or choose another host.",
    "0x8007000E": "The destination has too little free memory: free some, or choose another host.",
    "0x80070070": "The target volume is full: free space, or choose another destination_storage_path.",
    "0x80070569": "The VM's identity may not log on at the destination: give NT VIRTUAL MACHINE\\Virtual Machines and "
    "NT SERVICE\\ALL SERVICES the right 'Log on as a service' there (group policy often takes it away).",
    "0x8007052F": "An account restriction forbids the log-on: check the policies of the account that moves the VM.",
    "0x80070534": "The account that created the VM no longer exists, so its SID can't be resolved: see "
    "events 1106 and 21024 "
    "on the source.",
    "0x800700AA": "Another operation on this VM runs: wait for it.",
    "0xC0370027": "The saved state can't be read there: start the VM or discard its saved state (Remove-VMSavedState).",
    "0xC03A0014": "A file behind a drive can't be opened at the destination: eject the ISO (eject_iso: true).",
    "0x80042001": "Moves over SMB fail on 2019 where the registry's ComputerName is in lower case: correct it.",
    "0x8007000D": "Moves over SMB fail on 2019 where the registry's ComputerName is in lower case: correct it.",
}


def remedy(hresult: str | None, around: Surroundings) -> str | None:
    """Return what to do about a code, or None for one that is not known."""
    if hresult is None:
        return None
    if hresult in CREDENTIALS:
        return _credentials(around)
    if hresult == "0x80090322":
        return (
            f"The name of {around.destination} leads to another machine or account: look for a duplicate or missing "
            "'Microsoft Virtual System Migration Service' SPN (setspn -Q), for DNS that points "
            "elsewhere, and for a wrong "
            f"migration network. {_credentials(around)}"
        )
    return _REMEDIES.get(hresult)


def _credentials(around: Surroundings) -> str:
    """Say which part of the working set-ups is missing (facts, 1.5), from what is known."""
    source, destination = around.source_authentication, around.destination_authentication
    if source != destination:
        return (
            f"{around.source} uses {source} and {around.destination} uses {destination}: set the same "
            f"authentication_type on "
            "both (hyperv.mobility.vm_host_migration)."
        )
    if around.delegates_credentials:
        return (
            "The session to the source holds credentials, and yet they were not accepted: look for Credential Guard on "
            f"{around.source} (it blocks CredSSP; use Kerberos with constrained delegation), and whether "
            f"the account is in "
            "Protected Users or marked as sensitive, which can't be delegated."
        )
    if source == "CredSSP":
        return (
            f"Both hosts use CredSSP, which needs credentials on {around.source}, and this session "
            f"brings none. Either (a) "
            "connect to the source with CredSSP (ansible_psrp_auth: credssp, or ansible_winrm_transport: "
            "credssp), or (b) set "
            "both hosts to Kerberos with constrained delegation and protocol transition "
            "(playbooks/prepare.yml), or (c) start "
            "the move on the source under an account signed in there."
        )
    return (
        f"Both hosts use Kerberos, so what is missing is delegation: the computer account of {around.source} must list "
        f"'Microsoft Virtual System Migration Service' and 'cifs' of {around.destination} (short and full name) in "
        "msDS-AllowedToDelegateTo, with protocol transition (any authentication protocol): "
        "hyperv.mobility.vm_host_delegation. "
        "If it was written a short while ago, tickets are still cached: wait 15 minutes, or run 'klist "
        "purge -li 0x3e7' on the "
        "source. Or connect to the source with CredSSP. Local accounts can't do either."
    )
