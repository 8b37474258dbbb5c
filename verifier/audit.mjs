// The audit (section 12): each line in order against seal, certificates, roster and rules, and what was found.
//
// Checking signatures is most of the work, and WebCrypto does it beside us. So the signatures of lines ahead are begun
// while the ones before are judged, within a bounded window.

import { fromBase64, same, toHex, utf8 } from "./bytes.mjs";
import { Wrong, writeCanonical } from "./canonical.mjs";
import { checkCa, checkDates, checkPerson, checkSealer, readCertificate } from "./certificate.mjs";
import { checkBody, misfitOf } from "./form.mjs";
import { isStrictPoint } from "./keys.mjs";
import { checkLine, readCheckpoint, readNote } from "./note.mjs";
import { CODE_FINDINGS, Roster } from "./roster.mjs";
import { Sale, inputOf } from "./rules.mjs";
import { checkEnrolment, checkStatement, holdEnrolment } from "./signatures.mjs";
import { Tree, leafHash } from "./tree.mjs";
import { sha256 } from "./sha256.mjs";
import { walk } from "./walk.mjs";

const AHEAD = 256;
const PROGRESS_EVERY = 256;
const LOTS_MAX = 100_000;

export class Audit {
  findings = [];
  tree = new Tree();
  counts = { seals: 0, enrolments: 0, signedBids: 0, attestedBids: 0, roomBids: 0, acts: 0, refusals: 0, counted: 0 };
  onTheHousesWord = { reused: 0, reserve: 0 };
  revocations = [];
  judging = true; // false once line 0 or the catalogue does not hold: nothing else has a meaning then
  walked = true; // false once the bytes or the chain do not hold
  types = []; // of the last three lines
  lots = [];
  roster = null;
  sale = null;
  replaying = true;
  lastTs = undefined;
  closeLine = undefined;
  beyondTheEnd = false;

  constructor(trust) {
    this.trust = trust; // {fingerprint, ca?}
  }

  find(name, line, detail) {
    this.findings.push({ name, line, detail });
  }

  attempt(line, task) {
    try {
      task();
      return true;
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      this.find(error.name, line, error.detail);
      return false;
    }
  }

  async attemptAsync(line, task) {
    try {
      return await task();
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      this.find(error.name, line, error.detail);
      return undefined;
    }
  }

  async run(bytes, progress) {
    const window = [];
    const source = walk(bytes);
    let read = 0;
    for (;;) {
      while (window.length < AHEAD) {
        const next = source.next();
        if (next.done) break;
        if (next.value.finding === undefined) this.prepare(next.value);
        window.push(next.value);
        // Line 0 gives the sealing key and the sale's hash, on which all later signatures rest.
        if (next.value.seq === 0) break;
      }
      if (window.length === 0) break;
      const entry = window.shift();
      if (entry.finding !== undefined) {
        const { name, line, detail } = entry.finding;
        if (name !== "torn") this.walked = false;
        this.find(name, line, detail);
      } else {
        await this.judge(entry);
        read += entry.bytes.length + 1;
        if (entry.seq % PROGRESS_EVERY === 0) await progress?.({ bytes: read, of: bytes.length, lines: entry.seq + 1 });
      }
    }
    this.finish();
  }

  /** Reads a body and begins to check its signatures. */
  prepare(entry) {
    const { t, body } = entry.line;
    try {
      checkBody(entry.line);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      entry.bodyWrong = error;
      return;
    }
    if (t === "seal" && this.sealer !== undefined) entry.signatures = this.checkSeal(body.note);
    else if (t === "enrol" && body.evidence === "signed") entry.signatures = checkEnrolment(body, this.saleHash);
    else if (body.sig !== undefined) entry.signatures = checkStatement(body);
    entry.signatures?.catch(() => {}); // it is awaited later, where it is thrown
  }

  async checkSeal(note) {
    const read = readNote(note);
    if (read === null) return { wrong: new Wrong("seal", "it is not a signed note") };
    if (read.signatures.length !== 1) return { wrong: new Wrong("seal", "it has not exactly one signature line") };
    const checkpoint = readCheckpoint(read.text);
    if (checkpoint === null) return { wrong: new Wrong("seal", "it is not a checkpoint of three lines") };
    const answer = await checkLine(read.signatures[0], this.origin, this.sealer.key.bytes, read.text);
    return { checkpoint, answer };
  }

