"""Bid once over `gavel/1`: a second client, which follows docs/protocol.md and nothing else.

Prints one line of JSON. Exits with 0 if the bid stands and its receipt proves it, with 4 if the
auction refused it, with 1 if anything is wrong. Needs Python 3.9 and `cryptography` 42.
"""
import argparse
import base64
import hashlib
import json
import re
import socket
import ssl
import sys
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, utils

P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SEALER_USAGE = "2.25.566998788829889311"
SERVER_USAGE = "1.3.6.1.5.5.7.3.1"
# Witnesses may have signed too; what counts here is the house's own signature.
NOTE = re.compile(
    r"((\S+)\n(0|[1-9][0-9]*)\n(\S+)\n)\n"
    r"(?:\u2014 \S+ \S+\n)*?\u2014 \2 (\S+)\n(?:\u2014 \S+ \S+\n)*"
)
RECEIPT = re.compile(
    r"c2sp\.org/tlog-proof@v1\nextra (\S+)\nindex (0|[1-9][0-9]*)\n((?:\S+\n)*)\n(.+)", re.DOTALL
)


class Refused(Exception):
    """The auction said no; the argument is its reply."""


def need(good, what):
    if not good:
        raise ValueError(what)


def sha256(data):
    return hashlib.sha256(data).digest()


def to_base64(data):
    return base64.b64encode(data).decode()


def from_base64(text):
    data = base64.b64decode(text, validate=True)
    need(to_base64(data) == text, "base64 in another form")
    return data


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def from_canonical(data):
    value = json.loads(data)
    need(canonical(value) == data, "JSON in another form")
    return value


def der(cert):
    return cert.public_bytes(serialization.Encoding.DER)


def uris(cert):
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def check_certificate(cert, ca, usage, uri, seconds):
    cert.verify_directly_issued_by(ca)
    usages = cert.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    need([one.dotted_string for one in usages] == [usage], "a certificate for another use")
    need(uris(cert) == [uri], f"a certificate of {uris(cert)}, not of {uri}")
    for one in (cert, ca):
        first, last = one.not_valid_before_utc.timestamp(), one.not_valid_after_utc.timestamp()
        need(first <= seconds <= last, "a certificate outside its dates")


def root_of(line, index, size, proof):
    need(index < size, "an index outside the tree")
    node, last = sha256(b"\0" + line), size - 1
    for sibling in map(from_base64, proof):
        need(last > 0 and len(sibling) == 32, "not an inclusion proof for this place")
        if index % 2 or index == last:
            node = sha256(b"\1" + sibling + node)
            while index and index % 2 == 0:
                index, last = index >> 1, last >> 1
        else:
            node = sha256(b"\1" + node + sibling)
        index, last = index >> 1, last >> 1
    need(last == 0, "not an inclusion proof for this place")
    return node


