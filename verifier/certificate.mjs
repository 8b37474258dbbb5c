// Certificates as section 4 has them: who issued them, for whom, for what, and when they are valid.
//
// This is no general path validation. There is one CA, no intermediate, one algorithm, and a narrow profile; whatever is
// outside of it is `untrusted`.

import { fromBase64, same, toHex } from "./bytes.mjs";
import { Wrong } from "./canonical.mjs";
import { TAG, readBits, readDer, readInteger, readOid, readTime } from "./der.mjs";
import { importP256, verifyDigestP256 } from "./keys.mjs";
import { sha256 } from "./sha256.mjs";

const OID = {
  ecdsaSha256: "1.2.840.10045.4.3.2",
  ecPublicKey: "1.2.840.10045.2.1",
  p256: "1.2.840.10045.3.1.7",
  ed25519: "1.3.101.112",
  basicConstraints: "2.5.29.19",
  keyUsage: "2.5.29.15",
  extendedKeyUsage: "2.5.29.37",
  subjectAltName: "2.5.29.17",
  clientAuth: "1.3.6.1.5.5.7.3.2",
  sealing: "2.25.566998788829889311",
  houseMadeKey: "2.25.566998788829889311.1",
};
// Read here, or without any bearing on what is checked here: key identifiers.
const KNOWN = new Set([
  OID.basicConstraints, OID.keyUsage, OID.extendedKeyUsage, OID.subjectAltName, OID.houseMadeKey, "2.5.29.14", "2.5.29.35",
]);
const URI_TAG = 0x86;

const untrusted = (detail) => {
  throw new Wrong("untrusted", detail);
};

/** The certificate in DER, read. Throws `Wrong`. */
export function readCertificate(der) {
  try {
    return parse(der);
  } catch (error) {
    if (error instanceof Wrong) throw error;
    return untrusted("the certificate cannot be read");
  }
}

function algorithmOf(element) {
  return readOid(element.expect(TAG.sequence, "algorithm").children()[0]);
}

function parse(der) {
  const outer = readDer(der).expect(TAG.sequence, "certificate").children();
  if (outer.length !== 3) untrusted("the certificate cannot be read: it has not three parts");
  const fields = outer[0].expect(TAG.sequence, "certificate").children();
  if (fields[0].tag !== 0xa0 || toHex(fields[0].content) !== "020102") untrusted("the certificate is not of version 3");
  if (fields.length < 7) untrusted("the certificate cannot be read: it ends early");
  const [, serial, algorithm, issuer, validity, subject, spki, ...rest] = fields;
  if (algorithmOf(algorithm) !== OID.ecdsaSha256 || !same(algorithm.whole, outer[1].whole)) {
    untrusted("the certificate is not signed with ECDSA and SHA-256");
  }
  const [notBefore, notAfter] = validity.expect(TAG.sequence, "validity").children();
  const extensions = rest.find((element) => element.tag === 0xa3);
  return {
    der,
    fingerprint: toHex(sha256(der)),
    signed: outer[0].whole,
    signature: readBits(outer[2]),
    serial: toHex(readInteger(serial)),
    issuer: issuer.whole,
    subject: subject.whole,
    notBefore: readTime(notBefore),
    notAfter: readTime(notAfter),
    spki: spki.whole,
    spkiHash: toHex(sha256(spki.whole)),
    key: readKey(spki),
    ...readExtensions(extensions),
  };
}

function readKey(spki) {
  const [algorithm, bits] = spki.expect(TAG.sequence, "key").children();
  const parts = algorithm.expect(TAG.sequence, "algorithm").children();
  const bytes = readBits(bits);
  const name = readOid(parts[0]);
  if (name === OID.ed25519 && parts.length === 1 && bytes.length === 32) return { kind: "ed25519", bytes };
  if (name === OID.ecPublicKey && parts.length === 2 && readOid(parts[1]) === OID.p256) return { kind: "p256", bytes };
  return { kind: "other", bytes };
}

function readExtensions(element) {
  const found = { ca: undefined, pathLength: undefined, keyUsage: null, purposes: [], uris: [], houseMadeKey: false };
  if (element === undefined) return found;
  const seen = new Set();
  for (const extension of readDer(element.content).expect(TAG.sequence, "extensions").children()) {
    const parts = extension.expect(TAG.sequence, "extension").children();
    const name = readOid(parts[0]);
    if (seen.has(name)) untrusted("the certificate has an extension twice");
    seen.add(name);
    const critical = parts.length === 3 && parts[1].expect(TAG.boolean, "flag").content[0] === 0xff;
    if (critical && !KNOWN.has(name)) untrusted("the certificate has a critical extension that is not known here");
    readExtension(name, parts.at(-1).expect(TAG.octets, "extension").content, found);
  }
  return found;
}

