// What somebody holds against a ledger: receipts and remembered checkpoints (section 10), and the witnesses of a policy (11).
//
// A file that cannot be read as what it was given for is `Unreadable`: the fault of whoever gave it, no finding.

import { fromBase64, same, toHex, utf8 } from "./bytes.mjs";
import { Wrong, readCanonical } from "./canonical.mjs";
import { checkDates, checkSealer, readCertificate } from "./certificate.mjs";
import { checkLine as checkFields } from "./form.mjs";
import { checkCosignature, checkLine, readCheckpoint, readNote } from "./note.mjs";
import { included, leafHash } from "./tree.mjs";

export class Unreadable extends Error {}

const HASHES_MAX = 64;

/** The parts of a receipt. Throws `Unreadable`. */
export function readReceipt(text) {
  const refuse = (why) => {
    throw new Unreadable(`not a receipt: ${why}`);
  };
  const split = text.indexOf("\n\n");
  if (split < 0) refuse("it has no checkpoint");
  const [first, extra, index, ...hashes] = text.slice(0, split).split("\n");
  if (first !== "c2sp.org/tlog-proof@v1") refuse("the first line is not c2sp.org/tlog-proof@v1");
  const bytes = extra?.startsWith("extra ") ? fromBase64(extra.slice("extra ".length)) : null;
  const number = /^index (0|[1-9][0-9]{0,15})$/.exec(index ?? "");
  const proof = hashes.map(fromBase64);
  if (bytes === null || number === null || proof.length > HASHES_MAX) refuse("its lines are not those of a receipt");
  if (proof.some((hash) => hash?.length !== 32)) refuse("its proof is not of hashes");
  const { entry, sealer } = readExtra(bytes, refuse);
  return { entry, sealer, index: Number(number[1]), proof, ...readSigned(text.slice(split + 2), refuse) };
}

// `extra` holds a whole line as a text, so it is longer than any text of a ledger may be; JSON.parse reads it, and nothing
// rests on its form: what is taken from it is checked by what the house has signed.
function readExtra(bytes, refuse) {
  try {
    const { entry, sealer } = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    const der = typeof sealer === "string" ? fromBase64(sealer) : null;
    if (typeof entry !== "string" || der === null) refuse("its extra data are not an entry and a certificate");
    return { entry: utf8(entry), sealer: der };
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    return refuse("its extra data cannot be read");
  }
}

function readSigned(text, refuse) {
  const note = readNote(text);
  const checkpoint = note === null ? null : readCheckpoint(note.text);
  if (checkpoint === null) refuse("its checkpoint cannot be read");
  return { note, checkpoint };
}

/** A checkpoint, a signed note. Throws `Unreadable`. */
export function readHeldCheckpoint(text) {
  return readSigned(text, (why) => {
    throw new Unreadable(`not a checkpoint: ${why}`);
  });
}

/** The answer to the signature line of a key in a note: `good`, `bad`, `never`, or `other` if there is none. */
async function houseLine(note, origin, publicKey) {
  for (const line of note.signatures) {
    const answer = await checkLine(line, origin, publicKey, note.text);
    if (answer !== "other") return answer;
  }
  return "other";
}

/** Judges a receipt by itself. Throws `Wrong`. */
async function checkReceipt(receipt, audit) {
  const refuse = (detail) => {
    throw new Wrong("receipt", detail);
  };
  const { checkpoint, note, entry, index, proof } = receipt;
  if (checkpoint.origin !== audit.origin) refuse("it is for another sale");
  let leaf;
  try {
    const line = readCanonical(entry);
    checkFields(line);
    if (line.seq !== index) refuse("its entry has another number");
    leaf = readCertificate(receipt.sealer);
    await checkSealer(leaf, audit.ca, audit.open.house, audit.open.sale);
    const first = Math.max(leaf.notBefore, audit.ca.notBefore) * 1000;
    checkDates(leaf, audit.ca, line.ts ?? first);
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
    refuse(error.detail);
  }
  if ((await houseLine(note, checkpoint.origin, leaf.key.bytes)) !== "good") refuse("its checkpoint is not signed by its sealer");
  if (!included(leafHash(entry), index, checkpoint.size, proof, checkpoint.root)) refuse("its proof does not stand");
  return leaf;
}

