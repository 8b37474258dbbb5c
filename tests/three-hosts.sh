#!/usr/bin/env bash
# Three hosts: a server and two bidders, each in a network namespace of its own,
# joined by a bridge in a fourth. Needs root and iproute2.
#
#   tests/three-hosts.sh target/release/gavel
#
# It shows that a sale runs across machines by address, that the server may move
# to another address without a new certificate, and that a bidder who cannot
# reach it, or reaches somebody else, is told so clearly.
set -euo pipefail

gavel=$(realpath "${1:?usage: tests/three-hosts.sh GAVEL}")
items=$(realpath "$(dirname "$0")/../items.json")
if [ "$(id -u)" != 0 ] || ! command -v ip >/dev/null; then
    echo "NOT RUN: network namespaces need root and iproute2"
    exit 0
fi

work=$(mktemp -d)
tag="gv$$"
hosts=(house alice bob)
server_pid=

end() {
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || true
    for host in "${hosts[@]}" hub; do ip netns del "$tag-$host" 2>/dev/null || true; done
    rm -rf "$work"
}
trap end EXIT

fail() { echo "FAILED: $*" >&2; exit 1; }
on() { local host=$1; shift; (cd "$work/$host" && ip netns exec "$tag-$host" "$@"); }
# Runs a command that must end with a given exit code and say something.
must() {
    local code=$1 says=$2; shift 2
    local out; local got=0
    out=$("$@" 2>&1) || got=$?
    [ "$got" = "$code" ] || fail "exit $got, not $code: $*: $out"
    grep -qiE -- "$says" <<<"$out" || fail "does not say '$says': $*: $out"
    printf '%s\n' "$out" | sed 's/^/    /'
}

ip netns add "$tag-hub"
ip -n "$tag-hub" link add hub type bridge
ip -n "$tag-hub" link set hub up
n=0
for host in "${hosts[@]}"; do
    n=$((n + 1))
    mkdir -m 700 "$work/$host"
    ip netns add "$tag-$host"
    ip -n "$tag-$host" link set lo up
    ip -n "$tag-hub" link add "port$n" type veth peer name eth0 netns "$tag-$host"
    ip -n "$tag-hub" link set "port$n" master hub up
    ip -n "$tag-$host" addr add "10.211.7.$n/24" dev eth0
    ip -n "$tag-$host" link set eth0 up
done

serve() { # serve ADDRESS: starts the server, waits until it listens.
    local address=$1; shift
    ip netns exec "$tag-house" sh -c "cd '$work/house' && exec '$gavel' serve items.json --listen $address:12000 --ends-in 60s $*" \
        >>"$work/house/out" 2>>"$work/house/log" &
    server_pid=$!
    for _ in $(seq 100); do
        if ip netns exec "$tag-house" ss -ltn | grep -q "$address:12000"; then return; fi
        kill -0 "$server_pid" 2>/dev/null || { cat "$work/house/log"; fail "the server ended"; }
        sleep 0.1
    done
    fail "the server does not listen"
}
stop() { kill -INT "$server_pid"; wait "$server_pid" || true; server_pid=; }

echo "== credentials: requests travel, keys do not"
cp "$items" "$work/house/items.json"
on house "$gavel" prepare items.json --sale hosts --at 10.211.7.1:12000 >"$work/prepared"
for name in alice bob; do
    on "$name" "$gavel" pki request "$name" >/dev/null
    cp "$work/$name/$name.request.pem" "$work/house/"
    on house "$gavel" pki sign "$name.request.pem" --as "$name" >/dev/null
    cp "$work/house/$name.answer.pem" "$work/$name/"
    on "$name" "$gavel" pki accept "$name.answer.pem" >/dev/null
done
fingerprint=$(grep -oE 'sha256:[0-9a-f]{64}' "$work/prepared" | head -n 1)

echo "== nobody listens yet"
must 5 'cannot (reach|connect)' on alice "$gavel" bid alice.pem LIST

echo "== a sale across three hosts"
serve 10.211.7.1
must 0 'Saleena' on alice "$gavel" bid alice.pem LIST
must 0 '' on alice "$gavel" bid alice.pem BID 1 60
must 0 '' on bob "$gavel" bid bob.pem BID 1 61
must 4 'too low' on alice "$gavel" bid alice.pem BID 1 61
stop

echo "== the server moves to another address; no certificate changes"
ip -n "$tag-house" addr add 10.211.7.9/24 dev eth0
serve 10.211.7.9
must 5 'cannot (reach|connect)' on alice "$gavel" bid alice.pem LIST
must 0 '' on alice "$gavel" bid alice.pem --server 10.211.7.9:12000 BID 1 62

echo "== another house, and another CA of the same house's name"
mkdir -m 700 "$work/house/other" "$work/house/same"
(cd "$work/house/other" && cp ../items.json . && "$gavel" prepare items.json --house elsewhere --at 10.211.7.9:12000 >/dev/null && "$gavel" pki issue carol >/dev/null)
(cd "$work/house/same" && cp ../items.json . && "$gavel" prepare items.json --at 10.211.7.9:12000 >/dev/null && "$gavel" pki issue carol >/dev/null)
for kind in other same; do
    cp "$work/house/$kind/pki/people/carol.pem" "$work/bob/carol-$kind.pem"
    must 5 'house|CA' on bob "$gavel" bid "carol-$kind.pem" LIST
done

echo "== a bidder fetches the ledger; it is audited with the fingerprint alone"
must 0 '' on bob "$gavel" fetch bob.pem --server 10.211.7.9:12000 sale.jsonl
must 3 'not closed|incomplete' on bob "$gavel" verify sale.jsonl --trust "$fingerprint"
stop
echo "three hosts: all passed"
