#!/usr/bin/env bash
# Installs the real checkers of the artifact languages on Debian when root; elsewhere says which tests will be skipped.
set -euo pipefail

# A package and the thing that shows it is there: a program, or a path.
readonly needed='
apparmor              apparmor_parser
checkpolicy           checkmodule
semodule-utils        semodule_package
policycoreutils       semodule
selinux-utils         matchpathcon
setools               sesearch
selinux-policy-default /usr/share/selinux/default|/etc/selinux/default
runc                  runc
busybox-static        /usr/share/doc/busybox-static
libseccomp2           lib:libseccomp.so.2
bubblewrap            bwrap
qemu-system-x86       qemu-system-x86_64
qemu-system-common    /usr/lib/qemu/virtiofsd|/usr/libexec/virtiofsd|virtiofsd
libselinux1           lib:libselinux.so.1
util-linux            setpriv
gcc                   gcc
libc6-dev             /usr/include/stdio.h
git                   git
redis-server          redis-server
'

say() { printf 'validators: %s\n' "$*" >&2; }

is_here() {
  local one
  for one in ${1//|/ }; do
    case $one in
      lib:*) for file in /lib/*/"${one#lib:}" /usr/lib/*/"${one#lib:}" /usr/lib64/"${one#lib:}"; do
               [ -e "$file" ] && return 0
             done ;;
      /*) [ -e "$one" ] && return 0 ;;
      *) PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin command -v "$one" >/dev/null 2>&1 && return 0 ;;
    esac
  done
  return 1
}

is_installed() {
  dpkg-query -W -f='${Status}' "$1" 2>/dev/null | grep -q 'ok installed'
}

missing() {
  local package sign
  while read -r package sign; do
    [ -n "$package" ] || continue
    is_here "$sign" || { command -v dpkg-query >/dev/null 2>&1 && is_installed "$package"; } || printf '%s\n' "$package"
  done <<<"$needed"
}

absent=$(missing)
[ -n "$absent" ] || exit 0

if [ "$(uname -s)" = Linux ] && [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null 2>&1; then
  say "installing: $(tr '\n' ' ' <<<"$absent")"
  export DEBIAN_FRONTEND=noninteractive
  for try in 1 2; do
    # shellcheck disable=SC2086 # one word a package
    if apt-get update -qq && apt-get install -y -qq --no-install-recommends $absent >/dev/null; then
      break
    fi
    [ "$try" -eq 2 ] || sleep 5
  done
  absent=$(missing)
fi

if [ -n "$absent" ]; then
  say "missing, so their tests are skipped (where CI is set they fail):"
  while read -r package; do say "  - $package"; done <<<"$absent"
  [ "$(id -u)" -eq 0 ] || say "on Debian, run this script as root to install them"
fi
