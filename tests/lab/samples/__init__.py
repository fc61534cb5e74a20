# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module Samples: the cmdlets and objects that the recordings of pipelines were made with. Nothing of Hyper-V."""

from .commands import COMMANDS, MODULE, SIGNATURES

__all__ = ["COMMANDS", "MODULE", "SIGNATURES"]
