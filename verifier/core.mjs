// The door of the second verifier: what node, the page and the tests share.
//
// `verify(ledger, anchors, options)` is pure: it reads nothing but its arguments, and no clock. It was written from
// docs/ledger-format.md, and shares no line with gavel.
import { concat, toHex } from "./bytes.mjs";
import { Audit } from "./audit.mjs";
import { readPem } from "./certificate.mjs";
import { Held, Unreadable, readHeldCheckpoint, readReceipt } from "./held.mjs";
import { readPolicy } from "./policy.mjs";
import { makeReport } from "./report.mjs";
import { sha256 } from "./sha256.mjs";

export { Unreadable };

/** What is trusted: the fingerprint of a CA, from the text of a PEM file or `sha256:HEX`; null where it is neither. */
export function readTrust(text) {
  const given = /^sha256:([0-9a-fA-F]{64})$/.exec(text.trim());
  if (given !== null) return { fingerprint: given[1].toLowerCase() };
  const certificates = readPem(text);
  return certificates.length === 1 ? { fingerprint: toHex(sha256(certificates[0])) } : null;
}

/**
 * Audits a ledger.
 *
 * `ledger`: its bytes, or an array of pieces. `anchors`: {trust, receipts?, checkpoints?, policy?}; `trust` is what
 * `readTrust` gave, the others are texts. `progress`: called with {bytes, of, lines}, and awaited.
 * Throws `Unreadable` for an anchor that is not what it was given for.
 */
export async function verify(ledger, anchors, { progress } = {}) {
  const bytes = Array.isArray(ledger) ? concat(...ledger) : ledger;
  const given = {
    receipts: (anchors.receipts ?? []).map(readReceipt),
    checkpoints: (anchors.checkpoints ?? []).map(readHeldCheckpoint),
    policy: anchors.policy === undefined ? undefined : readPolicy(anchors.policy),
  };
  const audit = new Audit(anchors.trust);
  await audit.run(bytes, progress);
  const held = new Held();
  if (audit.judging && audit.tree.size > 0) await held.judge(audit, given);
  return makeReport(audit, held, given.policy, bytes);
}
