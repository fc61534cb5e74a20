# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processors of hosts: vendors, generations in order, and what a virtual machine sees of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CpuModel:
    """One processor model. ``generation`` orders the models of a vendor; ``features`` is what it can do."""

    key: str
    vendor: str
    """"Intel" or "AMD"."""
    manufacturer: str
    """Win32_Processor.Manufacturer."""
    name: str
    family: int
    model: int
    stepping: int
    generation: int
    features: frozenset[str]

    @property
    def caption(self) -> str:
        """Return Win32_Processor.Caption."""
        kind = "Intel64" if self.vendor == "Intel" else "AMD64"
        return f"{kind} Family {self.family} Model {self.model} Stepping {self.stepping}"


@dataclass(frozen=True, kw_only=True)
class CpuFeatures:
    """What the processor of a virtual machine was made of when its partition was created.

    It is fixed at power-on, kept in a saved state, and in a checkpoint with memory.
    """

    vendor: str
    generation: int
    features: frozenset[str]
    limited: bool
    """Compatibility for migration was on: only the vendor counts."""

    def runs_on(self, cpu: CpuModel) -> bool:
        """Return whether a partition with these features can go on running on that processor.

        Another generation of the same vendor needs the compatibility flag, in either direction (facts, 2.2).
        """
        if cpu.vendor != self.vendor:
            return False
        return self.limited or self.features == cpu.features


_COMMON = "sse3 ssse3 sse4.1 sse4.2 aes pclmul avx xsave popcnt"
_STEPS: dict[str, list[str]] = {
    "Intel": [
        "fsgsbase f16c",
        "avx2 bmi1 bmi2 fma movbe",
        "adx rdseed smap",
        "avx512f avx512bw clwb pku",
        "avx512vnni",
    ],
    "AMD": ["avx2 bmi1 bmi2 fma movbe fsgsbase f16c adx rdseed smap sha", "clwb umip", "pku vaes", "avx512f avx512bw"],
}
_LATER = {"Intel": ["sha vaes gfni", "amx avxvnni"], "AMD": ["avxvnni movdiri"]}
_ROWS = (
    ("ivybridge", "Intel", "Intel(R) Xeon(R) CPU E5-2680 v2 @ 2.80GHz", 6, 62, 4, 1),
    ("haswell", "Intel", "Intel(R) Xeon(R) CPU E5-2680 v3 @ 2.50GHz", 6, 63, 2, 2),
    ("broadwell", "Intel", "Intel(R) Xeon(R) CPU E5-2680 v4 @ 2.40GHz", 6, 79, 1, 3),
    ("skylake", "Intel", "Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", 6, 85, 4, 4),
    ("cascadelake", "Intel", "Intel(R) Xeon(R) Gold 6230 CPU @ 2.10GHz", 6, 85, 7, 5),
    ("icelake", "Intel", "Intel(R) Xeon(R) Gold 6330 CPU @ 2.00GHz", 6, 106, 6, 6),
    ("sapphirerapids", "Intel", "Intel(R) Xeon(R) Gold 6430", 6, 143, 8, 7),
    ("naples", "AMD", "AMD EPYC 7401 24-Core Processor", 23, 1, 2, 1),
    ("rome", "AMD", "AMD EPYC 7402 24-Core Processor", 23, 49, 0, 2),
    ("milan", "AMD", "AMD EPYC 7413 24-Core Processor", 25, 1, 1, 3),
    ("genoa", "AMD", "AMD EPYC 9254 24-Core Processor", 25, 17, 1, 4),
    ("turin", "AMD", "AMD EPYC 9255 24-Core Processor", 26, 2, 1, 5),
)


def _features(vendor: str, generation: int) -> frozenset[str]:
    steps = _STEPS[vendor] + _LATER[vendor]
    return frozenset(" ".join([_COMMON, *steps[:generation]]).split())


CPU_MODELS: dict[str, CpuModel] = {
    key: CpuModel(
        key=key,
        vendor=vendor,
        manufacturer="GenuineIntel" if vendor == "Intel" else "AuthenticAMD",
        name=name,
        family=family,
        model=model,
        stepping=stepping,
        generation=generation,
        features=_features(vendor, generation),
    )
    for key, vendor, name, family, model, stepping, generation in _ROWS
}
