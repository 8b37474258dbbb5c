// The sale as a function of its lines (section 8): what is due, what the rules answer to each entry, what they refuse.
//
// `Sale.replay` takes an entry as the ledger has it, asks the rules, and throws `Wrong` where they say another thing. After
// that the state is not one that the rules know, so the caller ends the replay there.

import { utf8, toHex } from "./bytes.mjs";
import { Wrong, writeCanonical } from "./canonical.mjs";
import { Lot, MAX } from "./lot.mjs";
import { sha256 } from "./sha256.mjs";

const TICK_MS = 10_000;
const DRIFT_MS = 250;

const ROLES = {
  open: ["clerk", "auctioneer"], hammer: ["auctioneer"], pause: ["clerk", "auctioneer"], resume: ["clerk", "auctioneer"],
  extend: ["auctioneer"], void: ["auctioneer"], withdraw: ["auctioneer"], reserve: ["auctioneer"],
  reissue: ["auctioneer"], say: ["clerk", "auctioneer"], closing: ["auctioneer"], enter: ["clerk", "auctioneer"],
};
const NEEDS_REASON = new Set(["extend", "void", "withdraw", "reserve", "reissue"]);
// In which states beside `open` an act works.
const ALSO = {
  void: ["paused"], withdraw: ["paused", "pending"], reserve: ["paused", "pending"], extend: ["paused"],
};

const FINDINGS = {
  role: "role", "no-reason": "role", closed: "closed", "not-later": "extension", "reserve-not-lowered": "reserve",
  "no-such-name": "roster",
};

const RANK = { opening: 0, resumption: 1, closing: 2, close: 3, tick: 4 };
const ENTRY = { opening: "lot_open", resumption: "resume", closing: "lot_close", close: "close", tick: "tick" };

const wrong = (name, detail) => {
  throw new Wrong(name, detail);
};

export class Sale {
  /** `people` answers `roleOf(name)` and `mayReissue(act)`: the roster. */
  constructor(open, ts, lots, people) {
    this.open = open;
    this.terms = open.terms;
    this.start = ts;
    this.lastTs = ts;
    this.endsAt = open.terms.sale_ends_at;
    this.drift = 0;
    this.closed = false;
    this.people = people;
    this.lots = lots.map((body, index) => new Lot(body, index));
    this.byId = new Map(this.lots.map((lot) => [lot.id, lot]));
    const opening = Math.max(ts, open.terms.opens_at ?? 0);
    for (const lot of this.lots) {
      if (lot.body.timer === "first-bid") lot.opensAt = opening;
      if (lot.body.timer === "schedule") lot.opensAt = Math.max(lot.body.opens_at ?? 0, opening);
    }
  }

  /** What is due next: {kind, time, lot}; undefined if nothing. */
  due() {
    let next;
    const offer = (kind, time, lot) => {
      if (next === undefined || time < next.time || (time === next.time && RANK[kind] < RANK[next.kind])) {
        next = { kind, time, lot };
      }
    };
    let open = false;
    let allClosed = true;
    for (const lot of this.lots) {
      if (lot.state === "closed") continue;
      allClosed = false;
      if (lot.state === "open") open = true;
      if (lot.state === "pending" && lot.opensAt !== undefined) offer("opening", lot.opensAt, lot);
      if (lot.state === "paused" && lot.resumeAt !== undefined) offer("resumption", lot.resumeAt, lot);
      const closes = this.closesAt(lot);
      if (closes !== undefined) offer("closing", closes, lot);
    }
    if (allClosed && !this.closed) offer("close", this.lastTs);
    if (open) offer("tick", this.lastTs + TICK_MS);
    return next;
  }

  closesAt(lot) {
    let time = lot.state === "open" ? lot.end : undefined;
    if (lot.standing === undefined && this.endsAt !== undefined) {
      const last = Math.max(this.endsAt, this.start, lot.emptiedAt ?? 0);
      time = time === undefined ? last : Math.min(time, last);
    }
    return time;
  }

  /** Replays an entry. Throws `Wrong`. */
  replay(line, type, ts, body) {
    if (type === "outage") return this.outage(ts, body);
    const kind = Object.keys(ENTRY).find((each) => ENTRY[each] === type);
    if (kind !== undefined && body.act === undefined) this.timed(kind, ts, body);
    else this.judged(line, type, ts, body);
    this.lastTs = ts;
    return undefined;
  }

