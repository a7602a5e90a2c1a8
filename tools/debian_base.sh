#!/usr/bin/env bash
# Make a root file system of Debian packages, to build images on where no registry of images is
# reached: debian_base.sh OUT.tar. Needs root and mmdebstrap; takes this machine's own apt sources.
set -euo pipefail
out=$1
packages=bash,ca-certificates,procps,python3,python3-venv

die() { echo "tools/debian_base.sh: $1" >&2; exit 1; }
[[ $(id -u) == 0 ]] || die "has to run as root, which alone may unpack packages of the system"
command -v mmdebstrap >/dev/null || die "mmdebstrap is needed (Debian: apt-get install mmdebstrap)"
suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
[[ $(. /etc/os-release && echo "$ID") == debian ]] || die "takes its packages from the sources of Debian, which this machine is not"

mkdir -p "$(dirname "$out")"
part=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$part"' EXIT
shopt -s nullglob
sources=(/etc/apt/sources.lis[t] /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources)
# what names this machine or its sources stays out of the image
# shellcheck disable=SC2016  $1 is the hook's own
mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" \
  --aptopt='APT::Install-Recommends "false"' \
  --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin "$1"/etc/apt/sources.list* "$1"/etc/resolv.conf "$1"/etc/hostname' \
  "$suite" "$part/base.tar" "${sources[@]}"
mv "$part/base.tar" "$out"