function readExtension(name, bytes, found) {
  if (!KNOWN.has(name) || name === "2.5.29.14" || name === "2.5.29.35") return;
  const inner = readDer(bytes);
  if (name === OID.basicConstraints) {
    const [first, second] = inner.expect(TAG.sequence, "basic constraints").children();
    found.ca = first?.tag === TAG.boolean && first.content[0] === 0xff;
    if (second !== undefined) found.pathLength = readInteger(second);
  } else if (name === OID.keyUsage) {
    found.keyUsage = readBits(inner, null)[0] ?? 0;
  } else if (name === OID.extendedKeyUsage) {
    found.purposes = inner.expect(TAG.sequence, "key usage").children().map(readOid);
  } else if (name === OID.subjectAltName) {
    for (const item of inner.expect(TAG.sequence, "names").children()) {
      if (item.tag === URI_TAG) found.uris.push(String.fromCharCode(...item.content));
    }
  } else if (name === OID.houseMadeKey) {
    found.houseMadeKey = inner.tag === TAG.nothing && inner.content.length === 0;
  }
}

/** The 64 bytes r || s of an ECDSA signature in DER; null of any other bytes. */
function fixedSignature(der) {
  try {
    const parts = readDer(der).expect(TAG.sequence, "signature").children();
    const numbers = parts.map(readInteger);
    if (numbers.length !== 2 || numbers.some((n) => n.length > 32)) return null;
    const out = new Uint8Array(64);
    out.set(numbers[0], 32 - numbers[0].length);
    out.set(numbers[1], 64 - numbers[1].length);
    return out;
  } catch {
    return null;
  }
}

async function signedBy(certificate, ca) {
  const signature = fixedSignature(certificate.signature);
  if (signature === null || ca.key.kind !== "p256") return false;
  const key = await importP256(ca.key.bytes);
  return key !== null && verifyDigestP256(key, signature, certificate.signed);
}

/** Checks that a certificate is a CA of this format, whatever the time. Throws `Wrong`. */
export async function checkCa(ca) {
  const may = ca.keyUsage === null ? 0 : ca.keyUsage;
  if (ca.ca !== true || (may & 0x06) !== 0x06) untrusted("the CA certificate is not one of a CA");
  if (ca.pathLength !== undefined && ca.pathLength.length > 1) untrusted("the CA certificate is not one of a CA");
  if (!same(ca.issuer, ca.subject) || !(await signedBy(ca, ca))) untrusted("the CA certificate has not signed itself");
}

/** Checks that a leaf was issued by the CA and is for one purpose, and gives what its one URI says after the scheme. */
export async function checkLeaf(leaf, ca, purpose) {
  if (!same(leaf.issuer, ca.subject) || !(await signedBy(leaf, ca))) untrusted("the certificate is not of the CA that you trust");
  if (leaf.ca !== false) untrusted("the certificate is not one of a person or key");
  if (leaf.purposes.length !== 1 || leaf.purposes[0] !== purpose) untrusted("the certificate is for another purpose");
  if (leaf.uris.length !== 1 || !leaf.uris[0].startsWith("gavel://")) untrusted("the certificate does not have exactly one name");
  return leaf.uris[0].slice("gavel://".length).split("/");
}

/** Checks a certificate's and its CA's dates at a time in milliseconds. Throws `Wrong`. */
export function checkDates(leaf, ca, time) {
  const second = Math.floor(time / 1000);
  for (const [certificate, what] of [[leaf, "the certificate"], [ca, "the CA certificate"]]) {
    if (second < certificate.notBefore) throw new Wrong("certificate-time", `${what} was not yet valid`);
    if (second > certificate.notAfter) throw new Wrong("certificate-time", `${what} had expired`);
  }
}

/** Checks a sealing certificate for a house and sale; its dates are the caller's. Throws `Wrong`. */
export async function checkSealer(leaf, ca, house, sale) {
  const parts = await checkLeaf(leaf, ca, OID.sealing);
  if (leaf.key.kind !== "ed25519") untrusted("the sealing certificate does not hold an Ed25519 key");
  if (parts.length !== 3 || parts[1] !== "sealer") untrusted("the certificate is not a sealer's");
  if (parts[0] !== house) untrusted("the certificate is of another house");
  if (parts[2] !== sale) untrusted("the certificate is of another sale");
}

/** Checks a person's certificate and gives role and name. Throws `Wrong`. */
export async function checkPerson(leaf, ca, house) {
  const parts = await checkLeaf(leaf, ca, OID.clientAuth);
  if (leaf.key.kind !== "p256") untrusted("the certificate does not hold a P-256 key");
  const [of, role, name] = parts;
  if (parts.length !== 3 || !/^[a-z0-9][a-z0-9_-]{0,31}$/.test(name)) untrusted("the certificate names no person");
  if (!/^(?:auctioneer|auditor|bidder|clerk|observer)$/.test(role)) untrusted("the certificate names no role");
  if (of !== house) untrusted("the certificate is of another house");
  return { role, name };
}

/** The DER of the certificates in a PEM text. */
export function readPem(text) {
  const found = [];
  const blocks = /-----BEGIN CERTIFICATE-----([\sA-Za-z0-9+/=]*)-----END CERTIFICATE-----/g;
  for (const block of text.matchAll(blocks)) {
    const der = fromBase64(block[1].replace(/\s/g, ""));
    if (der !== null) found.push(der);
  }
  return found;
}
