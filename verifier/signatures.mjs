// What people sign (section 5): enrolments, bids and acts.

import { fromBase64, fromHex, utf8 } from "./bytes.mjs";
import { Wrong, writeCanonical } from "./canonical.mjs";
import { readCertificate } from "./certificate.mjs";
import { verifyEd25519, verifyP256 } from "./keys.mjs";

function readLeaf(body) {
  try {
    return readCertificate(fromBase64(body.chain[0]));
  } catch {
    return undefined;
  }
}

/** What the two signatures of an enrolment are, the certificate's first; undefined where there is no key to check them by. */
export async function checkEnrolment(body, saleHash) {
  const leaf = readLeaf(body);
  if (leaf === undefined || leaf.key.kind !== "p256") return undefined;
  const { bid_key, bidder, role } = body;
  const statement = writeCanonical({ bid_key, bidder, cert: leaf.fingerprint, role, sale_hash: saleHash });
  return Promise.all([
    verifyP256(leaf.key.bytes, fromBase64(body.cert_sig), utf8(`gavel/enrol/v1\n${statement}`)),
    verifyEd25519(fromHex(bid_key), fromBase64(body.bid_sig), utf8(`gavel/enrol-bidkey/v1\n${statement}`)),
  ]);
}

/** Holds what `checkEnrolment` gave to what must be. Throws `Wrong`. */
export function holdEnrolment(answers) {
  // The bid key first: where both are wrong, it is the one that is named.
  [["the bid key", 1], ["the certificate's key", 0]].forEach(([who, i]) => {
    if (answers[i] === "never") throw new Wrong("signature", `${who} has not signed: a key or signature that is never right`);
    if (answers[i] !== "good") throw new Wrong("enrolment", `${who} has not signed this enrolment`);
  });
}

/** Whether an accepted or refused bid or act is signed by the key that it names: `good`, `bad` or `never`. */
export async function checkStatement(body) {
  const domain = body.act === undefined ? "gavel/bid/v1\n" : "gavel/act/v1\n";
  const statement = body.act ?? body.bid;
  return verifyEd25519(fromHex(statement.bid_key), fromBase64(body.sig), utf8(domain + writeCanonical(statement)));
}