  async judge(entry) {
    const { seq, bytes, line } = entry;
    if (seq === 0) {
      await this.begin(entry);
    } else {
      this.judgeTime(line, seq);
      if (this.judging) await this.judgeLine(entry);
    }
    this.tree.append(leafHash(bytes));
    this.types = [...this.types.slice(-2), line.t];
    if (line.ts !== undefined && !(line.ts < this.lastTs)) this.lastTs = line.ts;
  }

  async begin({ line, hash, bodyWrong }) {
    this.saleHash = hash;
    this.judging = false;
    if (line.t !== "open") return this.find("schema", 0, `a ledger begins with an open entry, not with ${line.t}`);
    if (bodyWrong !== undefined) return this.find(bodyWrong.name, 0, bodyWrong.detail);
    this.open = line.body;
    this.openTs = line.ts;
    this.lastTs = line.ts;
    this.judging = (await this.attemptAsync(0, () => this.trustLine0())) === true;
    if (this.judging && this.open.lot_count === 0) this.giveUp("rules", "it announces no lot");
    if (this.judging && this.open.lot_count > LOTS_MAX) this.giveUp("limit", `it announces more than ${LOTS_MAX} lots`);
    return undefined;
  }

  giveUp(name, detail) {
    this.find(name, 0, detail);
    this.judging = false;
  }

  async trustLine0() {
    const { ca, house, sale, sealers } = this.open;
    const der = fromBase64(ca);
    if (toHex(sha256(der)) !== this.trust.fingerprint) {
      throw new Wrong("untrusted", `the ledger names the CA sha256:${toHex(sha256(der))}, not the one that you trust`);
    }
    this.ca = readCertificate(der);
    await checkCa(this.ca);
    const sealer = readCertificate(fromBase64(sealers[0]));
    await checkSealer(sealer, this.ca, house, sale);
    checkDates(sealer, this.ca, this.openTs);
    if (!isStrictPoint(sealer.key.bytes)) throw new Wrong("signature", "the sealing key can never be right");
    this.sealer = sealer;
    this.origin = `${house}/${sale}`;
    this.roster = new Roster(this.open.terms, this.saleHash);
    return true;
  }

  judgeTime({ t, ts }, seq) {
    const lotOfAnotherTime = this.open !== undefined && this.sale === null && t === "lot" && ts !== this.openTs;
    if (ts < this.lastTs || lotOfAnotherTime) {
      this.find("time", seq, lotOfAnotherTime ? "a lot of another time than line 0" : "it is before the line before it");
      this.replaying = false;
    }
  }

  async judgeLine(entry) {
    const { seq, line, bodyWrong } = entry;
    const { t } = line;
    if (this.sale === null) {
      this.catalogue(entry);
      return;
    }
    this.shape(entry);
    if (t === "seal") {
      if (bodyWrong !== undefined) this.find(bodyWrong.name, seq, bodyWrong.detail);
      else await this.judgeSeal(entry);
      return;
    }
    if (bodyWrong !== undefined) {
      this.find(bodyWrong.name, seq, bodyWrong.detail);
      this.replaying = false;
      return;
    }
    if (t === "open" || t === "lot") this.find("rules", seq, `a second ${t} in mid-sale`);
    else await this.judgeEntry(entry);
  }

  /** The lots that line 0 announces. Without them nothing that follows can be judged. */
  catalogue({ seq, line, bodyWrong }) {
    const announced = this.open.lot_count;
    if (bodyWrong !== undefined) {
      this.find(bodyWrong.name, seq, bodyWrong.detail);
      this.judging = false;
    } else if (line.t !== "lot") {
      this.find("rules", seq, `line 0 announces ${announced} lots, and a ${line.t} follows after ${this.lots.length}`);
      this.judging = false;
    } else {
      this.lots.push(line.body);
      if (this.lots.length === announced) this.completeCatalogue();
    }
  }

