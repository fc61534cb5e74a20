#!/bin/sh
# Stand-in of the lab: the agent's configurator. Registers with the lab's servers, by what the machine knows of them (/.lab/servers).
bin=$(cd "$(dirname "$0")" && pwd)
log=/var/log/ua_install.log quiet= stack= server= port=443 passphrase= external= config= discovery= unconfigure=
. "$bin/common.sh"
version=$(setting $VX PROD_VERSION)

# The real one's usage ends with 0, whatever was wrong.
usage() { echo 'Usage: UnifiedAgentConfigurator.sh -i <address> -P <passphrase file> | -S <config file>'; exit 0; }
modern() { since "${version:-9.99}" 9.55 || { echo "unknown option -$1"; usage; }; }
while [ $# -gt 0 ]; do
  case $1 in -q) quiet=1; shift; continue ;; -h) usage ;; -[a-zA-Z]) [ $# -ge 2 ] || usage ;; *) usage ;; esac
  case $1 in
  -i) server=$2 ;; -p) port=$2 ;; -P) passphrase=$2 ;; -e) external=$2 ;; -l) log=$2 ;;
  -S) modern S; config=$2 ;; -D) modern D; discovery=$2 ;; -U) modern U; unconfigure=$2 ;; -c) modern c; stack=$2 ;;
  -f) modern f; errors=$2 ;; -j|-m|-r|-C) modern "${1#-}" ;;
  *) usage ;;
  esac
  shift 2
done
case $discovery in ''|true|false) ;; *) usage ;; esac
case $unconfigure in ''|true) ;; *) usage ;; esac
case $stack in ''|CSLegacy|CSPrime) ;; *) usage ;; esac
case $port in ''|*[!0-9]*) usage ;; esac
[ -n "$version" ] || { say 'there is no agent'; [ "$stack" = CSPrime ] && exit 97; exit 1; }
home=$(setting $VX INSTALLATION_DIR)
conf=$home/etc/drscout.conf
stack=${stack:-$(setting "$conf" CSType)}
take_lock || { say 'another setup is at work'; [ "$stack" = CSPrime ] && exit 97; exit 1; }

end() {
  code=$1
  if [ "$stack" = CSPrime ]; then
    case $code in 0|97|98) ;; *) [ -n "$found_errors" ] || add_error ConfiguratorInternalError "ended with $code"; code=97 ;; esac
  fi
  write_errors
  say "configurator ends with $code"
  exit "$code"
}
put() { sed "s|^$1=.*|$1=$2|" "$conf" >"$conf.new" && cat "$conf.new" >"$conf" && rm -f "$conf.new"; }
status() {
  grep -v '^AGENT_CONFIGURATION_STATUS=' $VX >$VX.new
  [ -z "$1" ] || echo "AGENT_CONFIGURATION_STATUS=$1" >>$VX.new
  mv $VX.new $VX
}
# $1 column, $2 value -> the line of a server: kind name address port data_port certificate hash
server_line() { awk -F '\t' -v column="$1" -v value="$2" 'tolower($column) == tolower(value) { print; exit }' /.lab/servers; }
reach() { /.lab/base/bin/busybox nc -w 3 "$1" "$2" </dev/null >/dev/null 2>&1; }
sum() { tr -d '\r\n' | /.lab/base/bin/busybox sha256sum | cut -d ' ' -f 1; }
no_connection() {
  say "post request: (7) - Couldn't connect to server $1"
  end "$2"
}
certificate() {
  [ "$1" = valid ] && return 0
  say 'request: (60) - Peer certificate cannot be authenticated with given CA certificates'
  end "$2"
}

case $(setting "$conf" VmPlatform) in
VmWare|Azure) ;;
*)
  say 'Aborting configuration as VM_PLATFORM value is either null or it is not VmWare/Azure'
  [ "$stack" != CSPrime ] || add_error ASRMobilityServiceVMPlatformNotSet 'VmPlatform is not set'
  end 1 ;;
esac
if [ "$stack" = CSPrime ] && [ "$(setting "$conf" VmPlatform)" = VmWare ] && grep -q 7783-7084-3265-9085-8269-3286-77 /sys/class/dmi/id/chassis_asset_tag; then
  say 'a machine that was failed over: nothing to do'
  exit 0
