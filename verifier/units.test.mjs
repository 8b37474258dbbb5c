// The parts, each against values from outside: RFC 6962 trees, RFC 8032 keys, WebCrypto's digest, certificates of the example.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";
import { webcrypto } from "node:crypto";

import { concat, fromBase64, fromHex, same, toBase64, toHex, utf8 } from "./bytes.mjs";
import { Wrong, checkBeginning, readCanonical, writeCanonical } from "./canonical.mjs";
import { checkCa, checkDates, checkPerson, checkSealer, readCertificate } from "./certificate.mjs";
import { readDer, readOid, readTime } from "./der.mjs";
import { makePage } from "./inline.mjs";
import { isStrictPoint, verifyEd25519, verifyP256 } from "./keys.mjs";
import { sha256 } from "./sha256.mjs";
import { Tree, included, leafHash } from "./tree.mjs";
import { readTrust, verify } from "./verify.mjs";

const FORMAT = readFileSync(new URL("../docs/ledger-format.md", import.meta.url), "utf8");
const EXAMPLE = /```jsonl\n([^`]*)```/.exec(FORMAT)[1];
const OPEN = JSON.parse(EXAMPLE.split("\n")[0]);
const CA = fromBase64(OPEN.body.ca);
const TRUST = { fingerprint: toHex(sha256(CA)) };

const found = (name) => (error) => error instanceof Wrong && error.name === name;
const reads = (text) => readCanonical(utf8(text));

test("SHA-256 is WebCrypto's, over every length around a block and in pieces", async () => {
  for (let length = 0; length < 200; length++) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 255);
    const expected = toHex(new Uint8Array(await webcrypto.subtle.digest("SHA-256", bytes)));
    assert.equal(toHex(sha256(bytes)), expected);
    assert.equal(toHex(sha256(bytes.subarray(0, length / 3), bytes.subarray(length / 3))), expected);
  }
});

test("base64 and hex have one form", () => {
  for (const text of ["", "AA==", "AAA=", "AAAA", "+/+/"]) assert.equal(toBase64(fromBase64(text)), text);
  for (const text of ["A", "AA", "AA=", "AB==", "AAB=", "A A=", "AA==AA==", "-_-_", "AA==\n"]) assert.equal(fromBase64(text), null);
  assert.equal(fromHex("0G"), null);
  assert.equal(fromHex("AB"), null);
});

test("a value has exactly one text", () => {
  const good = '{"a":[1,"x\\"\\\\",true,{}],"b":9007199254740991,"c_d":""}';
  assert.equal(writeCanonical(reads(good)), good);
  for (const [text, name] of [
    ['{"a":1,"a":2}', "duplicate-key"], ['{"b":1,"a":2}', "canonical"], ['{"a": 1}', "canonical"], ['{"a":1} ', "canonical"],
    ['{"a":-0}', "number"], ['{"a":01}', "number"], ['{"a":1e2}', "number"], ['{"a":1.0}', "number"],
    ['{"a":9007199254740992}', "number"], ['{"a":null}', "schema"], ["[]", "schema"], ['{"A":1}', "schema"],
    ['{"a":"\\u0041"}', "canonical"], ['{"a":"\\/"}', "canonical"], ['{"a":"\\n"}', "charset"], ['{"a":"\u202e"}', "charset"],
    ['{"a":"\u0085"}', "charset"], ['{"sale":"\u00e9"}', "charset"], ['{"prev":"AB"}', "canonical"], ['{"a":"\u0000"}', "canonical"],
    ["", "canonical"], ["{", "canonical"], ['\ufeff{"a":1}', "canonical"],
    [`{"a":"${"x".repeat(1025)}"}`, "limit"], [`{"a":${"[".repeat(8)}${"]".repeat(8)}}`, "limit"],
    [`{"note":"${"x".repeat(4097)}"}`, "limit"],
  ]) {
    assert.throws(() => reads(text), found(name), text);
  }
  assert.equal(reads('{"note":"a\\nb"}').note, "a\nb");
  assert.equal(reads('{"__proto__":1}')["__proto__"], 1);
  assert.throws(() => readCanonical(Uint8Array.of(0x7b, 0xff, 0x7d)), found("utf8"));
  assert.throws(() => readCanonical(concat(utf8('{"a":"'), Uint8Array.of(0xed, 0xa0, 0x80), utf8('"}'))), found("utf8"));
});

test("a torn line is one that could go on", () => {
  for (const text of ["{", '{"bo', '{"a":tr', '{"a":"\\', '{"a":12', '{"a":[1,', '{"a":1}']) checkBeginning(utf8(text));
  for (const text of ["x", "\0", "[", '{"a" ', "{ ", '{"a":1.5', '{"a":1}x']) assert.throws(() => checkBeginning(utf8(text)), Wrong, text);
  checkBeginning(concat(utf8('{"a":"'), Uint8Array.of(0xe2, 0x80)));
});

// The eight inputs and roots that implementations of RFC 6962 test each other with.
const LEAVES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS = [
  "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
  "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
  "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
  "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
  "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
  "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

test("trees are those of RFC 6962, and every inclusion proof leads to its root and no other", () => {
  const tree = new Tree();
  assert.equal(toHex(tree.root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  LEAVES.forEach((leaf, i) => {
    tree.append(leafHash(fromHex(leaf)));
    assert.equal(toHex(tree.root()), ROOTS[i]);
    assert.equal(toHex(tree.rootAt(i + 1)), ROOTS[i]);
  });
  for (let size = 1; size <= 8; size++) {
    for (let index = 0; index < size; index++) {
      const proof = tree.inclusion(index, size);
      const root = fromHex(ROOTS[size - 1]);
      assert.ok(included(tree.leaves[index], index, size, proof, root));
      assert.ok(!included(tree.leaves[index], index, size, [...proof, root], root));
      if (size > 1) assert.ok(!included(tree.leaves[index], (index + 1) % size, size, proof, root));
      if (proof.length > 0) assert.ok(!included(tree.leaves[index], index, size, proof.slice(1), root));
    }
    assert.ok(!included(tree.leaves[0], size, size, [], fromHex(ROOTS[size - 1])));
  }
});

test("the tree's consistency proof is that of the worked example", () => {
  const tree = new Tree();
  for (const line of EXAMPLE.trim().split("\n")) tree.append(leafHash(utf8(line)));
  const expected = /consistency proof from size 5 to size 8:\n\n```text\n([^`]*)```/.exec(FORMAT)[1].trim().split("\n");
  assert.deepEqual(tree.consistency(5, 8).map(toHex), expected);
});

