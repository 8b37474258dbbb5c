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

/** The report of an audit that has come to its end. */
export function makeReport(audit, held, policy, bytes) {
  const findings = list(audit.findings);
  const verdict = audit.findings.some(({ name }) => !INCOMPLETE.has(name)) ? "invalid" : findings.length > 0 ? "incomplete" : "valid";
  return {
    verdict,
    exit_code: EXIT[verdict],
    ca: `sha256:${audit.trust.fingerprint}`,
    file: { bytes: bytes.length, lines: audit.tree.size, sha256: toHex(sha256(bytes)) },
    sale: audit.open === undefined ? null : { house: audit.open.house, sale: audit.open.sale, sale_hash: audit.saleHash },
    findings,
    findings_unlisted: audit.findings.length - findings.length,
    lots: verdict === "invalid" ? null : lotsOf(audit),
    checked: checkedOf(audit, held),
    unchecked: uncheckedOf(audit, held, policy),
  };
}

/** What each lot came to; null where an audit cannot say it. */
function lotsOf(audit) {
  if (audit.sale === null || !audit.replaying) return null;
  return audit.sale.lots.map((lot) => ({ lot: lot.id, name: lot.body.name, state: lot.state, ...lot.outcome }));
}

const number = (count, one, many = `${one}s`) => `${count} ${count === 1 ? one : many}`;

function checkedOf({ counts, tree, sale, open, sealer, replaying }, { agreed, quorum }) {
  const said = [`${number(tree.size, "line")}: canonical form, number, hash of the one before, time`];
  if (sealer === undefined) return said;
  said.push("the sealing certificate: issued by your CA, for this house and sale");
  said.push(`${number(counts.seals, "seal")}: signature, and root over every line before`);
  said.push(`${number(counts.enrolments, "enrolment")}: certificate chain at its time, both signatures, one key for each name`);
  said.push(`${number(counts.signedBids, "accepted signed bid")}: signature, number, the head that the bidder saw`);
  if (counts.acts > 0) said.push(`${number(counts.acts, "staff act")}: signature, number, the head that was seen, role and reason`);
  if (counts.refusals > 0) said.push(`${number(counts.refusals, "recorded refusal")}: signature, and that refusing was right`);
  if (sale !== null) {
    const how = replaying ? "each time, end, winner and price" : "as far as the rules could follow";
    said.push(`the sale: ${number(open.lot_count, "lot")} replayed by the rules, ${how}`);
  }
  if (agreed.receipts > 0) said.push(`${number(agreed.receipts, "receipt")}: this ledger agrees`);
  if (agreed.checkpoints > 0) said.push(`${number(agreed.checkpoints, "checkpoint")}: this ledger agrees`);
  if (quorum !== undefined) {
    const by = [...quorum.by].map(([name, seconds]) => `${name} (${new Date(seconds * 1000).toISOString()})`).join(", ");
    said.push(`the policy's quorum: the first ${quorum.size} lines are cosigned by ${by}`);
  }
  return said;
}

function uncheckedOf(audit, held, policy) {
  const said = [outsideOf(audit, held)];
  if (policy === undefined) said.push("no policy was given: no independent witness was required");
  else if (policy.quorum === "none") said.push("the policy given requires no witness");
  else said.push("whether the policy's witnesses are independent of the house and of each other");
  said.push("no revocation list was given: a revocation that the house kept out of the ledger is not seen");
  said.push("no items file was given: that the catalogue is the one the bidders were shown is not checked");
  said.push(...onTheHousesWord(audit));
  said.push("bids that were refused or delayed before they got a receipt: their senders keep them signed");
  said.push("whether two bidders are one person, or the house's friend");
  said.push("a second certificate under a name that never bid, and the use of a stolen key");
  said.push("that a certificate key without the house's mark was made by its holder: the house sets the mark");
  said.push("the times inside the sale, and whatever hangs on them, beyond what the heads in bids show");
  return said;
}

function outsideOf({ tree }, { reach, quorum }) {
  if (quorum !== undefined && quorum.size >= tree.size - 1) return "another ledger, if the witnesses lied with the house";
  const word = "rests on the house's word that there is no other ledger";
  if (quorum !== undefined) return `what stands after the first ${number(quorum.size, "line")}, which the witnesses saw, ${word}`;
  if (reach === 0) return "no receipt and no witness was given: another ledger may exist";
  if (reach >= tree.size - 1) return "no witness was given: what you hold reaches to the end, others may hold another ledger";
  return `no witness was given: what stands after the first ${number(reach, "line")} ${word}`;
}

function onTheHousesWord({ counts, onTheHousesWord: word, roster }) {
  const said = [];
  const say = (count, one, rest) => {
    if (count > 0) said.push(`${number(count, one)}${rest}`);
  };
  say(counts.attestedBids, "bid", " without a signature: the house's word");
  say(counts.roomBids, "room bid", ": signed by staff, who say that somebody in the room made them");
  say(roster?.houseMade.size ?? 0, "person", " whose key the house made: it could have signed for them");
  say(counts.counted, "refusal", " only counted: the house's word");
  say(word.reused, "refusal", " of a number that only a count has used: the house's word");
  say(word.reserve, "refusal", " of a lower reserve: the house's word that it was not lower");
  return said;
}

/** The report as text. */
export function describe(report) {
  const lines = [report.verdict.toUpperCase(), "", `  trusted CA  ${report.ca}`, `  file        ${report.file.sha256}`, ""];
  for (const { code, name, line, detail } of report.findings) {
    lines.push(`  ${code} ${name}${line === null ? "" : `, line ${line}`}: ${detail}`);
  }
  if (report.findings_unlisted > 0) lines.push(`  and ${report.findings_unlisted} more of these kinds`);
  if (report.findings.length > 0) lines.push("");
  for (const lot of report.lots ?? []) {
    const to = lot.winner ?? (lot.paddle === undefined ? undefined : `paddle ${lot.paddle}`);
    const sold = lot.outcome === "sold" ? ` to ${to} for ${lot.price} minor units` : "";
    lines.push(`  lot ${lot.lot}, ${lot.name}: ${lot.outcome ?? lot.state}${sold}`);
  }
  const section = (title, items) => lines.push("", `  ${title}`, ...items.map((item) => `  - ${item}`));
  section("checked", report.checked);
  section("not checked", report.unchecked);
  return lines.map(printable).join("\n");
}

// What comes from a ledger must not steer a terminal.
const printable = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "?");
