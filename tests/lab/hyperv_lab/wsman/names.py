# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of the WS-Management protocol: namespaces, actions, resources, signals (MS-WSMV)."""

from __future__ import annotations

SOAP = "http://www.w3.org/2003/05/soap-envelope"
ADDRESSING = "http://schemas.xmlsoap.org/ws/2004/08/addressing"
TRANSFER = "http://schemas.xmlsoap.org/ws/2004/09/transfer"
ENUMERATION = "http://schemas.xmlsoap.org/ws/2004/09/enumeration"
EVENTING = "http://schemas.xmlsoap.org/ws/2004/08/eventing"
WSMAN = "http://schemas.dmtf.org/wbem/wsman/1/wsman.xsd"
MICROSOFT = "http://schemas.microsoft.com/wbem/wsman/1/wsman.xsd"
FAULT = "http://schemas.microsoft.com/wbem/wsman/1/wsmanfault"
SHELL = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"
CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"
POWERSHELL = "http://schemas.microsoft.com/powershell"
XML = "http://www.w3.org/XML/1998/namespace"
ANONYMOUS = "http://schemas.xmlsoap.org/ws/2004/08/addressing/role/anonymous"

CMD_RESOURCE = f"{SHELL}/cmd"
POWERSHELL_PREFIX = f"{POWERSHELL}/"

CREATE = f"{TRANSFER}/Create"
DELETE = f"{TRANSFER}/Delete"
GET = f"{TRANSFER}/Get"
ENUMERATE = f"{ENUMERATION}/Enumerate"
COMMAND = f"{SHELL}/Command"
SEND = f"{SHELL}/Send"
RECEIVE = f"{SHELL}/Receive"
SIGNAL = f"{SHELL}/Signal"
CONNECT = f"{SHELL}/Connect"
DISCONNECT = f"{SHELL}/Disconnect"
RECONNECT = f"{SHELL}/Reconnect"

WSMAN_FAULT_ACTION = "http://schemas.dmtf.org/wbem/wsman/1/wsman/fault"
ADDRESSING_FAULT_ACTION = f"{ADDRESSING}/fault"
FAULT_DETAIL = "http://schemas.dmtf.org/wbem/wsman/1/wsman/faultDetail/"

STATE_RUNNING = f"{SHELL}/CommandState/Running"
STATE_PENDING = f"{SHELL}/CommandState/Pending"
STATE_DONE = f"{SHELL}/CommandState/Done"

SIGNAL_TERMINATE = f"{SHELL}/signal/terminate"
SIGNAL_CTRL_C = f"{SHELL}/signal/ctrl_c"
SIGNAL_PS_CTRL_C = "powershell/signal/ctrl_c"