// The points of small order, in canonical and in other encodings.
const WEAK = [
  "0100000000000000000000000000000000000000000000000000000000000000",
  "0100000000000000000000000000000000000000000000000000000000000080",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "0000000000000000000000000000000000000000000000000000000000000000",
  "0000000000000000000000000000000000000000000000000000000000000080",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
  "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
  "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
  "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
  "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
  "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
];

test("Ed25519 refuses what WebCrypto does not", async () => {
  for (const point of WEAK) assert.ok(!isStrictPoint(fromHex(point)), point);
  // R and the key the identity, s = 0: good over any message, if small order is not refused.
  const forged = fromHex(WEAK[0] + "00".repeat(32));
  assert.equal(await verifyEd25519(fromHex(WEAK[0]), forged, utf8("anything")), "never");

  const pair = await webcrypto.subtle.generateKey("Ed25519", true, ["sign", "verify"]);
  const key = new Uint8Array(await webcrypto.subtle.exportKey("raw", pair.publicKey));
  const message = utf8("a bid");
  const signature = new Uint8Array(await webcrypto.subtle.sign("Ed25519", pair.privateKey, message));
  assert.equal(await verifyEd25519(key, signature, message), "good");
  assert.equal(await verifyEd25519(key, signature, utf8("another")), "bad");
  assert.equal(await verifyEd25519(key, new Uint8Array(64), message), "never");
  for (const point of WEAK) assert.equal(await verifyEd25519(key, concat(fromHex(point), signature.subarray(32)), message), "bad");

  // y = 2 is no point of the curve.
  assert.equal(await verifyEd25519(fromHex(`02${"00".repeat(31)}`), signature, message), "never");

  // s + order names the same scalar.
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const number = (bytes) => BigInt(`0x${toHex(Uint8Array.from(bytes).reverse())}`);
  const higher = (number(signature.subarray(32)) + order).toString(16).padStart(64, "0");
  const malleated = concat(signature.subarray(0, 32), fromHex(higher).reverse());
  assert.equal(await verifyEd25519(key, malleated, message), "bad");
});

test("RFC 8032, section 7.1, test 2", async () => {
  const key = fromHex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
  const signature = fromHex(
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da" +
      "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
  );
  assert.equal(await verifyEd25519(key, signature, Uint8Array.of(0x72)), "good");
});

test("ECDSA takes the lower s alone", async () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const pair = await webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const key = new Uint8Array(await webcrypto.subtle.exportKey("raw", pair.publicKey));
  const message = utf8("an enrolment");
  const one = new Uint8Array(await webcrypto.subtle.sign(algorithm, pair.privateKey, message));
  const s = BigInt(`0x${toHex(one.subarray(32))}`);
  const other = concat(one.subarray(0, 32), fromHex((order - s).toString(16).padStart(64, "0")));
  const [low, high] = s <= order / 2n ? [one, other] : [other, one];
  assert.equal(await verifyP256(key, low, message), "good");
  assert.equal(await verifyP256(key, high, message), "never");
  assert.equal(await verifyP256(key, new Uint8Array(64), message), "never");
});

