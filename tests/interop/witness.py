"""Our witness and our checkpoints against programs that we did not write.

    witness.py GAVEL BIN WORK

GAVEL is the program, BIN the folder of aics-tlog and aics-witness (and of the Python that has
their libraries), WORK an empty folder. Every step prints what it found; the first that fails
ends the run.
"""

import json
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from hashlib import sha256

from aics_tlog import Checkpoint, MerkleTree, format_vkey, sign_checkpoint, vkey_from_ed25519
from aics_witness.feeder import WitnessClient, WitnessRejected, merge_cosignatures
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

GAVEL, BIN, WORK = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
ITEMS = {"1": {"name": "Globe", "highest_bid": 50, "highest_bidder": None, "duration": 120}}
running = []


def run(*command, code=0, cwd=WORK):
    """Runs a program to its end, and gives what it printed."""
    done = subprocess.run([str(part) for part in command], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == code, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done.stdout + done.stderr


def start(*command, ready, cwd=WORK):
    """Starts a program; gives it and the address that it says it listens on."""
    command = [str(part) for part in command]
    program = subprocess.Popen(
        command, cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    running.append(program)
    said = ""
    for line in program.stdout:
        said += line
        found = re.search(ready, line)
        if found:
            return program, found.group(1)
    raise AssertionError(f"{command} ended:\n{said}")


def stop(program, how=signal.SIGTERM):
    program.send_signal(how)
    program.wait(timeout=60)
    program.stdout.close()
    running.remove(program)


def say(text):
    print(f"ok  {text}", flush=True)


def written(name, content):
    path = WORK / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---- witnesses ----


def our_witness(logs):
    """A new witness of ours; gives its vkey and a function that starts it."""
    vkey = run(GAVEL, "witness", "keygen", "ours.example/w1", "--out", "ours.key").splitlines()[0]
    listed = written("logs.txt", "".join(f"log {log}\n" for log in logs))

    def begin():
        command = [GAVEL, "witness", "--listen", "127.0.0.1:0", "--key", "ours.key"]
        return start(*command, "--logs", listed, ready=r"listens on +(http://\S+)/")

    return vkey, begin


def their_witness(logs):
    """A new witness of theirs that serves the same logs, running."""
    config = ["--config", "theirs.json"]
    init = run(BIN / "aics-witness", "init", *config, "--name", "theirs.example/w1")
    vkey = init.splitlines()[0]
    for log in logs:
        origin = log.split("+")[0]
        run(BIN / "aics-witness", "add-log", *config, "--origin", origin, "--vkey", log)
    command = [BIN / "aics-witness", "serve", *config, "--listen", "127.0.0.1:0"]
    program, url = start(*command, ready=r"listening on (http://\S+)")
    return vkey, program, url


def check(note, log, witnesses):
    """aics-tlog on a note: the log's signature, and fresh cosignatures of all these witnesses."""
    keys = [argument for witness in witnesses for argument in ("--witness-key", witness)]
    command = [BIN / "aics-tlog", "verify-checkpoint", "--note", written("checked.note", note)]
    quorum = ["--quorum", str(len(witnesses)), "--max-age", "60"] if witnesses else []
    return run(*command, "--log-key", log, *keys, *quorum)


def refused(client, note, proof, status):
    try:
        client.submit(note, proof)
    except WitnessRejected as why:
        assert why.status == status, why
        return
    raise AssertionError("a fork was cosigned")


# ---- a gavel sale ----


def lines_of(ledger):
    return ledger.read_bytes().removesuffix(b"\n").split(b"\n")


def checkpoints_of(lines):
    """The notes of the seals, each once."""
    entries = [json.loads(line) for line in lines]
    return [entry["body"]["note"].encode() for entry in entries if entry["t"] == "seal"]


def sale_is_checked(ledger, log):
    """aics-tlog builds the tree over the ledger's lines and holds the seals against it."""
    lines = lines_of(ledger)
    notes = checkpoints_of(lines)
    # The last line is the last seal, which no seal covers.
    leaves = written("leaves", b"".join(line + b"\n" for line in lines[:-1]))
    run(BIN / "aics-tlog", "build-tiles", "--leaves", leaves, "--out", "tiles", "--zero")
    first, last = written("first.note", notes[0]), written("last.note", notes[-1])
    common = ["--log-key", log, "--tiles", "tiles"]
    run(BIN / "aics-tlog", "verify-checkpoint", "--note", last, *common)
    command = [BIN / "aics-tlog", "verify-consistency", "--old-checkpoint", first]
    run(*command, "--checkpoint", last, *common)
    say(f"aics-tlog recomputes the sale's tree: {len(notes)} seals, first and last consistent")


def sale_is_cosigned(ledger, log, trust, clients):
    """Every seal of a sale is cosigned by every witness, and gavel takes the cosigned note."""
    lines = lines_of(ledger)
    tree = MerkleTree(lines)
    for note in checkpoints_of(lines):
        cosigned = note
        for client in clients:
            cosigned = merge_cosignatures(cosigned, client.submit(note, tree.consistency_proof))
    check(cosigned, log, [format_vkey(client.witness_vkey) for client in clients])
    kept = written("cosigned.checkpoint", cosigned)
    run(GAVEL, "verify", ledger, "--trust", trust, "--checkpoint", kept)
    say("both witnesses cosign every seal of the sale; aics-tlog and gavel verify take the note")


def forked_sale():
    """One sale, served from two copies of its folder: what nobody may ever do."""
    first = WORK / "forked"
    first.mkdir(mode=0o700)
    (first / "items.json").write_text(json.dumps(ITEMS))
    said = run(GAVEL, "prepare", "items.json", "--house", "forger", "--sale", "s", cwd=first)
    log = re.search(r"sealing key +(\S+)", said).group(1)
    serve_briefly(first)
    second = WORK / "copied"
    shutil.copytree(first, second)
    serve_briefly(first)
    serve_briefly(second)
    return log, [folder / "ledger" / "s.jsonl" for folder in (first, second)]


def house_is_convicted(ledger):
    """What our witness kept of the fork convicts the house, by its CA's certificate alone."""
    [kept] = (WORK / "ours.key.state/evidence").glob("fork-*.checkpoint")
    trust = WORK / "forked/pki/serve/ca.pem"
    evidence = WORK / "evidence.json"
    command = [GAVEL, "verify", ledger, "--trust", trust, "--checkpoint", kept]
    run(*command, "--evidence", evidence, code=1)
    run(GAVEL, "receipt", "convict", evidence, "--trust", trust)
    say("the checkpoint that our witness kept convicts the house")


def serve_briefly(folder):
    command = [GAVEL, "serve", "items.json", "--listen", "127.0.0.1:0"]
    program, _ = start(*command, ready=r"listens on +(\S+),", cwd=folder)
    stop(program)


def fork_is_refused(ledgers, clients):
    """The second history of a sale is refused by every witness that cosigned the first."""
    one, other = [lines_of(ledger) for ledger in ledgers]
    newest, forked = checkpoints_of(one)[-1], checkpoints_of(other)[-1]
    assert newest.split(b"\n")[:2] == forked.split(b"\n")[:2] and newest != forked
    for client in clients:
        client.submit(newest, MerkleTree(one).consistency_proof)
        refused(client, forked, MerkleTree(other).consistency_proof, 422)
    say("both witnesses refuse a sale that was served from two copies of its folder")


# ---- a log of theirs ----


class ForeignLog:
    """A log made with aics_tlog, which can show a second history."""

    def __init__(self):
        self.key = Ed25519PrivateKey.generate()
        self.origin = "log.example/interop"
        self.vkey = format_vkey(vkey_from_ed25519(self.origin, self.key.public_key()))
        leaves = [f"entry {index}".encode() for index in range(300)]
        self.tree = MerkleTree(leaves)
        self.fork = MerkleTree(leaves[:100] + [b"another"] + leaves[101:])

    def note(self, tree, size, extensions=()):
        checkpoint = Checkpoint(self.origin, size, tree.root(size), extensions)
        return sign_checkpoint(checkpoint, self.key, self.origin).to_bytes()


def their_log_is_served(log, vkey, begin):
    """Our witness cosigns their log over kills and restarts, and refuses its second history."""
    program, url = begin()
    for size in [0, 1, 2, 3, 64, 99, 100, 128, 255, 256]:
        if size in (3, 128):
            stop(program, signal.SIGKILL)
            program, url = begin()
        client = WitnessClient(url, vkey, state_path=WORK / "feeder.json")
        extensions = ("an extension line",) if size == 99 else ()
        note = log.note(log.tree, size, extensions)
        line = client.submit(note, log.tree.consistency_proof)
        check(merge_cosignatures(note, line), log.vkey, [vkey])
        client.close()
    with WitnessClient(url, vkey, state_path=WORK / "feeder.json") as client:
        for size in (256, 257, 300):
            refused(client, log.note(log.fork, size), log.fork.consistency_proof, 422)
        note = log.note(log.tree, 300)
        client.submit(note, log.tree.consistency_proof)
    name = sha256(log.origin.encode()).hexdigest()
    with urllib.request.urlopen(f"{url}/{name}/checkpoint", timeout=60) as shown:
        check(shown.read(), log.vkey, [vkey])
    stop(program)
    kept = sorted(path.name.split("-")[0] for path in (WORK / "ours.key.state/evidence").iterdir())
    assert "fork" in kept and "unproven" in kept, kept
    say("aics-witness's feeder is served over two kills, and aics-tlog verifies each cosignature")
    say("the fork of that log is refused, and kept as evidence")


def main():
    run(GAVEL, "demo", "demo")
    ledger, trust = WORK / "demo/ledger/demo.jsonl", WORK / "demo/pki/serve/ca.pem"
    sale = run(GAVEL, "ledger", "vkey", ledger, "--trust", trust).strip()
    forged, ledgers = forked_sale()
    log = ForeignLog()
    vkey, begin = our_witness([sale, forged, log.vkey])
    sale_is_checked(ledger, sale)
    their_vkey, theirs, their_url = their_witness([sale, forged])
    ours, url = begin()
    clients = [WitnessClient(url, vkey), WitnessClient(their_url, their_vkey)]
    sale_is_cosigned(ledger, sale, trust, clients)
    fork_is_refused(ledgers, clients)
    house_is_convicted(ledgers[0])
    for client in clients:
        client.close()
    stop(ours)
    stop(theirs)
    their_log_is_served(log, vkey, begin)


try:
    main()
finally:
    for program in running:
        program.kill()
        program.wait()
