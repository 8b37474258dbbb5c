// Who may (section 7): enrolled keys, names, revocations, numbers, and the heads that a bid may name.

import { Wrong } from "./canonical.mjs";

const HEADS_MAX = 65_536;
const KEYS_OF_A_NAME_MAX = 16;

export class Roster {
  constructor(terms, saleHash) {
    this.terms = terms;
    this.saleHash = saleHash;
    this.keys = new Map(); // bid key -> {name, role, serial, notAfter, spki, n, counted}
    this.names = new Map(); // name -> {owner, role, keys, attested}
    this.revoked = new Set();
    this.heads = new Map(); // "size root" -> true, in order of the lines
    this.refusalBytes = 0;
    this.refusalsOf = new Map(); // bidder -> {minute, count}
    this.houseMade = new Set();
  }

  seal(size, root) {
    this.heads.set(`${size} ${root}`, true);
    if (this.heads.size > HEADS_MAX) this.heads.delete(this.heads.keys().next().value);
  }

  roleOf(name) {
    return this.names.get(name)?.role;
  }

  /** Whether an enrolment may stand. `leaf` is its certificate, already judged. Throws `Wrong`. */
  checkEnrolment(body, leaf) {
    const known = this.names.get(body.bidder);
    if (body.evidence === "attested") {
      if (!this.terms.attested) throw new Wrong("unsigned", "the terms take no enrolment without a bid key");
      if (known !== undefined && known.keys > 0) throw new Wrong("unsigned", "the name has a bid key");
    }
    if (known !== undefined && known.owner !== leaf.spkiHash) throw new Wrong("roster", "the name is another key's");
    if (body.evidence === "attested") return;
    if (this.keys.has(body.bid_key)) throw new Wrong("enrolment", "the bid key is enrolled already");
    if (known !== undefined && known.keys >= KEYS_OF_A_NAME_MAX) throw new Wrong("roster", "the name has too many bid keys");
  }

  /** Takes an enrolment that was found good. */
  enrol(body, leaf) {
    const known = this.names.get(body.bidder) ?? { owner: leaf.spkiHash, role: body.role, keys: 0, attested: undefined };
    this.names.set(body.bidder, known);
    known.role = body.role;
    if (leaf.houseMadeKey) this.houseMade.add(body.bidder);
    const certificate = { name: body.bidder, role: body.role, serial: leaf.serial, notAfter: leaf.notAfter, spki: leaf.spkiHash };
    if (body.evidence === "attested") {
      known.attested = certificate;
    } else {
      known.keys += 1;
      this.keys.set(body.bid_key, { ...certificate, n: 0, counted: 0, reissued: false });
    }
  }

  /** The key that a statement names, if it is enrolled under its signer. */
  keyOf(statement) {
    const key = this.keys.get(statement.bid_key);
    return key?.name === statement.bidder ? key : undefined;
  }

  /** The first code up to `stale-head` that a signed statement would be refused with, its signature being good. */
  refuse(statement, ts) {
    if (statement.sale_hash !== this.saleHash) return "wrong-sale";
    const key = this.keyOf(statement);
    if (key === undefined) return "not-enrolled";
    if (key.reissued || this.revoked.has(key.serial)) return "revoked";
    if (Math.floor(ts / 1000) > key.notAfter) return "expired";
    if (statement.n <= key.n) return "reused-n";
    return this.heads.has(`${statement.head.size} ${statement.head.root}`) ? undefined : "stale-head";
  }

  /** The same for an attested bid. */
  refuseAttested(name, ts) {
    const known = this.names.get(name);
    if (!this.terms.attested || (known !== undefined && known.keys > 0)) return "unsigned";
    const certificate = known?.attested;
    if (certificate === undefined || certificate.spki !== known.owner) return "not-enrolled";
    if (this.revoked.has(certificate.serial)) return "revoked";
    return Math.floor(ts / 1000) > certificate.notAfter ? "expired" : undefined;
  }

  /** A statement that verifies under an enrolled key uses up its number. */
  use(statement) {
    const key = this.keyOf(statement);
    if (key !== undefined && statement.n > key.n) key.n = statement.n;
  }

  /** Numbers of a summary. */
  useCounted(keys) {
    for (const { bid_key, n } of keys) {
      const key = this.keys.get(bid_key);
      if (key === undefined || n <= key.n) continue;
      key.n = n;
      key.counted = n;
    }
  }

  mayReissue({ name, new_key, old_key }) {
    return this.names.get(name)?.owner === old_key && new_key !== old_key;
  }

  reissue({ name, new_key, old_key }) {
    const known = this.names.get(name);
    known.owner = new_key;
    for (const key of this.keys.values()) if (key.name === name && key.spki === old_key) key.reissued = true;
  }

  /** Counts a whole refusal against the caps; whether it is within them. */
  countRefusal(bidder, ts, bytes) {
    this.refusalBytes += bytes;
    const minute = Math.floor(ts / 60_000);
    const of = this.refusalsOf.get(bidder);
    const count = of?.minute === minute ? of.count + 1 : 1;
    this.refusalsOf.set(bidder, { minute, count });
    return this.refusalBytes <= this.terms.refusal_bytes_max && count <= this.terms.refusals_per_minute_max;
  }
}

export const CODE_FINDINGS = {
  "wrong-sale": "rule", "not-enrolled": "roster", revoked: "revoked", expired: "certificate-time", "reused-n": "reused-n",
  "stale-head": "head", unsigned: "unsigned",
};