  timed(kind, ts, body) {
    const next = this.due();
    const lot = body.lot === undefined ? undefined : this.byId.get(body.lot);
    if (next !== undefined && next.time === ts && next.kind === kind && next.lot === lot) {
      return this[kind](ts, body, lot);
    }
    if (lot?.state === "closed") return wrong("closed", "the lot had closed before");
    if (next !== undefined && next.time <= ts) return wrong("order", "something fell due and was not done first");
    return wrong("order", "this is not due at that time");
  }

  opening(ts, body, lot) {
    if (lot.open(ts) !== body.ends_at) wrong("extension", "the lot opens with another end than the rules give");
  }

  resumption(ts, body, lot) {
    if (lot.resume(ts) !== body.ends_at) wrong("extension", "the lot goes on with another end than the rules give");
  }

  closing(ts, body, lot) {
    const result = lot.result();
    for (const field of ["outcome", "price", "winner", "paddle"]) {
      if (body[field] !== result[field]) wrong("winner", `the rules say ${result.outcome} ${result.price ?? ""}`.trim());
    }
    this.openReserves(lot, body);
    lot.finish(result);
  }

  openReserves(lot, body) {
    if (!lot.opensReserves(body.reserves, (id, opening) => this.commitmentTo(id, opening))) {
      wrong("reserve", "the openings are not those of the lot's commitments, or contradict what was said of them");
    }
  }

  commitmentTo(lot, { nonce, reserve }) {
    return toHex(sha256(utf8(writeCanonical({ lot, nonce, reserve, sale: this.open.sale, v: "gavel-reserve-v1" }))));
  }

  close(ts, body) {
    const count = (outcome) => this.lots.filter((lot) => lot.outcome.outcome.startsWith(outcome)).length;
    let total = 0n;
    for (const lot of this.lots) total += BigInt(lot.outcome.price ?? 0);
    const expected = total > BigInt(MAX) ? undefined : Number(total);
    const right = body.sold === count("sold") && body.unsold === count("unsold") && body.withdrawn === count("withdrawn");
    if (!right || body.hammer_total !== expected) wrong("totals", "the totals are not those of the lots");
    this.closed = true;
  }

  tick() {}

  outage(ts, { from, to }) {
    if (from < this.lastTs) wrong("outage", "it begins before the entry before it");
    if (to < from) wrong("outage", "it ends before it begins");
    if (this.closed) wrong("closed", "the sale had closed");
    const next = this.due();
    if (from > this.lastTs && next !== undefined && next.time <= from) wrong("outage", "something was due before it began");
    const away = to - from;
    const least = to + this.terms.restart_grace_ms;
    for (const lot of this.lots) {
      if (lot.state === "open") {
        if (lot.end !== undefined) lot.end = Math.max(lot.end + away, least);
        if (lot.hardEnd !== undefined) lot.hardEnd += away;
      } else if (lot.state === "pending" && lot.opensAt !== undefined && lot.opensAt <= to) {
        lot.opensAt += away;
        if (lot.scheduledEnd !== undefined) lot.scheduledEnd += away;
        if (lot.hardEnd !== undefined) lot.hardEnd += away;
      } else if (lot.state === "paused" && lot.resumeAt !== undefined) {
        lot.resumeAt += away;
      }
      if (lot.emptiedAt !== undefined && lot.emptiedAt >= from) lot.emptiedAt = Math.max(lot.emptiedAt + away, least);
    }
    if (this.endsAt !== undefined && this.endsAt >= from) this.endsAt = Math.max(this.endsAt + away, least);
    this.lastTs = ts;
  }

  /** An entry that somebody or something caused. */
  judged(line, type, ts, body) {
    const input = inputOf(type, body);
    this.checkOrder(ts, input);
    if (type === "clock") return this.clock(ts, body);
    if (type === "refusal" || input === undefined) {
      if (this.closed) wrong("closed", "the sale had closed");
      return undefined;
    }
    const code = this.refuse(input, ts);
    if (code !== undefined) {
      const lot = this.byId.get(input.lot);
      const name = code === "too-low" ? (lot.standing === undefined ? "rule" : "increment") : FINDINGS[code] ?? "rule";
      wrong(name, `the rules refuse it: ${code}`);
    }
    return this.take(line, input, ts, body);
  }

  checkOrder(ts, input) {
    const next = this.due();
    if (next === undefined || next.time > ts) return;
    const lot = this.byId.get(input?.lot);
    if (lot?.state === "open" && lot.end <= ts) wrong("closed", "the lot had ended");
    wrong("order", "something fell due and was not done first");
  }

  clock(ts, { accepted, wall }) {
    if (this.closed) wrong("closed", "the sale had closed");
    const drift = wall - ts;
    const news = accepted ? wall < ts : Math.abs(drift - this.drift) > DRIFT_MS;
    if (!news) wrong("clock", "the clocks are not newly apart");
    this.drift = drift;
  }

