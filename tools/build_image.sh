#!/usr/bin/env bash
# Build an image of locked packages: build_image.sh cpu|gpu [option of `build` …]
#   ENGINE  podman or docker; else the first that is there
set -euo pipefail
kind=${1:?usage: build_image.sh cpu|gpu [option of build …]}
shift
cd "$(dirname "$0")/.."

engine=${ENGINE:-$(command -v podman || command -v docker || true)}
if [[ -z $engine ]]; then
  echo "tools/build_image.sh: podman or docker is needed (Debian: apt-get install podman)" >&2
  exit 1
fi
version=$(sed -n 's/^__version__ = "\(.*\)"$/\1/p' bin/sicmir_atlas/__init__.py)
exec "$engine" build "$@" --build-arg VERSION="$version" \
  -t "sicmir-atlas-$kind:$version" -f "containers/$kind/Containerfile" .
