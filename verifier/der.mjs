// The little DER (X.690) that certificates of this format need, strictly: one length form, nothing left over.

import { Wrong } from "./canonical.mjs";

const refuse = (detail) => {
  throw new Wrong("untrusted", detail);
};

/** One element: its tag, its content, and its whole encoding. */
export class Element {
  constructor(bytes, at, limit) {
    if (at + 2 > limit) refuse("the certificate cannot be read: it ends early");
    this.tag = bytes[at];
    if ((this.tag & 0x1f) === 0x1f) refuse("the certificate cannot be read: a long tag");
    let length = bytes[at + 1];
    let start = at + 2;
    if (length >= 0x80) {
      const count = length & 0x7f;
      if (count === 0 || count > 3 || start + count > limit) refuse("the certificate cannot be read: a length");
      length = 0;
      for (let i = 0; i < count; i++) length = length * 256 + bytes[start++];
      if (length < 0x80 || length < 256 ** (count - 1)) refuse("the certificate cannot be read: a length that is not DER");
    }
    if (start + length > limit) refuse("the certificate cannot be read: it ends early");
    this.content = bytes.subarray(start, start + length);
    this.whole = bytes.subarray(at, start + length);
    this.end = start + length;
  }

  /** The elements inside. */
  children() {
    const found = [];
    for (let at = 0; at < this.content.length; ) {
      const element = new Element(this.content, at, this.content.length);
      found.push(element);
      at = element.end;
    }
    return found;
  }

  expect(tag, what) {
    if (this.tag !== tag) refuse(`the certificate cannot be read: no ${what}`);
    return this;
  }
}

export const TAG = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  nothing: 0x05,
  oid: 0x06,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
};

/** The one element that bytes are. */
export function readDer(bytes) {
  const element = new Element(bytes, 0, bytes.length);
  if (element.end !== bytes.length) refuse("the certificate cannot be read: something follows it");
  return element;
}

/** An object identifier in dotted form. */
export function readOid(element) {
  element.expect(TAG.oid, "object identifier");
  const arcs = [];
  let arc = 0n;
  let open = false;
  for (const byte of element.content) {
    if (!open && byte === 0x80) refuse("the certificate cannot be read: an object identifier");
    arc = (arc << 7n) | BigInt(byte & 0x7f);
    open = byte >= 0x80;
    if (open) continue;
    if (arcs.length === 0) {
      const first = arc < 40n ? 0n : arc < 80n ? 1n : 2n;
      arcs.push(first, arc - first * 40n);
    } else {
      arcs.push(arc);
    }
    arc = 0n;
  }
  if (open || arcs.length === 0) refuse("the certificate cannot be read: an object identifier");
  return arcs.join(".");
}

/** A non-negative integer's bytes without leading zero. */
export function readInteger(element) {
  const { content } = element.expect(TAG.integer, "integer");
  if (content.length === 0 || content[0] >= 0x80) refuse("the certificate cannot be read: an integer");
  if (content.length > 1 && content[0] === 0 && content[1] < 0x80) refuse("the certificate cannot be read: an integer");
  return content[0] === 0 ? content.subarray(1) : content;
}

/** A bit string's bytes; how many bits of the last one are unused is checked to be `unused` unless it is null. */
export function readBits(element, unused = 0) {
  const { content } = element.expect(TAG.bits, "bit string");
  if (content.length === 0 || content[0] > 7) refuse("the certificate cannot be read: a bit string");
  if (unused !== null && content[0] !== unused) refuse("the certificate cannot be read: a bit string");
  return content.subarray(1);
}

/** A time of RFC 5280 (4.1.2.5) in whole seconds since 1970, UTC. */
export function readTime(element) {
  const text = String.fromCharCode(...element.content);
  const short = element.tag === TAG.utcTime;
  if (!short && element.tag !== TAG.generalizedTime) refuse("the certificate cannot be read: no time");
  const found = (short ? /^(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/ : /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/).exec(text);
  if (found === null) refuse("the certificate cannot be read: a time");
  let [year, month, day, hour, minute, second] = found.slice(1).map(Number);
  if (short) year += year < 50 ? 2000 : 1900;
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  date.setUTCHours(hour, minute, second);
  const written = date.toISOString().replace(/[-:T]/g, "").slice(0, 14);
  const given = found.slice(1).join("");
  if (written.slice(short ? 2 : 0) !== given) refuse("the certificate cannot be read: a time");
  return date.getTime() / 1000;
}
