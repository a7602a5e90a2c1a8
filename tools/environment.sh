#!/usr/bin/env bash
# Install a locked set of packages into a virtual environment: environment.sh VENV LOCK STAMP
set -euo pipefail
venv=$1 lock=$2 stamp=$3

python=${PYTHON:-python3}
if ! command -v "$python" >/dev/null; then
  echo "Python >= 3.11 is needed: install it (Debian: apt-get install python3 python3-venv), or name one with PYTHON=" >&2
  exit 1
fi
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
  echo "Python >= 3.11 is needed, $python is $("$python" -V): install a newer one, or name it with PYTHON=" >&2
  exit 1
fi
if [[ ! -x $venv/bin/python ]] && ! "$python" -m venv "$venv" 2>/dev/null; then
  rm -rf "$venv"
  echo "python3-venv is needed (Debian: apt-get install python3-venv)" >&2
  exit 1
fi
echo "installing $(grep -c == "$lock") locked packages into $venv …" >&2
if command -v uv >/dev/null; then
  uv pip install --quiet --python "$venv/bin/python" --require-hashes -r "$lock"
else
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r "$lock"
fi
touch "$stamp"