  completeCatalogue() {
    const text = this.lots.map((body) => `${writeCanonical(body)}\n`).join("");
    if (toHex(sha256(utf8(text))) !== this.open.catalogue) {
      return this.giveUp("rules", "the lots are not those whose hash line 0 holds");
    }
    const misfit = misfitOf(this.open.terms, this.lots);
    if (misfit !== undefined) return this.giveUp("rules", misfit);
    this.sale = new Sale(this.open, this.openTs, this.lots, this.roster);
    return undefined;
  }

  /** Which type may follow which. */
  shape({ seq, line, bodyWrong }) {
    const { t } = line;
    const [before, last] = [this.types.at(-2), this.types.at(-1)];
    if (seq === this.open.lot_count + 1 && t !== "seal") this.find("seal", seq, `the first seal must follow the catalogue, not a ${t}`);
    if (this.closeLine !== undefined) {
      const sealOfTheEnd = seq === this.closeLine + 1 && t === "seal";
      if (!sealOfTheEnd && !this.beyondTheEnd) {
        this.find("closed", seq, `a ${t} follows the close`);
        this.beyondTheEnd = true;
        this.replaying = false;
      }
    } else if (before === "seal" && last === "seal" && t !== "outage") {
      this.find("seal", seq, `two seals and then a ${t}: a restart notes its outage`);
    }
    if (t === "outage" && last !== "seal" && bodyWrong === undefined && !this.beyondTheEnd) {
      this.find("outage", seq, "it does not stand at a restart");
      this.replaying = false;
    }
    if (t === "close") this.closeLine ??= seq;
  }

  async judgeSeal(entry) {
    const { seq } = entry;
    this.counts.seals += 1;
    const { wrong, checkpoint, answer } = (await entry.signatures) ?? {};
    if (wrong !== undefined) return this.find(wrong.name, seq, wrong.detail);
    if (checkpoint.origin !== this.origin) return this.find("untrusted", seq, "the checkpoint is for another ledger");
    if (answer === "other") return this.find("untrusted", seq, "the signature is not by the sealing key");
    if (answer !== "good") return this.find("signature", seq, "the signature is wrong");
    const root = this.tree.root();
    if (checkpoint.size !== seq || !same(checkpoint.root, root)) {
      return this.find("root", seq, `it is over ${checkpoint.size} lines with another root than the lines before it have`);
    }
    this.attempt(seq, () => checkDates(this.sealer, this.ca, this.lastTs));
    this.roster.seal(seq, toHex(root));
    return undefined;
  }

  async judgeEntry(entry) {
    const { seq, line } = entry;
    const { t, ts, body } = line;
    const input = inputOf(t, body);
    if ((t === "refusal" || t === "enrol" || t === "revoke") && this.replaying) {
      this.replaying = this.attempt(seq, () => this.sale.checkOrder(ts));
      if (!this.replaying) return;
    }
    if (t === "refusal") {
      await this.judgeRefusal(entry, input);
    } else if (t === "enrol") {
      await this.judgeEnrolment(entry);
    } else if (input !== undefined) {
      if (body.evidence === "attested") {
        this.counts.attestedBids += 1;
        const code = this.roster.refuseAttested(input.bidder, ts);
        if (code !== undefined) this.find(CODE_FINDINGS[code], seq, `it should have been refused: ${code}`);
        input.role = this.roster.roleOf(input.bidder);
      } else {
        await this.judgeStatement(entry, input);
      }
    }
    if (t === "bid" && body.evidence === "clerk") this.counts.roomBids += 1;
    this.replay(entry, input);
    if (t === "reissue" && this.roster.mayReissue(input)) this.roster.reissue(input);
    if (t === "revoke") {
      this.revocations.push(body);
      this.roster.revoked.add(body.serial);
    }
  }

  replay({ seq, line }, input) {
    if (!this.replaying) return;
    const body = input === undefined ? line.body : { ...line.body };
    if (body.act !== undefined) body.act = input;
    if (body.bid !== undefined) body.bid = input;
    this.replaying = this.attempt(seq, () => this.sale.replay(seq, line.t, line.ts, body));
  }

