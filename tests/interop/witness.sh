#!/usr/bin/env bash
# Witnesses and logs that other people wrote against ours: aics-tlog and aics-witness, two
# Python packages.
#
#   tests/interop/witness.sh GAVEL [VENV]
#
# GAVEL is the program; VENV a Python environment with both, else one is made for the run. Where
# that cannot be had it says so and ends well, unless GAVEL_NEED names `aics`.
set -euo pipefail

gavel=$(realpath "${1:?usage: tests/interop/witness.sh GAVEL [VENV]}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

skip() {
    echo "skipped: $*"
    case ",${GAVEL_NEED:-}," in *,aics,*) exit 1 ;; *) exit 0 ;; esac
}

venv=${2:-$work/venv}
if [ ! -x "$venv/bin/aics-witness" ]; then
    python3 -m venv "$venv" 2>/dev/null || skip "python3 makes no environment here"
    # Their metadata ask for Python 3.12; what is used here runs on 3.11 as well.
    "$venv/bin/pip" install -q --ignore-requires-python aics-tlog==0.2.1 aics-witness==0.1.0 \
        2>"$work/pip" || skip "aics-tlog and aics-witness cannot be installed: $(tail -1 "$work/pip")"
fi
"$venv/bin/python" "$(dirname "$0")/witness.py" "$gavel" "$(realpath "$venv/bin")" "$work"
