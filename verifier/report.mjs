// What the audit came to, in words: verdict, findings, what was checked, and what was not.

import { toHex } from "./bytes.mjs";
import { sha256 } from "./sha256.mjs";

const CODES = {
  empty: 101, torn: 102, utf8: 103, canonical: 104, charset: 105, "duplicate-key": 106, schema: 107, number: 108, limit: 109,
  seq: 110, hash: 111, untrusted: 201, signature: 202, seal: 203, root: 204, unsealed: 205, "certificate-time": 301,
  enrolment: 302, roster: 303, revoked: 304, "bid-signature": 305, "reused-n": 306, head: 307, unsigned: 308, crl: 309,
  increment: 401, rule: 402, extension: 403, time: 404, winner: 405, rules: 406, items: 407, unclosed: 408, closed: 409,
  role: 410, order: 411, totals: 412, refusal: 413, outage: 414, clock: 415, reserve: 416, truncated: 501, fork: 502,
  receipt: 503, checkpoint: 504, results: 505, policy: 506,
};
const INCOMPLETE = new Set("empty torn unclosed unsealed receipt checkpoint policy".split(" "));
const EXIT = { valid: 0, invalid: 1, incomplete: 3 };

// A ledger that was changed once has findings on every later line; these tell no more than the first ones.
const LISTED_OF_A_KIND_MAX = 25;

function list(found) {
  const counts = new Map();
  const findings = [];
  for (const { name, line, detail } of found) {
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    if (count > LISTED_OF_A_KIND_MAX) continue;
    findings.push({ code: `GV-${CODES[name]}`, name, line, detail, wrong: !INCOMPLETE.has(name) });
  }
  return findings;
}

export function makeReport(audit, bytes) {
  const findings = list(audit.findings);
  const verdict = findings.some((each) => each.wrong) ? "invalid" : findings.length > 0 ? "incomplete" : "valid";
  return {
    verdict,
    exit_code: EXIT[verdict],
    findings,
    findings_unlisted: audit.findings.length - findings.length,
    file: { bytes: bytes.length, lines: audit.tree.size, sha256: toHex(sha256(bytes)) },
  };
}

/** The report as text. Nothing in it can turn a terminal: what comes from the ledger are names of a narrow alphabet. */
export function describe(report) {
  const lines = [report.verdict.toUpperCase(), ""];
  for (const { code, name, line, detail } of report.findings) {
    lines.push(`  ${code} ${name}${line === null ? "" : `, line ${line}`}: ${printable(detail)}`);
  }
  return lines.join("\n");
}

const printable = (text) => text.replace(/[^\u0020-\u007e]/g, "?");
