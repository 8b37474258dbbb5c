// Signed notes and checkpoints (C2SP signed-note, tlog-checkpoint, tlog-cosignature), as sections 3 and 11 use them.

import { concat, fromBase64, same, toBase64, utf8 } from "./bytes.mjs";
import { verifyEd25519 } from "./keys.mjs";
import { sha256 } from "./sha256.mjs";

export const PLAIN = 0x01;
export const COSIGNATURE = 0x04;

/** The four bytes that name a key beside its name. */
export function keyId(name, type, publicKey) {
  return sha256(utf8(name), Uint8Array.of(0x0a, type), publicKey).subarray(0, 4);
}

/** The text and signature lines of a note; null where it is none. */
export function readNote(note) {
  const split = note.lastIndexOf("\n\n");
  if (split < 0 || !note.endsWith("\n")) return null;
  const text = note.slice(0, split + 1);
  const signatures = [];
  for (const line of note.slice(split + 2, -1).split("\n")) {
    const found = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/=]+)$/.exec(line);
    const bytes = found === null ? null : fromBase64(found[2]);
    if (bytes === null || bytes.length < 5) return null;
    signatures.push({ name: found[1], id: bytes.subarray(0, 4), bytes: bytes.subarray(4) });
  }
  return signatures.length === 0 ? null : { text, signatures };
}

/** Origin, size and root of a checkpoint's text of exactly three lines; null where it is none. */
export function readCheckpoint(text) {
  const found = /^([^\n]+)\n(0|[1-9][0-9]{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text);
  if (found === null) return null;
  const root = fromBase64(found[3]);
  const size = Number(found[2]);
  if (root === null || !Number.isSafeInteger(size)) return null;
  return { origin: found[1], size, root };
}

/** The text of a checkpoint. */
export const writeCheckpoint = (origin, size, root) => `${origin}\n${size}\n${toBase64(root)}\n`;

/** Whether a signature line is by a key of that name: `good`, `bad`, `never`, or `other` for another key's line. */
export async function checkLine(line, name, publicKey, text) {
  if (line.name !== name || !same(line.id, keyId(name, PLAIN, publicKey))) return "other";
  if (line.bytes.length !== 64) return "bad";
  return verifyEd25519(publicKey, line.bytes, utf8(text));
}

/** The same for a witness's cosignature, which signs its time (in seconds) along with the text. */
export async function checkCosignature(line, name, publicKey, text) {
  if (line.name !== name || !same(line.id, keyId(name, COSIGNATURE, publicKey))) return "other";
  if (line.bytes.length !== 72) return "bad";
  let seconds = 0n;
  for (const byte of line.bytes.subarray(0, 8)) seconds = seconds * 256n + BigInt(byte);
  const message = concat(utf8(`cosignature/v1\ntime ${seconds}\n`), utf8(text));
  return verifyEd25519(publicKey, line.bytes.subarray(8), message);
}
