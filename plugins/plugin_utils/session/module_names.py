# Copyright: hyperv.mobility contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cmdlets by module: names as published in the references of Windows PowerShell 5.1 and Windows Server."""

from __future__ import annotations

from typing import Final

CMDLETS: Final = {
    "Hyper-V": """
        Add-VMAssignableDevice Add-VMDvdDrive Add-VMFibreChannelHba Add-VMGpuPartitionAdapter Add-VMGroupMember
        Add-VMHardDiskDrive Add-VMHostAssignableDevice Add-VMKeyStorageDrive Add-VMMigrationNetwork Add-VMNetworkAdapter
        Add-VMNetworkAdapterAcl Add-VMNetworkAdapterExtendedAcl Add-VMNetworkAdapterRoutingDomainMapping
        Add-VMPmemController Add-VMRemoteFx3dVideoAdapter Add-VMScsiController Add-VMStoragePath Add-VMSwitch
        Add-VMSwitchExtensionPortFeature Add-VMSwitchExtensionSwitchFeature Add-VMSwitchTeamMember Checkpoint-VM
        Compare-VM Complete-VMFailover Connect-VMNetworkAdapter Connect-VMSan Convert-VHD Copy-VMFile Debug-VM
        Disable-VMConsoleSupport Disable-VMEventing Disable-VMIntegrationService Disable-VMMigration
        Disable-VMRemoteFXPhysicalVideoAdapter Disable-VMResourceMetering Disable-VMSwitchExtension Disable-VMTPM
        Disconnect-VMNetworkAdapter Disconnect-VMSan Dismount-VHD Dismount-VMHostAssignableDevice
        Enable-VMConsoleSupport Enable-VMEventing Enable-VMIntegrationService Enable-VMMigration
        Enable-VMRemoteFXPhysicalVideoAdapter Enable-VMReplication Enable-VMResourceMetering Enable-VMSwitchExtension
        Enable-VMTPM Export-VM Export-VMSnapshot Get-VHD Get-VHDSet Get-VHDSnapshot Get-VM Get-VMAssignableDevice
        Get-VMBios Get-VMComPort Get-VMConnectAccess Get-VMDvdDrive Get-VMFibreChannelHba Get-VMFirmware
        Get-VMFloppyDiskDrive Get-VMGpuPartitionAdapter Get-VMGroup Get-VMHardDiskDrive Get-VMHost
        Get-VMHostAssignableDevice Get-VMHostCluster Get-VMHostNumaNode Get-VMHostNumaNodeStatus
        Get-VMHostPartitionableGpu Get-VMHostSupportedVersion Get-VMIdeController Get-VMIntegrationService
        Get-VMKeyProtector Get-VMKeyStorageDrive Get-VMMemory Get-VMMigrationNetwork Get-VMNetworkAdapter
        Get-VMNetworkAdapterAcl Get-VMNetworkAdapterExtendedAcl Get-VMNetworkAdapterFailoverConfiguration
        Get-VMNetworkAdapterIsolation Get-VMNetworkAdapterRdma Get-VMNetworkAdapterRoutingDomainMapping
        Get-VMNetworkAdapterTeamMapping Get-VMNetworkAdapterVlan Get-VMPartitionableGpu Get-VMPmemController
        Get-VMProcessor Get-VMRemoteFXPhysicalVideoAdapter Get-VMRemoteFx3dVideoAdapter Get-VMReplication
        Get-VMReplicationAuthorizationEntry Get-VMReplicationServer Get-VMResourcePool Get-VMSan Get-VMScsiController
        Get-VMSecurity Get-VMSnapshot Get-VMStoragePath Get-VMStorageSettings Get-VMSwitch Get-VMSwitchExtension
        Get-VMSwitchExtensionPortData Get-VMSwitchExtensionPortFeature Get-VMSwitchExtensionSwitchData
        Get-VMSwitchExtensionSwitchFeature Get-VMSwitchTeam Get-VMSystemSwitchExtension
        Get-VMSystemSwitchExtensionPortFeature Get-VMSystemSwitchExtensionSwitchFeature Get-VMVideo
        Grant-VMConnectAccess Import-VM Import-VMInitialReplication Measure-VM Measure-VMReplication
        Measure-VMResourcePool Merge-VHD Mount-VHD Mount-VMHostAssignableDevice Move-VM Move-VMStorage New-VFD New-VHD
        New-VM New-VMGroup New-VMReplicationAuthorizationEntry New-VMResourcePool New-VMSan New-VMSwitch Optimize-VHD
        Optimize-VHDSet Remove-VHDSnapshot Remove-VM Remove-VMAssignableDevice Remove-VMDvdDrive
        Remove-VMFibreChannelHba Remove-VMGpuPartitionAdapter Remove-VMGroup Remove-VMGroupMember Remove-VMHardDiskDrive
        Remove-VMHostAssignableDevice Remove-VMKeyStorageDrive Remove-VMMigrationNetwork Remove-VMNetworkAdapter
        Remove-VMNetworkAdapterAcl Remove-VMNetworkAdapterExtendedAcl Remove-VMNetworkAdapterRoutingDomainMapping
        Remove-VMNetworkAdapterTeamMapping Remove-VMPmemController Remove-VMRemoteFx3dVideoAdapter Remove-VMReplication
        Remove-VMReplicationAuthorizationEntry Remove-VMResourcePool Remove-VMSan Remove-VMSavedState
        Remove-VMScsiController Remove-VMSnapshot Remove-VMStoragePath Remove-VMSwitch
        Remove-VMSwitchExtensionPortFeature Remove-VMSwitchExtensionSwitchFeature Remove-VMSwitchTeamMember Rename-VM
        Rename-VMGroup Rename-VMNetworkAdapter Rename-VMResourcePool Rename-VMSan Rename-VMSnapshot Rename-VMSwitch
        Repair-VM Reset-VMReplicationStatistics Reset-VMResourceMetering Resize-VHD Restart-VM Restore-VMSnapshot
        Resume-VM Resume-VMReplication Revoke-VMConnectAccess Save-VM Set-VHD Set-VM Set-VMBios Set-VMComPort
        Set-VMDvdDrive Set-VMFibreChannelHba Set-VMFirmware Set-VMFloppyDiskDrive Set-VMGpuPartitionAdapter
        Set-VMHardDiskDrive Set-VMHost Set-VMHostCluster Set-VMHostPartitionableGpu Set-VMKeyProtector
        Set-VMKeyStorageDrive Set-VMMemory Set-VMMigrationNetwork Set-VMNetworkAdapter
        Set-VMNetworkAdapterFailoverConfiguration Set-VMNetworkAdapterIsolation Set-VMNetworkAdapterRdma
        Set-VMNetworkAdapterRoutingDomainMapping Set-VMNetworkAdapterTeamMapping Set-VMNetworkAdapterVlan
        Set-VMPartitionableGpu Set-VMProcessor Set-VMRemoteFx3dVideoAdapter Set-VMReplication
        Set-VMReplicationAuthorizationEntry Set-VMReplicationServer Set-VMResourcePool Set-VMSan Set-VMSecurity
        Set-VMSecurityPolicy Set-VMStorageSettings Set-VMSwitch Set-VMSwitchExtensionPortFeature
        Set-VMSwitchExtensionSwitchFeature Set-VMSwitchTeam Set-VMVideo Start-VM Start-VMFailover
        Start-VMInitialReplication Start-VMTrace Stop-VM Stop-VMFailover Stop-VMInitialReplication Stop-VMReplication
        Stop-VMTrace Suspend-VM Suspend-VMReplication Test-VHD Test-VMNetworkAdapter Test-VMReplicationConnection
        Update-VMVersion Wait-VM
    """,
    "ServerManager": """
        Get-WindowsFeature Install-WindowsFeature Uninstall-WindowsFeature
    """,
    "BestPractices": """
        Get-BpaModel Get-BpaResult Invoke-BpaModel Set-BpaResult
    """,
    "NetSecurity": """
        Disable-NetFirewallRule Enable-NetFirewallRule Get-NetFirewallPortFilter Get-NetFirewallProfile
        Get-NetFirewallRule New-NetFirewallRule Remove-NetFirewallRule Set-NetFirewallProfile Set-NetFirewallRule
    """,
    "ActiveDirectory": """
        Add-ADGroupMember Get-ADComputer Get-ADDomain Get-ADDomainController Get-ADGroupMember Get-ADObject
        Get-ADPrincipalGroupMembership Get-ADServiceAccount Get-ADUser Set-ADAccountControl Set-ADComputer Set-ADObject
        Set-ADUser
    """,
    "SmbShare": """
        Disable-SmbDelegation Enable-SmbDelegation Get-SmbBandwidthLimit Get-SmbConnection Get-SmbDelegation
        Get-SmbMapping Get-SmbOpenFile Get-SmbServerConfiguration Get-SmbShare Get-SmbShareAccess Grant-SmbShareAccess
        New-SmbMapping New-SmbShare Remove-SmbMapping Remove-SmbShare Set-SmbBandwidthLimit
    """,
    "BitsTransfer": """
        Add-BitsFile Complete-BitsTransfer Get-BitsTransfer Remove-BitsTransfer Resume-BitsTransfer Set-BitsTransfer
        Start-BitsTransfer Suspend-BitsTransfer
    """,
    "Storage": """
        Dismount-DiskImage Get-Disk Get-DiskImage Get-FileIntegrity Get-Partition Get-PhysicalDisk Get-Volume
        Mount-DiskImage Set-FileIntegrity
    """,
    "NetAdapter": """
        Get-NetAdapter
    """,
    "NetTCPIP": """
        Get-NetIPAddress Get-NetIPConfiguration Get-NetRoute Get-NetTCPConnection New-NetIPAddress Test-NetConnection
    """,
    "DnsClient": """
        Resolve-DnsName
    """,
    "Defender": """
        Add-MpPreference Get-MpComputerStatus Get-MpPreference
    """,
    "FailoverClusters": """
        Get-Cluster Get-ClusterNode Get-ClusterResource Move-ClusterVirtualMachineRole
    """,
    "ScheduledTasks": """
        Get-ScheduledTask New-ScheduledTaskAction New-ScheduledTaskPrincipal Register-ScheduledTask Start-ScheduledTask
        Unregister-ScheduledTask
    """,
    "Microsoft.PowerShell.Management": """
        Add-Content Clear-Content Copy-Item Get-ChildItem Get-ComputerInfo Get-Content Get-HotFix Get-Item
        Get-ItemProperty Get-ItemPropertyValue Get-PSDrive Get-Process Get-Service Get-WmiObject Move-Item New-Item
        New-ItemProperty New-PSDrive Remove-Item Remove-ItemProperty Remove-PSDrive Rename-Item Resolve-Path
        Restart-Computer Restart-Service Set-Content Set-Item Set-ItemProperty Set-Service Start-Process Start-Service
        Stop-Computer Stop-Process Stop-Service Test-ComputerSecureChannel Test-Connection Test-Path Wait-Process
    """,
    "Microsoft.PowerShell.Utility": """
        Clear-Variable Compare-Object ConvertFrom-Json ConvertTo-Csv ConvertTo-Json Format-List Get-Date Get-FileHash
        Get-Member Get-Random Get-Variable Group-Object Invoke-WebRequest Measure-Object New-TimeSpan Out-String
        Remove-Variable Select-Object Select-String Set-Variable Sort-Object Start-Sleep Tee-Object Write-Output
        Write-Progress
    """,
    "Microsoft.PowerShell.Core": """
        ForEach-Object Get-Command Get-Job Get-Module Get-PSSessionConfiguration Import-Module Invoke-Command
        New-PSRoleCapabilityFile New-PSSessionConfigurationFile Out-Null Receive-Job Register-PSSessionConfiguration
        Remove-Job Stop-Job Wait-Job Where-Object
    """,
    "Microsoft.PowerShell.Security": """
        Get-Acl Get-AuthenticodeSignature Get-ExecutionPolicy Set-Acl
    """,
    "Microsoft.PowerShell.Archive": """
        Expand-Archive
    """,
    "Microsoft.PowerShell.LocalAccounts": """
        Add-LocalGroupMember Enable-LocalUser Get-LocalGroupMember Get-LocalUser
    """,
    "Microsoft.WSMan.Management": """
        Disable-WSManCredSSP Enable-WSManCredSSP Get-WSManCredSSP Test-WSMan
    """,
    "CimCmdlets": """
        Get-CimClass Get-CimInstance Invoke-CimMethod
    """,
}
