// Holds this verifier against gavel's own: both audit the same ledgers, mutated at random, and must find the same.
//
//   node verifier/agree.mjs GAVEL LEDGER CA [N] [SEED]
//
// GAVEL is the program, CA what its --trust takes. A third of the mutations are of raw bytes and lines; in the others an
// entry's values are edited, or lines left out, doubled and exchanged, and then the chain is mended, or everything is
// signed anew with keys of our own. Every disagreement in verdict, finding or line is printed; exit 1 if there is one.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Keys, resign } from "./resign.mjs";
import { readTrust, verify } from "./verify.mjs";

const [gavel, ledgerPath, trustPath, count = "100", seed = "1"] = process.argv.slice(2);
if (trustPath === undefined) {
  console.error("usage: node agree.mjs GAVEL LEDGER CA [N] [SEED]");
  process.exit(2);
}
const trust = readTrust(trustPath.startsWith("sha256:") ? trustPath : readFileSync(trustPath, "utf8"));
const original = readFileSync(ledgerPath);
const originalLines = original.toString("latin1").split("\n").slice(0, -1);
const folder = mkdtempSync(join(tmpdir(), "agree-"));

/** A seeded generator (mulberry32): the same mutations for the same seed everywhere. */
let state = Number(seed) >>> 0;
function random() {
  state = (state + 0x6d2b79f5) >>> 0;
  let t = state;
  t = Math.imul(t ^ (t >>> 15), t | 1);
  t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
}
const below = (n) => Math.floor(random() * n);
const pick = (items) => items[below(items.length)];

const join0 = (lines) => Buffer.from(lines.map((line) => `${line}\n`).join(""), "latin1");
const splice = (from, remove, ...insert) => {
  const lines = [...originalLines];
  lines.splice(from, remove, ...insert);
  return lines;
};
const anyLine = () => below(originalLines.length);

const RAW = {
  flip() {
    const bytes = Buffer.from(original);
    bytes[below(bytes.length)] ^= 1 << below(8);
    return bytes;
  },
  set() {
    const bytes = Buffer.from(original);
    bytes[below(bytes.length)] = pick([0, 10, 13, 32, 34, 44, 45, 48, 49, 58, 65, 91, 92, 93, 97, 123, 125, 127, 195, 255]);
    return bytes;
  },
  remove() {
    const at = below(original.length);
    return Buffer.concat([original.subarray(0, at), original.subarray(at + 1 + below(3))]);
  },
  insert() {
    const at = below(original.length);
    const piece = pick(["0", " ", "\n", "\r", "{", "}", '"', ",", "\\", "\\u0041", "null", "-", "\u00e9", "\u202e", "\u0085", "\0"]);
    return Buffer.concat([original.subarray(0, at), Buffer.from(piece), original.subarray(at)]);
  },
  cut: () => original.subarray(0, below(original.length)),
  cutAtLine: () => join0(originalLines.slice(0, anyLine())),
  append: () => Buffer.concat([original, Buffer.from(pick(["x", "\n", "{", '{"body"', "\0\0", " ", '{"body":{}}\n', "[]\n"]))]),
  removeLine: () => join0(splice(anyLine(), 1)),
  doubleLine() {
    const at = anyLine();
    return join0(splice(at, 0, originalLines[at]));
  },
  moveLine: () => join0(splice(anyLine(), 0, originalLines[anyLine()])),
  swapLines() {
    const at = below(originalLines.length - 1);
    return join0(splice(at, 2, originalLines[at + 1], originalLines[at]));
  },
  editLine: () => join0(edited()),
  editTwoLines: () => join0(edited(edited())),
};

const MENDED = {
  removeLine: () => splice(anyLine(), 1),
  doubleLine() {
    const at = anyLine();
    return splice(at, 0, originalLines[at]);
  },
  moveLine: () => splice(anyLine(), 0, originalLines[anyLine()]),
  swapLines() {
    const at = below(originalLines.length - 1);
    return splice(at, 2, originalLines[at + 1], originalLines[at]);
  },
  cutAtLine: () => originalLines.slice(0, 1 + anyLine()),
  edit: () => edited(),
  edit2: () => edited(),
  edit3: () => edited(),
};

const text = (line) => Buffer.from(line, "latin1").toString("utf8");
const line1 = (value) => Buffer.from(write(value), "utf8").toString("latin1");

/** The lines with one value of one entry replaced, left out, or added. */
function edited(lines = originalLines) {
  const at = below(lines.length);
  const line = JSON.parse(text(lines[at]));
  const places = [];
  const collect = (value) => {
    for (const key of Object.keys(value)) {
      places.push([value, key]);
      if (value[key] !== null && typeof value[key] === "object") collect(value[key]);
    }
  };
  collect(line);
  const [holder, key] = pick(places);
  const kind = below(10);
  if (kind === 0 && !Array.isArray(holder)) delete holder[key];
  else if (kind === 1 && !Array.isArray(holder)) holder[pick(["act", "ends_at", "lot", "reserve_met", "sig", "zz"])] = another(holder[key]);
  else holder[key] = another(holder[key], key);
  const out = [...lines];
  out[at] = line1(line);
  return out;
}

