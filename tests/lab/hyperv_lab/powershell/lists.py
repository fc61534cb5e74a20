# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists that keep their own type: an ArrayList, and what came over the wire as one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .values import OBJECT


class ArrayList(list[Any]):
    """A System.Collections.ArrayList: what -OutVariable keeps. It passes a pipeline as one object."""

    type_names = ("System.Collections.ArrayList", OBJECT)


class Deserialized(list[Any]):
    """A list that a client sent: the engine keeps the elements, and the type only by name."""

    def __init__(self, type_name: str, items: Iterable[Any] = ()) -> None:
        super().__init__(items)
        self.type_names = (f"Deserialized.{type_name}", f"Deserialized.{OBJECT}")
