// Signs an edited ledger anew, as a house would that has all the keys: with a CA, certificates and bid keys of its own, so that
// what is wrong with the result is its meaning alone. For agree.mjs; nothing of the verifier needs it.

import { webcrypto } from "node:crypto";

import { concat, fromBase64, toBase64, toHex, utf8 } from "./bytes.mjs";
import { readCertificate } from "./certificate.mjs";
import { keyId, writeCheckpoint } from "./note.mjs";
import { sha256 } from "./sha256.mjs";
import { Tree, leafHash } from "./tree.mjs";

const { subtle } = webcrypto;
const ECDSA = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

const hex = (text) => Uint8Array.from(text.match(/../g) ?? [], (two) => parseInt(two, 16));
const der = (tag, ...parts) => {
  const content = concat(...parts);
  const { length } = content;
  const head = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return concat(Uint8Array.of(tag, ...head), content);
};
const integer = (bytes) => {
  let from = 0;
  while (from < bytes.length - 1 && bytes[from] === 0) from += 1;
  const rest = bytes.subarray(from);
  return der(0x02, rest[0] >= 0x80 ? Uint8Array.of(0) : Uint8Array.of(), rest);
};
const oid = (text) => der(0x06, hex(text));
const ALGORITHM = der(0x30, oid("2a8648ce3d040302"));
const time = (seconds) => der(0x18, utf8(`${new Date(seconds * 1000).toISOString().replace(/[-:T]/g, "").slice(0, 14)}Z`));
const extension = (id, critical, value) => der(0x30, oid(id), critical ? der(0x01, Uint8Array.of(0xff)) : hex(""), der(0x04, value));
const PURPOSE = { person: oid("2b06010505070302"), sealer: oid("6987ef98cccfa2a1861f") };

async function signP256(pair, message) {
  const raw = new Uint8Array(await subtle.sign(ECDSA, pair.privateKey, message));
  const s = BigInt(`0x${toHex(raw.subarray(32))}`);
  return s <= ORDER / 2n ? raw : concat(raw.subarray(0, 32), hex((ORDER - s).toString(16).padStart(64, "0")));
}

/** The keys of a house and its people, made as they are needed. */
export class Keys {
  #made = new Map();

  async of(kind, name) {
    const key = `${kind} ${name}`;
    if (!this.#made.has(key)) {
      const algorithm = kind === "p256" ? ECDSA : { name: "Ed25519" };
      const pair = await subtle.generateKey(algorithm, true, ["sign", "verify"]);
      pair.spki = new Uint8Array(await subtle.exportKey("spki", pair.publicKey));
      pair.raw = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
      this.#made.set(key, pair);
    }
    return this.#made.get(key);
  }