  /** The first code from `role` on that a bid or an act would be refused with; undefined if it is good. */
  refuse(input, ts) {
    const { act, role } = input;
    if (act === "bid") {
      if (role !== undefined && role !== "bidder") return "role";
      return this.refuseBid(input, { name: input.bidder });
    }
    if (role !== undefined && !ROLES[act].includes(role)) return "role";
    if (act === "enter") {
      const other = input.name === undefined ? undefined : this.people.roleOf(input.name);
      if (other !== undefined && other !== "bidder") return "role";
      if (!this.terms.room_bids) return "no-room-bids";
      return this.refuseBid(input, { name: input.name, paddle: input.paddle });
    }
    if (NEEDS_REASON.has(act) && input.reason === undefined) return "no-reason";
    return this.refuseAct(input, ts);
  }

  refuseBid(input, who) {
    const lot = this.byId.get(input.lot);
    return lot === undefined ? "no-such-lot" : lot.refuseBid(who, input.amount);
  }

  refuseAct(input, ts) {
    const { act } = input;
    const lot = input.lot === undefined ? undefined : this.byId.get(input.lot);
    if (input.lot !== undefined && lot === undefined) return "no-such-lot";
    if (act === "closing" || act === "reissue" || act === "say") {
      if (this.closed) return "closed";
      if (act === "reissue") return this.people.mayReissue(input) ? undefined : "no-such-name";
      const stuck = this.lots.some((each) => each.state === "open" && each.end === undefined && each.standing !== undefined);
      return act === "closing" && stuck ? "open-lots" : undefined;
    }
    if (act === "open") return lot.state === "pending" ? undefined : "not-pending";
    if (act === "resume") return lot.state === "paused" ? undefined : "not-paused";
    if (lot.state !== "open" && !(ALSO[act] ?? []).includes(lot.state)) {
      return lot.state === "pending" ? "not-open" : lot.state;
    }
    const reopen = this.terms.void_policy === "reopen";
    if (act === "hammer") return lot.standing?.line === input.seen ? undefined : "bid-in";
    if (act === "void") return lot.refuseVoid(input.seen, reopen);
    if (act === "withdraw") return lot.body.without_reserve && lot.standing !== undefined ? "without-reserve" : undefined;
    if (act === "reserve") return lot.refuseReserve();
    if (act === "extend") {
      const later = input.ends_at > ts && input.ends_at > (lot.endAt(ts) ?? 0);
      return later ? undefined : "not-later";
    }
    return undefined;
  }

  /** What follows from a good bid or act, held against what the entry says of it. */
  take(line, input, ts, body) {
    const lot = input.lot === undefined ? undefined : this.byId.get(input.lot);
    const end = (right) => {
      if (body.ends_at !== right) wrong("extension", "another end than the rules give");
    };
    const flag = () => {
      if (!lot.flag(body.reserve_met)) wrong("reserve", "what it says of the reserve cannot be");
    };
    switch (input.act) {
      case "bid":
      case "enter": {
        const after = lot.endAfterBid(ts);
        const who = input.act === "bid" ? { name: input.bidder } : { name: input.name, paddle: input.paddle };
        end(after);
        lot.takeBid(line, who, input.amount, after);
        return flag();
      }
      case "open":
        return end(lot.open(ts));
      case "hammer":
        return this.closing(ts, body, lot);
      case "pause":
        if (lot.pause(ts) !== body.left_ms) wrong("extension", "another time left than the rules give");
        return undefined;
      case "resume":
        return end(lot.resume(ts));
      case "extend":
        end(input.ends_at);
        return lot.moveEnd(input.ends_at, ts);
      case "void": {
        const after = lot.void(ts, this.terms.void_policy === "reopen");
        if (body.standing !== lot.standing?.line) wrong("rule", "another bid stands after the void than the rules give");
        end(after);
        return flag();
      }
      case "withdraw":
        this.openReserves(lot, body);
        return lot.finish({ outcome: "withdrawn" });
      case "reserve":
        lot.commit(input.reserve_commit);
        return flag();
      case "closing":
        this.endsAt = ts;
        for (const each of this.lots) if (each.state === "paused" && each.standing !== undefined) each.resumeAt = ts;
        return undefined;
      default:
        return undefined;
    }
  }
}

/** What the rules are asked about an entry, or undefined where nobody's bid or act is in it. */
export function inputOf(type, body) {
  if (body.act !== undefined) return body.act;
  if (body.bid !== undefined) return { act: "bid", ...body.bid };
  return undefined;
}
