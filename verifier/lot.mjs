// One lot of an English auction: its state, what a bid or an act would be refused for, and what follows from it (section 8).

export const MAX = Number.MAX_SAFE_INTEGER;
const BIDS_KEPT = 64;
const COMMITMENTS_MAX = 32;

export class Lot {
  constructor(body, index) {
    this.body = body;
    this.index = index;
    this.state = "pending";
    this.opensAt = undefined; // when time opens it; undefined: an act alone
    this.scheduledEnd = body.ends_at;
    this.hardEnd = body.hard_end;
    this.end = undefined; // of an open lot
    this.left = undefined; // of a paused lot
    this.pausedAt = undefined;
    this.resumeAt = undefined; // where the close of the sale resumes it
    this.emptiedAt = undefined; // the void that left it without a bid
    this.bids = []; // those that stand on each other: {line, who, amount}
    this.dropped = false; // older ones were let go
    this.met = undefined; // the last flag
    this.commitments = body.reserve_commit === undefined ? [] : [commitment(body.reserve_commit)];
    this.outcome = undefined;
  }

  get id() {
    return this.body.id;
  }

  get standing() {
    return this.bids.at(-1);
  }

  /** The least that stands; beyond 2^53-1 nothing does. */
  ask() {
    if (this.standing === undefined) return this.body.start;
    const price = this.standing.amount;
    let step = 0;
    for (const [from, size] of this.body.increments) if (from <= price) step = size;
    return price + step;
  }

  /** What a bid on it would be refused for; undefined if nothing. */
  refuseBid(who, amount) {
    if (this.state !== "open") return this.state === "pending" ? "not-open" : this.state;
    if (who.name !== undefined && this.body.seller?.name === who.name) return "seller";
    if (this.standing !== undefined && sameBidder(this.standing.who, who) && this.met !== false) return "already-leading";
    const ask = this.ask();
    return ask > MAX || amount < ask ? "too-low" : undefined;
  }

  endAfterBid(ts) {
    let end = this.end;
    if (end === undefined && this.body.timer === "first-bid") end = ts + this.body.duration_ms;
    if (end !== undefined && end - ts <= this.body.soft_window_ms) end = this.softEnd(end, ts, this.hardEnd);
    return end;
  }

  softEnd(end, ts, hardEnd) {
    return Math.max(end, Math.min(ts + this.body.soft_extend_ms, hardEnd ?? Infinity));
  }

  takeBid(line, who, amount, end) {
    this.bids.push({ line, who, amount });
    if (this.bids.length > BIDS_KEPT) {
      this.bids.shift();
      this.dropped = true;
    }
    this.end = end;
    this.emptiedAt = undefined;
  }

  /** When it opens by time, in an opened sale. */
  open(ts) {
    this.state = "open";
    this.end = this.body.timer === "schedule" ? Math.max(this.scheduledEnd, ts) : undefined;
    return this.end;
  }

  pause(ts) {
    this.state = "paused";
    this.pausedAt = ts;
    this.left = this.end === undefined ? undefined : this.end - ts;
    this.end = undefined;
    return this.left;
  }

  resume(ts) {
    if (this.hardEnd !== undefined) this.hardEnd += ts - this.pausedAt;
    this.state = "open";
    this.end = this.left === undefined ? undefined : ts + this.left;
    this.left = undefined;
    this.pausedAt = undefined;
    this.resumeAt = undefined;
    return this.end;
  }

  /** The end that stands at a time, also of a paused lot; undefined if it has none. */
  endAt(ts) {
    if (this.state !== "paused") return this.end;
    return this.left === undefined ? undefined : ts + this.left;
  }

  moveEnd(end, ts) {
    if (this.state === "paused") this.left = end - ts;
    else this.end = end;
  }

  /** Takes the standing bid back and gives the end. */
  void(ts, reopen) {
    if (reopen) {
      this.bids = [];
      this.dropped = false;
    } else {
      this.bids.pop();
    }
    if (this.standing === undefined) this.emptiedAt = ts;
    const end = this.endAt(ts);
    if (end === undefined) return undefined;
    const hardEnd = this.state === "paused" && this.hardEnd !== undefined ? this.hardEnd + ts - this.pausedAt : this.hardEnd;
    const after = this.softEnd(end, ts, hardEnd);
    this.moveEnd(after, ts);
    return after;
  }

  refuseVoid(seen, reopen) {
    if (this.standing === undefined) return "no-bid";
    if (this.standing.line !== seen) return "bid-in";
    return !reopen && this.bids.length === 1 && this.dropped ? "no-bid" : undefined;
  }

  refuseReserve() {
    return this.commitments.length === 0 || this.commitments.length >= COMMITMENTS_MAX ? "reserve-not-lowered" : undefined;
  }

  commit(hash) {
    this.commitments.push(commitment(hash));
  }

  /** Takes a flag of the standing price; whether it can be true. */
  flag(met) {
    const inForce = this.commitments.at(-1);
    const wanted = inForce !== undefined && this.standing !== undefined;
    if (wanted !== (met !== undefined)) return false;
    this.met = met;
    if (!wanted) return true;
    const price = this.standing.amount;
    if (met ? price <= inForce.unmet : price >= inForce.met) return false;
    if (met) inForce.met = Math.min(inForce.met, price);
    else inForce.unmet = Math.max(inForce.unmet, price);
    return true;
  }

  /** Whether the openings are those of its commitments. `hashOf` gives what a commitment to an opening is. */
  opensReserves(openings, hashOf) {
    if (openings === undefined) return this.commitments.length === 0;
    if (openings.length !== this.commitments.length) return false;
    return openings.every((opening, i) => {
      const { hash, met, unmet } = this.commitments[i];
      const falls = i === 0 || opening.reserve < openings[i - 1].reserve;
      return falls && unmet < opening.reserve && opening.reserve <= met && hashOf(this.id, opening) === hash;
    });
  }

  /** What it comes to if it closes now. */
  result() {
    const standing = this.standing;
    if (standing === undefined) return { outcome: "unsold/no-bids" };
    if (this.met === false) return { outcome: "unsold/reserve-not-met" };
    return { outcome: "sold", price: standing.amount, winner: standing.who.name, paddle: standing.who.paddle };
  }

  finish(outcome) {
    this.state = "closed";
    this.outcome = outcome;
    this.end = undefined;
    this.left = undefined;
    this.resumeAt = undefined;
  }
}

const commitment = (hash) => ({ hash, unmet: 0, met: Infinity });

export const sameBidder = (a, b) => a.name === b.name && a.paddle === b.paddle;
