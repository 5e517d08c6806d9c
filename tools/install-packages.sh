# shellcheck shell=bash disable=SC2086,SC2154
# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by tools/quickstart, tools/check and tools/bench: installs what is missing of the
# Debian packages in tools/packages. The caller sets pmss_top, the top of the
# source tree. Lists of words are split on purpose.

# pmss_packages SECTION...: the names listed under these sections.
pmss_packages ()
{
  local wanted=" $* "
  awk -v wanted="$wanted" '
    /^[[:space:]]*(#|$)/ { next }
    /^\[.*\]$/ { on = index (wanted, " " substr ($0, 2, length ($0) - 2) " "); next }
    on { print $1 }' "$pmss_top/tools/packages"
}

# pmss_missing_packages SECTION...: those of them that are not installed.
pmss_missing_packages ()
{
  local package
  for package in $(pmss_packages "$@"); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
  done
}

# pmss_web_section: "web" if what builds the pages is missing. Node.js is often not Debian's.
pmss_web_section ()
{
  command -v npm >/dev/null && command -v node >/dev/null || echo web
}

# pmss_quietly LOG COMMAND...: its output goes to LOG and is shown only when it
# fails.
pmss_quietly ()
{
  local log=$1 status=0
  shift
  printf '\n+ %s\n' "$*" >>"$log"
  "$@" >>"$log" 2>&1 </dev/null || status=$?
  if [ "$status" -ne 0 ]; then
    echo "$*: failed with status $status; the end of $log:" >&2
    tail -n 40 "$log" | sed 's/^/  | /' >&2
  fi
  return "$status"
}

# pmss_install_packages LOG SECTION...
pmss_install_packages ()
{
  local log=$1 missing as_root=()
  shift
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is not a Debian system. Install what corresponds to these packages, then run again with --no-install:" >&2
    pmss_packages "$@" | sed 's/^/  /' >&2
    return 69
  fi
  missing=$(pmss_missing_packages "$@")
  [ -n "$missing" ] || return 0
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "Some Debian packages are missing, and installing them needs root (there is no sudo here). As root:" >&2
      echo "  apt-get install --no-install-recommends" $missing >&2
      return 77
    fi
    as_root=(sudo)
    sudo -v || return 77
  fi
  echo "Installing $(echo "$missing" | wc -l) Debian packages of tools/packages (apt-get, no recommended ones; this can take minutes; log: $log):"
  echo $missing | fold -s -w 76 | sed 's/^/  /'
  pmss_quietly "$log" "${as_root[@]}" apt-get -q update || echo "Going on with the package lists that are here." >&2
  # shellcheck disable=SC2086
  pmss_quietly "$log" "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get -q -y -o Dpkg::Use-Pty=0 install --no-install-recommends $missing
}