fi

if [ -n "$unconfigure" ]; then
  "$bin/stop"
  printf '@\tunregister\tall\t\n' >/.lab/journal
  rm -f "$home/etc/SourceConfig.json"
  put ResourceId ''
  put Hostname ''
  put Port ''
  status ''
  end 0
fi

register_classic() {
  [ -n "$server" ] && [ -n "$passphrase" ] || usage
  address=$server
  case $server in *[!0-9.]*) address=$(getent hosts "$server" | awk '{ print $1; exit }') ;; esac
  case $address in *.*.*.*) ;; *) say "$server is no address"; end 3 ;; esac
  [ -s "$passphrase" ] || { say "$passphrase is not there or empty"; end 1; }
  before=$(setting "$conf" Hostname)
  if [ -n "$before" ] && [ "$before" != "$server" ] && [ "$(setting $VX AGENT_CONFIGURATION_STATUS)" = Succeeded ]; then
    say "this machine belongs to $before"
    end 13
  fi
  status ''
  reach "$address" "$port" || no_connection "$address:$port" 14
  line=$(awk -F '\t' -v address="$address" -v port="$port" '$3 == address && $4 == port' /.lab/servers)
  [ -n "$line" ] || { say "$address:$port is no configuration server"; end 14; }
  certificate "$(echo "$line" | cut -f 6)" 14
  [ "$(sum <"$passphrase")" = "$(echo "$line" | cut -f 7)" ] || { say 'the server refuses the passphrase'; end 14; }
  sleep 1
  umask 077
  cp "$passphrase" /usr/local/InMage/private/connection.passphrase
  chmod 700 /usr/local/InMage/private/connection.passphrase
  umask 022
  put Hostname "$server"
  put Port "$port"
  put CSType CSLegacy
  finish "$(echo "$line" | cut -f 2)"
}
finish() {
  printf '@\tregister\t%s\t%s\n' "$1" "$(setting "$conf" HostId)" >/.lab/journal
  "$bin/start"
  status Succeeded
  echo "$1" >>/.lab/registrations
  say "registered with $1"
  end 0
}
value_of() { tr -d '\n\r' <"$config" | sed -n "s/.*\"$1\"[[:space:]]*:[[:space:]]*\"\{0,1\}\([^\",}]*\).*/\1/p" | sed 's/[[:space:]]*$//'; }
register_modern() {
  [ -n "$config" ] || usage
  [ "$(setting "$conf" CSType)" = CSPrime ] || { add_error ASRMobilityServiceInstallerCSTypeMismatch 'the agent was installed for the other stack'; end 19; }
  [ -s "$config" ] || { say "$config is not there or empty"; end 19; }
  name=$(value_of ApplianceName) address=$(value_of ApplianceAddress) port=$(value_of Port)
  line=$(server_line 2 "${name:-none}")
  [ "$(echo "$line" | cut -f 1,3,4,7)" = "$(printf 'appliance\t%s\t%s\t%s' "$address" "$port" "$(value_of Fingerprint)")" ] || { say 'Invalid source config file provided'; end 19; }
  status ''
  getent hosts "$name" >/dev/null || { add_error ConfiguratorConfigurationFailedWithDNSissue "$name does not resolve"; end 97; }
  reach "$address" "$port" || no_connection "$address:$port" 128
  certificate "$(echo "$line" | cut -f 6)" 128
  sleep 1
  cp "$config" "$home/etc/SourceConfig.json"
  chmod 600 "$home/etc/SourceConfig.json"
  put Hostname "$address"
  put Port "$port"
  put ResourceId "$(setting "$conf" HostId)"
  [ -z "$discovery" ] || { grep -q '^IsCredentialLessDiscovery=' "$conf" || echo 'IsCredentialLessDiscovery=' >>"$conf"; put IsCredentialLessDiscovery "$discovery"; }
  [ -z "$external" ] || { grep -q '^ExternalIpAddress=' "$conf" || echo 'ExternalIpAddress=' >>"$conf"; put ExternalIpAddress "$external"; }
  finish "$name"
}
if [ "$stack" = CSPrime ]; then register_modern; else register_classic; fi