test("DER has one form", () => {
  assert.equal(readOid(readDer(fromHex("06082a8648ce3d040302"))), "1.2.840.10045.4.3.2");
  assert.equal(readTime(readDer(concat(fromHex("170d"), utf8("260531120000Z")))), Date.UTC(2026, 4, 31, 12) / 1000);
  assert.equal(readTime(readDer(concat(fromHex("170d"), utf8("500101000000Z")))), Date.UTC(1950, 0, 1) / 1000);
  for (const bad of ["", "30", "3081", "308100", "30820001ff", "3005", "300000", "1f8100", "3080"]) {
    assert.throws(() => readDer(fromHex(bad)), found("untrusted"), bad);
  }
  for (const bad of ["260231120000Z", "2605311200Z00", "260531120060Z", "260531120000+"]) {
    assert.throws(() => readTime(readDer(concat(fromHex("170d"), utf8(bad)))), found("untrusted"), bad);
  }
});

test("the certificates of the worked example are those of their table, and none is taken for another", async () => {
  const ca = readCertificate(CA);
  await checkCa(ca);
  const sealer = readCertificate(fromBase64(OPEN.body.sealers[0]));
  const enrol = EXAMPLE.split("\n").map((line) => (line === "" ? {} : JSON.parse(line))).find((line) => line.t === "enrol");
  const person = readCertificate(fromBase64(enrol.body.chain[0]));
  await checkSealer(sealer, ca, "meridian", "estate-2026");
  assert.deepEqual(await checkPerson(person, ca, "meridian"), { role: "bidder", name: "alice" });
  await assert.rejects(checkSealer(sealer, ca, "meridian", "estate-2027"), found("untrusted"));
  await assert.rejects(checkSealer(sealer, ca, "other", "estate-2026"), found("untrusted"));
  await assert.rejects(checkSealer(person, ca, "meridian", "estate-2026"), found("untrusted"));
  await assert.rejects(checkPerson(sealer, ca, "meridian"), found("untrusted"));
  await assert.rejects(checkCa(person), found("untrusted"));
  checkDates(person, ca, person.notAfter * 1000 + 999);
  assert.throws(() => checkDates(person, ca, person.notAfter * 1000 + 1000), found("certificate-time"));
  assert.throws(() => checkDates(person, ca, person.notBefore * 1000 - 1), found("certificate-time"));
  const changed = Uint8Array.from(person.der);
  changed[changed.length - 1] ^= 1;
  await assert.rejects(checkPerson(readCertificate(changed), ca, "meridian"), found("untrusted"));
});

test("no byte of a certificate can be cut or lost without a finding", () => {
  for (let length = 0; length < CA.length; length++) {
    assert.throws(() => readCertificate(CA.subarray(0, length)), found("untrusted"));
  }
});

test("the worked example of the format is valid, in one piece and in many", async () => {
  const bytes = utf8(EXAMPLE);
  const report = await verify(bytes, { trust: TRUST });
  assert.deepEqual([report.verdict, report.findings], ["valid", []]);
  const pieces = Array.from({ length: bytes.length }, (_, i) => bytes.subarray(i, i + 1));
  assert.deepEqual(await verify(pieces, { trust: TRUST }), report);
  assert.deepEqual(report.lots, [{ lot: "3", name: "10 CGPA", state: "closed", outcome: "sold", price: 1001, winner: "alice", paddle: undefined }]);
});

test("its receipt agrees, and convicts a ledger that was cut", async () => {
  const receipt = /Her receipt for line 6:\n\n```text\n([^`]*)```/.exec(FORMAT)[1];
  const report = await verify(utf8(EXAMPLE), { trust: TRUST, receipts: [receipt] });
  assert.equal(report.verdict, "valid");
  assert.match(report.unchecked[0], /after the first 8 lines/);
  const cut = EXAMPLE.split("\n").slice(0, 6).map((line) => `${line}\n`).join("");
  const shorter = await verify(utf8(cut), { trust: TRUST, receipts: [receipt] });
  assert.deepEqual(shorter.findings.map(({ name, line }) => [name, line]), [["unclosed", null], ["truncated", 6]]);
});

test("no single bit of the worked example can be flipped without a finding", async () => {
  const bytes = utf8(EXAMPLE);
  for (let at = 0; at < bytes.length; at += 37) {
    const changed = Uint8Array.from(bytes);
    changed[at] ^= 1 << at % 7;
    const report = await verify(changed, { trust: TRUST });
    assert.notEqual(report.verdict, "valid", `byte ${at}`);
  }
});

test("trust is a fingerprint or one certificate", () => {
  const pem = `junk\n-----BEGIN CERTIFICATE-----\n${toBase64(CA)}\n-----END CERTIFICATE-----\n`;
  assert.deepEqual(readTrust(pem), TRUST);
  assert.deepEqual(readTrust(`sha256:${TRUST.fingerprint}`), TRUST);
  for (const text of ["", "sha256:00", pem + pem, TRUST.fingerprint]) assert.equal(readTrust(text), null);
});

test("verify.html is what inline.mjs makes", () => {
  const page = readFileSync(new URL("verify.html", import.meta.url), "utf8");
  assert.ok(page === makePage(), "run node verifier/inline.mjs");
  assert.ok(!/innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|fetch\(|XMLHttpRequest/.test(page));
  assert.ok(same(sha256(utf8(page)), sha256(utf8(makePage()))));
});
