// Signatures: Ed25519 checked strictly, and ECDSA P-256 with low s, as section 5 wants them.
//
// WebCrypto leaves open what the format does not: it takes keys of small order, under which anybody can sign anything. So
// what can be seen from the bytes is looked at here first. WebCrypto itself compares the encoding of the point that it
// computes with R, without cofactor; an R in another encoding can never come out of that.

import { fromHex, toHex } from "./bytes.mjs";

const subtle = (globalThis.crypto ?? (await import("node:crypto")).webcrypto).subtle;

const P = 2n ** 255n - 19n;
const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

// The y of the eight points whose order divides 8; each but the first two stands for two points, x and -x.
const SMALL_ORDER_Y = new Set([
  1n,
  P - 1n,
  0n,
  littleEndian(fromHex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05")),
  littleEndian(fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a")),
]);

function littleEndian(bytes) {
  return BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
}

function yOf(point) {
  const bytes = Uint8Array.from(point);
  bytes[31] &= 0x7f;
  return littleEndian(bytes);
}

/** Whether 32 bytes can be a point of this format: in canonical encoding, and of no small order. */
export function isStrictPoint(point) {
  const y = yOf(point);
  return y < P && !SMALL_ORDER_Y.has(y);
}

function power(base, exponent) {
  let result = 1n;
  for (let b = base % P, e = exponent; e > 0n; e >>= 1n, b = (b * b) % P) if (e & 1n) result = (result * b) % P;
  return result;
}

/** Whether there is a point of that y: x^2 = (y^2 - 1) / (d y^2 + 1) has a root (RFC 8032, 5.1.3). */
function isOnCurve(point) {
  const d = ((P - 121665n) * power(121666n, P - 2n)) % P;
  const square = (yOf(point) ** 2n) % P;
  const x2 = ((square - 1n + P) * power(d * square + 1n, P - 2n)) % P;
  return power(x2, (P - 1n) / 2n) === 1n;
}

const imported = new Map();

/** A public key, imported once; null if WebCrypto does not take it. */
function importOnce(kind, bytes, algorithm) {
  const name = `${kind}:${toHex(bytes)}`;
  let key = imported.get(name);
  if (key === undefined) {
    if (imported.size >= 4096) imported.clear();
    key = subtle.importKey("raw", bytes, algorithm, false, ["verify"]).catch((error) => {
      if (error.name === "NotSupportedError") throw error;
      return null;
    });
    imported.set(name, key);
  }
  return key;
}

export const importP256 = (bytes) => importOnce("p256", bytes, { name: "ECDSA", namedCurve: "P-256" });

/** ECDSA P-256 with SHA-256 over a message; any s. */
export function verifyDigestP256(key, signature, message) {
  return subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, signature, message);
}

/**
 * What a signature is: `good`, `bad`, or `never` for one that could not be right over any message.
 * Ed25519 by RFC 8032, strictly.
 */
export async function verifyEd25519(publicKey, signature, message) {
  if (!isStrictPoint(publicKey) || signature.every((byte) => byte === 0)) return "never";
  const strict = isStrictPoint(signature.subarray(0, 32)) && littleEndian(signature.subarray(32)) < ED25519_ORDER;
  if (!strict) return isOnCurve(publicKey) ? "bad" : "never";
  const key = await importOnce("ed25519", publicKey, { name: "Ed25519" });
  if (key !== null && (await subtle.verify({ name: "Ed25519" }, key, signature, message))) return "good";
  return isOnCurve(publicKey) ? "bad" : "never";
}

/** The same for ECDSA P-256 with SHA-256, r || s, with s at most half of the order. */
export async function verifyP256(publicKey, signature, message) {
  const r = BigInt(`0x${toHex(signature.subarray(0, 32))}`);
  const s = BigInt(`0x${toHex(signature.subarray(32))}`);
  if (r === 0n || s === 0n || r >= P256_ORDER || s > P256_ORDER / 2n) return "never";
  const key = await importP256(publicKey);
  if (key === null) return "bad";
  return (await verifyDigestP256(key, signature, message)) ? "good" : "bad";
}