/** Why a checkpoint of this very sale contradicts the ledger, as {name, detail}; undefined if it agrees. */
function contradiction(audit, checkpoint) {
  const { size, root } = checkpoint;
  const end = audit.closeLine;
  if (size > audit.tree.size) {
    const closed = end !== undefined && size > end + 2;
    if (closed) return { name: "fork", detail: `${size} lines were sealed then, and this ledger had closed before` };
    return { name: "truncated", detail: `${size} lines were sealed then, this ledger has ${audit.tree.size}` };
  }
  if (!same(audit.tree.rootAt(size), root)) return { name: "fork", detail: `another root over ${size} lines was sealed then` };
  return undefined;
}

/** Where the bytes end the audit, nothing can be said of a tree that goes beyond. */
const isBeyond = (audit, { size }) => !audit.walked && size > audit.tree.size;

export class Held {
  agreed = { receipts: 0, checkpoints: 0 };
  reach = 0; // the largest size that agrees
  cosigned = new Map(); // size -> Map of witness -> seconds
  quorum = undefined; // {size, by} where the policy's quorum is met

  /** Holds everything given against an audit that has come to its end. */
  async judge(audit, { receipts, checkpoints, policy }) {
    for (const receipt of receipts) await this.holdReceipt(audit, receipt, policy);
    for (const checkpoint of checkpoints) await this.holdCheckpoint(audit, checkpoint, policy);
    if (policy !== undefined) this.judgePolicy(audit, policy);
  }

  async holdReceipt(audit, receipt, policy) {
    const { index, checkpoint } = receipt;
    try {
      const leaf = await checkReceipt(receipt, audit);
      const other = !same(leaf.key.bytes, audit.sealer.key.bytes);
      if (!other && isBeyond(audit, checkpoint)) return undefined;
      const found = other ? { name: "fork", detail: "it is signed by another sealer of this very sale" } : contradiction(audit, checkpoint);
      if (found !== undefined) return audit.find(found.name, index, found.detail);
      this.agreed.receipts += 1;
      return await this.take(receipt, policy);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      return audit.find(error.name, null, error.detail);
    }
  }

  async holdCheckpoint(audit, held, policy) {
    const { note, checkpoint } = held;
    if (checkpoint.origin !== audit.origin) return audit.find("checkpoint", null, "it is for another ledger");
    const answer = await houseLine(note, audit.origin, audit.sealer.key.bytes);
    if (answer === "other") {
      const named = note.signatures.some((line) => line.name === audit.origin);
      if (named) return audit.find("fork", null, "it is for this very sale, and signed by another key");
      return audit.find("checkpoint", null, "it is not signed by the house");
    }
    if (answer !== "good") return audit.find("checkpoint", null, "its signature is wrong");
    if (isBeyond(audit, checkpoint)) return undefined;
    const found = contradiction(audit, checkpoint);
    if (found !== undefined) return audit.find(found.name, null, found.detail);
    this.agreed.checkpoints += 1;
    return this.take(held, policy);
  }

  async take({ note, checkpoint }, policy) {
    const { size } = checkpoint;
    this.reach = Math.max(this.reach, size);
    const known = this.cosigned.get(size) ?? new Map();
    this.cosigned.set(size, known);
    for (const witness of policy?.witnesses ?? []) {
      for (const line of note.signatures) {
        const answer = await checkCosignature(line, witness.keyName, witness.publicKey, note.text);
        if (answer === "good") known.set(witness.name, cosignedAt(line));
      }
    }
  }

  judgePolicy(audit, policy) {
    const key = toHex(audit.sealer.key.bytes);
    const refuse = (detail) => audit.find("policy", null, detail);
    if (policy.logs.length > 0 && !policy.logs.some((log) => log.keyName === audit.origin && toHex(log.publicKey) === key)) {
      return refuse("the policy is for other logs than this sale");
    }
    if (policy.quorum === "none") return undefined;
    if (this.cosigned.size === 0) return refuse("no checkpoint of this ledger was given");
    const sizes = [...this.cosigned.keys()].sort((a, b) => b - a);
    const met = sizes.find((size) => policy.isMet(this.cosigned.get(size)));
    if (met === undefined) return refuse(`the quorum is not met under the first ${sizes[0]} lines`);
    if (audit.closeLine !== undefined && met <= audit.closeLine) {
      return refuse(`the quorum stands under the first ${met} lines, and not under the close`);
    }
    this.quorum = { size: met, by: this.cosigned.get(met) };
    return undefined;
  }
}

const cosignedAt = (line) => Number(new DataView(line.bytes.slice(0, 8).buffer).getBigUint64(0));
