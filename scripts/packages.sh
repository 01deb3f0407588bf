#!/usr/bin/env bash
# Installs the Debian packages of packages.txt that are missing; asks for sudo when it is not root.
# It stands outside xtask because xtask cannot be linked before the linker is there.
#
# usage: scripts/packages.sh [SECTION...]     (default: base)
set -euo pipefail

list="$(dirname "${BASH_SOURCE[0]}")/../packages.txt"

# Prints the package names of section $1.
section() {
    awk -v want="$1:" '
        /^#/ || /^[[:space:]]*$/ { next }
        /:$/ { inside = ($0 == want); found = found || inside; next }
        inside { print $1 }
        END { if (!found) { print "packages.txt has no section " want > "/dev/stderr"; exit 1 } }
    ' "$list"
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

if ! command -v dpkg-query apt-get >/dev/null; then
    echo "error: this is not a Debian machine; install these packages' counterparts by hand:" >&2
    cat "$list" >&2
    exit 1
fi

missing=()
for name in "${@:-base}"; do
    packages="$(section "$name")"
    for package in $packages; do
        is_installed "$package" || missing+=("$package")
    done
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

echo "installing Debian packages: ${missing[*]}"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "error: neither root nor sudo; as root, run: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
# RUNLEVEL=1 keeps packages from starting services on the developer's machine.
install=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
    apt-get install -y -qq --no-install-recommends "${missing[@]}")
# A machine whose package index is fresh need not fetch it again; one whose index is old must.
if ! "${install[@]}"; then
    "${as_root[@]}" apt-get update -qq
    "${install[@]}"
fi
for package in "${missing[@]}"; do
    if ! is_installed "$package"; then
        echo "error: apt-get ran, yet $package is not installed" >&2
        exit 1
    fi
done