  /** An accepted signed bid or act up to its head; the rest of the order is the rules'. */
  async judgeStatement(entry, input) {
    const { seq, line } = entry;
    const statement = line.body.act ?? line.body.bid;
    if (line.t === "bid" && line.body.evidence === "signed") this.counts.signedBids += 1;
    else this.counts.acts += 1;
    const key = this.roster.keyOf(statement);
    input.role = key?.role;
    const answer = await entry.signatures;
    if (answer !== "good") {
      this.find(answer === "never" ? "signature" : "bid-signature", seq, "it is not signed by the key that it names");
      return;
    }
    const code = this.roster.refuse(statement, line.ts);
    if (code !== undefined) this.find(CODE_FINDINGS[code], seq, `it should have been refused: ${code}`);
    this.roster.use(statement);
  }

  async judgeRefusal(entry, input) {
    const { seq, line } = entry;
    const { body, ts } = line;
    if (input === undefined) {
      this.counts.counted += body.counts.reduce((sum, { count }) => sum + count, 0);
      this.roster.useCounted(body.keys);
      return;
    }
    this.counts.refusals += 1;
    const statement = body.act ?? body.bid;
    const answer = await entry.signatures;
    if (answer !== "good") {
      this.find(answer === "never" ? "signature" : "bid-signature", seq, "it is not signed by the key that it names");
      return;
    }
    const key = this.roster.keyOf(statement);
    if (key === undefined) {
      this.find("refusal", seq, "only what enrolled keys signed is recorded when it is refused");
      return;
    }
    const right = this.judgeCode(seq, ts, body, { ...input, role: key.role }, key);
    this.roster.use(statement);
    const size = utf8(writeCanonical(body)).length;
    const within = this.roster.countRefusal(statement.bidder, ts, size);
    if (right && !within) this.find("refusal", seq, "it is beyond the caps of the terms");
  }

  /** Whether a whole refusal has the code that the rules give, as far as they can say. */
  judgeCode(seq, ts, body, input, key) {
    const statement = body.act ?? body.bid;
    let right = this.roster.refuse(statement, ts);
    if (right === undefined) {
      if (!this.replaying) return true;
      right = this.sale.refuse(input, ts);
      // Whether a reserve is lower, the house alone knows.
      if (right === undefined && input.act === "reserve" && body.code === "reserve-not-lowered") right = body.code;
      if (right === "reserve-not-lowered" && right === body.code) this.onTheHousesWord.reserve += 1;
    }
    if (right !== body.code) {
      this.find("refusal", seq, `it says ${body.code}; the right refusal is ${right ?? "none"}`);
      return false;
    }
    if (right === "reused-n" && statement.n <= key.counted) this.onTheHousesWord.reused += 1;
    return true;
  }

  async judgeEnrolment(entry) {
    const { seq, line } = entry;
    const { body, ts } = line;
    this.counts.enrolments += 1;
    const good = await this.attemptAsync(seq, async () => {
      const leaf = readCertificate(fromBase64(body.chain[0]));
      const { role, name } = await checkPerson(leaf, this.ca, this.open.house);
      for (const other of body.chain.slice(1)) {
        if (!same(fromBase64(other), this.ca.der)) throw new Wrong("untrusted", "the chain holds another certificate");
      }
      checkDates(leaf, this.ca, ts);
      if (name !== body.bidder || role !== body.role) throw new Wrong("enrolment", `the certificate is of ${role} ${name}`);
      if (this.roster.revoked.has(leaf.serial)) throw new Wrong("revoked", "the certificate is revoked");
      if (body.evidence === "signed") holdEnrolment(await entry.signatures);
      this.roster.checkEnrolment(body, leaf);
      return leaf;
    });
    if (good !== undefined) this.roster.enrol(body, good);
  }

  finish() {
    const lines = this.tree.size;
    if (lines === 0 && this.walked && this.findings.length === 0) this.find("empty", null, "there is nothing to audit");
    if (!this.judging || !this.walked || lines === 0) return;
    if (this.closeLine === undefined) this.find("unclosed", null, `it has no close entry in its ${lines} lines`);
    if (this.types.at(-1) !== "seal") this.find("unsealed", null, `the last line, ${lines - 1}, is a ${this.types.at(-1)}`);
  }
}