  /** A certificate like another one, of a key of ours. */
  async certificate(original, kind, name) {
    const tag = original.ca ? "ca" : `${toHex(original.spki)} ${original.serial}`;
    const key = `certificate ${tag}`;
    if (this.#made.has(key)) return this.#made.get(key);
    const ca = await this.of("p256", "ca");
    const pair = original.ca ? ca : await this.of(kind, name);
    const issuer = der(0x30, der(0x31, der(0x30, oid("550403"), der(0x0c, utf8("a CA")))));
    const subject = original.ca ? issuer : der(0x30);
    const extensions = original.ca
      ? [extension("551d13", true, der(0x30, der(0x01, Uint8Array.of(0xff)), integer(hex("00")))), extension("551d0f", true, hex("03020106"))]
      : [
          extension("551d13", true, der(0x30)),
          extension("551d25", false, der(0x30, PURPOSE[kind === "p256" ? "person" : "sealer"])),
          extension("551d11", false, der(0x30, der(0x86, utf8(original.uris[0])))),
        ];
    const signed = der(
      0x30, der(0xa0, hex("020102")), integer(hex(original.serial)), ALGORITHM, issuer,
      der(0x30, time(original.notBefore), time(original.notAfter)), subject, pair.spki, der(0xa3, der(0x30, ...extensions)),
    );
    const signature = await signP256(ca, signed);
    const bits = der(0x03, hex("00"), der(0x30, integer(signature.subarray(0, 32)), integer(signature.subarray(32))));
    const made = { der: der(0x30, signed, ALGORITHM, bits), pair };
    this.#made.set(key, made);
    return made;
  }
}

/**
 * Signs lines, parsed, of which each has its number in the original ledger as `was` (undefined if it is a second copy).
 * `write` gives the canonical text of a value. Gives the file's bytes and the CA's fingerprint.
 */
export async function resign(lines, original, keys, write) {
  const open = original[0].body;
  const oldHash = toHex(sha256(utf8(write(original[0]))));
  const ca = await keys.certificate(readCertificate(fromBase64(open.ca)), "p256", "ca");
  const sealer = await keys.certificate(readCertificate(fromBase64(open.sealers[0])), "ed25519", "sealer");
  const bidKeys = new Map();
  const certificates = new Map();
  const spkis = new Map();
  for (const line of original.filter((each) => each.t === "enrol")) {
    const leaf = readCertificate(fromBase64(line.body.chain[0]));
    const ours = await keys.certificate(leaf, "p256", leaf.spkiHash);
    certificates.set(line.body.chain[0], ours);
    spkis.set(leaf.spkiHash, toHex(sha256(ours.pair.spki)));
    if (line.body.bid_key !== undefined) bidKeys.set(line.body.bid_key, await keys.of("ed25519", line.body.bid_key));
  }
  const now = new Map(lines.flatMap((line, seq) => (line.was === undefined ? [] : [[line.was, seq]])));
  const roots = new Map();
  const tree = new Tree();
  const out = [];
  let prev = "0".repeat(64);
  let saleHash;
  const ownKey = (holder, field) => {
    const pair = bidKeys.get(holder?.[field]);
    if (pair !== undefined) holder[field] = toHex(pair.raw);
    return pair;
  };
  const origin = `${open.house}/${open.sale}`;

  for (const [seq, { was, ...line }] of lines.entries()) {
    const { t } = line;
    const body = line.body !== null && typeof line.body === "object" ? line.body : {};
    line.seq = seq;
    line.prev = prev;
    if (t === "open") {
      if (body.ca === open.ca) body.ca = toBase64(ca.der);
      if (body.sealers?.[0] === open.sealers[0]) body.sealers[0] = toBase64(sealer.der);
      const lots = lines.filter((each) => each.t === "lot").map((each) => `${write(each.body)}\n`);
      if (body.catalogue === open.catalogue) body.catalogue = toHex(sha256(utf8(lots.join(""))));
    }
    const statement = body.act !== null && typeof body.act === "object" ? body.act : body.bid;
    if (statement !== null && typeof statement === "object") {
      const pair = ownKey(statement, "bid_key");
      if (statement.sale_hash === oldHash) statement.sale_hash = saleHash;
      if (now.has(statement.seen)) statement.seen = now.get(statement.seen);
      const head = now.get(statement.head?.size);
      if (roots.has(head)) statement.head = { root: roots.get(head), size: head };
      for (const field of ["old_key", "new_key"]) if (spkis.has(statement[field])) statement[field] = spkis.get(statement[field]);
      if (pair !== undefined && body.sig !== undefined) {
        const domain = body.act === undefined ? "gavel/bid/v1\n" : "gavel/act/v1\n";
        body.sig = toBase64(new Uint8Array(await subtle.sign("Ed25519", pair.privateKey, utf8(domain + write(statement)))));
      }
    }
    if (now.has(body.standing)) body.standing = now.get(body.standing);
    for (const each of Array.isArray(body.keys) ? body.keys : []) ownKey(each, "bid_key");
    const leaf = t === "enrol" && Array.isArray(body.chain) ? certificates.get(body.chain[0]) : undefined;
    if (leaf !== undefined) {
      body.chain = body.chain.map((each, i) => (i === 0 ? toBase64(leaf.der) : each === open.ca ? toBase64(ca.der) : each));
      const pair = ownKey(body, "bid_key");
      const { bid_key, bidder, role } = body;
      const text = pair === undefined ? "" : write({ bid_key, bidder, cert: toHex(sha256(leaf.der)), role, sale_hash: saleHash });
      if (pair !== undefined && body.cert_sig !== undefined) body.cert_sig = toBase64(await signP256(leaf.pair, utf8(`gavel/enrol/v1\n${text}`)));
      if (pair !== undefined && body.bid_sig !== undefined) {
        const signature = await subtle.sign("Ed25519", pair.privateKey, utf8(`gavel/enrol-bidkey/v1\n${text}`));
        body.bid_sig = toBase64(new Uint8Array(signature));
      }
    }
    if (t === "seal" && body.note !== undefined) {
      const text = writeCheckpoint(origin, seq, tree.root());
      roots.set(seq, toHex(tree.root()));
      const signature = new Uint8Array(await subtle.sign("Ed25519", sealer.pair.privateKey, utf8(text)));
      body.note = `${text}\n\u2014 ${origin} ${toBase64(concat(keyId(origin, 1, sealer.pair.raw), signature))}\n`;
    }
    const bytes = utf8(write(line));
    tree.append(leafHash(bytes));
    prev = toHex(sha256(bytes));
    if (seq === 0) saleHash = prev;
    out.push(bytes, Uint8Array.of(0x0a));
  }
  return { bytes: Buffer.from(concat(...out)), fingerprint: toHex(sha256(ca.der)) };
}