class Sale:
    """What line 0 says, and the checks that rest on it."""

    def __init__(self, open_line, ca, house):
        line = from_canonical(open_line)
        body = line["body"]
        need((line["t"], line["seq"], body["house"]) == ("open", 0, house), "not a line 0")
        need(from_base64(body["ca"]) == der(ca), "the sale of another CA")
        self.hash = sha256(open_line).hex()
        self.origin, self.ca, self.sealer_der = f"{house}/{body['sale']}", ca, body["sealers"][0]
        self.sealer = x509.load_der_x509_certificate(from_base64(self.sealer_der))
        self.uri = f"gavel://{house}/sealer/{body['sale']}"
        self.check_sealer(line["ts"])
        self.key = self.sealer.public_key()
        named_key = self.origin.encode() + b"\n\1" + self.key.public_bytes_raw()
        self.key_id = sha256(named_key)[:4]

    def check_sealer(self, ts):
        check_certificate(self.sealer, self.ca, SEALER_USAGE, self.uri, ts // 1000)

    def checkpoint(self, note):
        text, origin, size, root, signature = NOTE.fullmatch(note).groups()
        need(origin == self.origin, "the checkpoint of another sale")
        signature = from_base64(signature)
        need(signature[:4] == self.key_id, "a checkpoint signed by another key")
        self.key.verify(signature[4:], text.encode())
        return int(size), from_base64(root)

    def receipt(self, text, kind, expected):
        """Return the entry of a receipt, if it proves what is expected, and its checkpoint."""
        extra, index, proof, note = RECEIPT.fullmatch(text).groups()
        extra, index = from_canonical(from_base64(extra)), int(index)
        need(extra["sealer"] == self.sealer_der, "a receipt by another sealer")
        line = extra["entry"].encode()
        size, root = self.checkpoint(note)
        need(root_of(line, index, size, proof.split()) == root, "a line that is not in the tree")
        entry = from_canonical(line)
        need(entry["seq"] == index, "a line of another number")
        self.check_sealer(entry["ts"])
        held = {key: entry["body"].get(key) for key in expected}
        need((entry["t"], canonical(held)) == (kind, canonical(expected)), "another entry")
        return entry, (size, root)


class Door:
    """A connection to the server, once it has shown who it is."""

    def __init__(self, path, server):
        with open(path, encoding="utf-8") as file:
            pem = file.read()
        first_line = r"# gavel credential: house (\S+), server (\S+)\n"
        self.house, address = re.match(first_line, pem).groups()
        host, port = (server or address).rsplit(":", 1)
        self.key = serialization.load_pem_private_key(pem.encode(), None)
        self.cert, self.ca = x509.load_pem_x509_certificates(pem.encode())
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname = False  # a server's name is its URI, checked below
        context.load_verify_locations(cadata=der(self.ca))
        context.load_cert_chain(path)
        context.set_alpn_protocols(["gavel/1"])
        connection = socket.create_connection((host.strip("[]"), int(port)), timeout=30)
        self.socket = context.wrap_socket(connection)
        need(self.socket.selected_alpn_protocol() == "gavel/1", "the server speaks no gavel/1")
        shown = x509.load_der_x509_certificate(self.socket.getpeercert(binary_form=True))
        uri = f"gavel://{self.house}/server"
        check_certificate(shown, self.ca, SERVER_USAGE, uri, time.time())
        self.answers, self.last_id = self.socket.makefile("rb"), 0

    def request(self, name, **fields):
        self.last_id += 1
        message = {"m": name, "id": self.last_id, **fields}
        self.socket.sendall(canonical(message) + b"\n")
        for answer in map(json.loads, self.answers):
            if answer["m"] not in ("lines", "snapshot"):  # those are for everybody
                need(answer.get("id") == self.last_id, answer.get("code", "no answer to this"))
                if "code" in answer:
                    raise Refused(answer)
                return answer
        raise EOFError("the connection ended before the answer")


def bid(args, result):
    door = Door(args.credential, args.server)
    (uri,) = uris(door.cert)
    role, name = uri.removeprefix(f"gavel://{door.house}/").split("/")
    welcome = door.request("hello")
    sale = Sale(welcome["open"].encode(), door.ca, door.house)
    head = sale.checkpoint(welcome["note"])

    bid_key = ed25519.Ed25519PrivateKey.generate()
    key = bid_key.public_key().public_bytes_raw().hex()
    cert_hash = sha256(der(door.cert)).hex()
    body = {"bid_key": key, "cert": cert_hash, "role": role, "sale_hash": sale.hash}
    statement = canonical({**body, "bidder": name})
    r, s = utils.decode_dss_signature(
        door.key.sign(b"gavel/enrol/v1\n" + statement, ec.ECDSA(hashes.SHA256()))
    )
    low_s = min(s, P256_ORDER - s)
    sigs = {
        "bid_sig": to_base64(bid_key.sign(b"gavel/enrol-bidkey/v1\n" + statement)),
        "cert_sig": to_base64(r.to_bytes(32, "big") + low_s.to_bytes(32, "big")),
    }
    reply = door.request("enrol", body=body, sigs=sigs)
    who = {"bid_key": key, "bidder": name, "role": role, "evidence": "signed"}
    head = max(head, sale.receipt(reply["receipt"], "enrol", {**who, **sigs})[1])

    # This key signs one bid and is forgotten with the process, so n is 1 and is never used again.
    size, root = head
    body = {
        "amount": args.amount, "bid_key": key, "head": {"root": root.hex(), "size": size},
        "lot": args.lot, "n": 1, "sale_hash": sale.hash,
    }
    statement = {**body, "bidder": name}
    sig = to_base64(bid_key.sign(b"gavel/bid/v1\n" + canonical(statement)))
    result["sent"] = {"body": body, "sig": sig}
    receipt = door.request("bid", body=body, sig=sig)["receipt"]
    expected = {"bid": statement, "evidence": "signed", "sig": sig}
    entry, (size, root) = sale.receipt(receipt, "bid", expected)
    result.update(result="accepted", seq=entry["seq"], ts=entry["ts"], receipt=receipt)
    result["checkpoint"] = {"origin": sale.origin, "size": size, "root": root.hex()}


def main():
    parser = argparse.ArgumentParser(description="Bid once and check the receipt.")
    parser.add_argument("credential")
    parser.add_argument("lot")
    parser.add_argument("amount", type=int, help="in minor units")
    parser.add_argument("--server", metavar="HOST:PORT")
    result, status = {}, 0
    try:
        bid(parser.parse_args(), result)
    except Refused as refused:
        busy = refused.args[0]["code"] == "busy"  # then nobody knows yet what became of it
        result.update(refused.args[0], result="unknown" if busy else "refused")
        status = 1 if busy else 4
    # Whatever a server can provoke ends here: all that is not a receipt that holds is wrong.
    except Exception as error:
        result.update(result="wrong", error=f"{type(error).__name__}: {error}")
        status = 1
    print(json.dumps(result))
    return status


if __name__ == "__main__":
    sys.exit(main())