function another(value, key) {
  const other = JSON.parse(text(pick(originalLines)));
  if (typeof value === "number") return pick([0, 1, value + 1, Math.max(0, value - 1), value * 2, 5, 2 ** 53 - 1, value + 10_000]);
  if (typeof value === "boolean") return !value;
  if (typeof value === "string") {
    const elsewhere = other.body[key] ?? other[key];
    if (typeof elsewhere === "string" && random() < 0.5) return elsewhere;
    const at = below(value.length || 1);
    return pick([value.slice(0, at) + pick(["a", "0", "-", "A", "="]) + value.slice(at + 1), value.slice(1), "", "1", "bidder", "alice"]);
  }
  return pick([[], {}, 1, "x"]);
}

function write(value) {
  if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${write(value[key])}`).join(",")}}`;
}

function mend(lines) {
  let prev = "0".repeat(64);
  return lines.map((each, seq) => {
    const value = JSON.parse(text(each));
    const line = line1({ ...value, seq, prev });
    prev = createHash("sha256").update(line, "latin1").digest("hex");
    return line;
  });
}

const keys = new Keys();
const parsed = () => originalLines.map((line) => JSON.parse(text(line)));

/** A mended mutation, signed anew. */
function signed(lines) {
  const known = new Map(originalLines.map((line, seq) => [line, seq]));
  const seen = new Set();
  const entries = lines.map((line, at) => {
    // An edited line is the one that stood there.
    let was = known.get(line) ?? (lines.length === originalLines.length ? at : undefined);
    if (seen.has(was)) was = undefined;
    seen.add(was);
    return { ...JSON.parse(text(line)), was };
  });
  return resign(entries, parsed(), keys, write);
}

function oracle(bytes, trusted) {
  const path = join(folder, "ledger.jsonl");
  writeFileSync(path, bytes);
  return new Promise((resolve, reject) => {
    execFile(gavel, ["verify", path, "--trust", trusted, "--json"], { maxBuffer: 1 << 28 }, (error, out) => {
      try {
        resolve(JSON.parse(out));
      } catch {
        reject(error ?? new Error("gavel printed no JSON"));
      }
    });
  });
}

const listed = (report) => report.findings.map(({ code, name, line }) => `${code} ${name} ${line ?? "-"}`).sort();

let disagreements = 0;
for (let round = 0; round < Number(count); round++) {
  const before = state;
  const how = pick(["raw", "mended", "signed"]);
  const kind = pick(Object.keys(how === "raw" ? RAW : MENDED));
  let trusted = trustPath;
  let anchor = trust;
  let bytes;
  if (how === "signed") {
    const made = await signed(MENDED[kind]());
    bytes = made.bytes;
    anchor = { fingerprint: made.fingerprint };
    trusted = `sha256:${made.fingerprint}`;
  } else {
    bytes = how === "raw" ? RAW[kind]() : join0(mend(MENDED[kind]()));
  }
  const [theirs, ours] = await Promise.all([oracle(bytes, trusted), verify(bytes, { trust: anchor }).catch((error) => ({ findings: [], verdict: `${error.stack}` }))]);
  const [a, b] = [listed(theirs), listed(ours)];
  const agree =
    theirs.verdict === ours.verdict && a.join() === b.join() && theirs.findings_unlisted === (ours.findings_unlisted ?? 0) &&
    theirs.file.lines === ours.file?.lines;
  if (agree) continue;
  disagreements += 1;
  const only = (mine, other) => mine.filter((each) => !other.includes(each)).slice(0, 4).join("; ") || "nothing";
  console.log(`round ${round}, state ${before}, ${how} ${kind}`);
  console.log(`  gavel ${theirs.verdict}, ${theirs.file.lines} lines, ${a.length}+${theirs.findings_unlisted}, alone: ${only(a, b)}`);
  console.log(`  here  ${ours.verdict}, ${ours.file?.lines} lines, ${b.length}+${ours.findings_unlisted ?? 0}, alone: ${only(b, a)}`);
  for (const each of theirs.findings) if (only(a, b).includes(`${each.name} ${each.line}`)) console.log(`    gavel: ${each.detail.slice(0, 160)}`);
  for (const each of ours.findings) if (only(b, a).includes(`${each.name} ${each.line}`)) console.log(`    here:  ${each.detail.slice(0, 160)}`);
  if (process.env.AGREE_KEEP) writeFileSync(join(process.env.AGREE_KEEP, `${before}.jsonl`), bytes);
  if (process.env.AGREE_KEEP) writeFileSync(join(process.env.AGREE_KEEP, `${before}.trust`), trusted);
}
rmSync(folder, { recursive: true });
console.log(`${count} mutations, ${disagreements} disagreements`);
process.exitCode = disagreements === 0 ? 0 : 1;
