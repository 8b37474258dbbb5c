"""Show that tests/client.py takes a receipt as it is, and no other: LEDGER RECEIPT.

The receipt is of a bid of the ledger. Every character of it is changed in several ways, and so is
everything that the bidder expects of it.
"""
import base64
import json
import pathlib
import sys

from cryptography import x509

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))
import client  # noqa: E402

ledger, receipt = (pathlib.Path(path).read_bytes().decode() for path in sys.argv[1:])
lines = ledger.split("\n")
opening = json.loads(lines[0])["body"]
ca = x509.load_der_x509_certificate(base64.b64decode(opening["ca"]))
sale = client.Sale(lines[0].encode(), ca, opening["house"])


def holds(text, expected):
    try:
        return sale.receipt(text, "bid", expected)[0]
    except Exception:
        return None


entry = json.loads(lines[int(client.RECEIPT.fullmatch(receipt)[2])])
body = {key: entry["body"][key] for key in ("bid", "evidence", "sig")}
assert holds(receipt, body) == entry, "the receipt itself does not hold"

changed = 0
for place, old in enumerate(receipt):
    for new in {"", "\n", " ", "=", "0", "A", chr(ord(old) ^ 1), old + old} - {old}:
        text = receipt[:place] + new + receipt[place + 1:]
        assert not holds(text, body), f"holds with {new!r} for {old!r} at {place}"
        changed += 1
for key in body["bid"]:
    other = {**body, "bid": {**body["bid"], key: "another"}}
    assert not holds(receipt, other), f"holds with another {key}"
assert not holds(receipt, {**body, "sig": client.to_base64(bytes(64))}), "holds for another sig"
print(f"{changed} changed receipts refused")
