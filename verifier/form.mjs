// What each entry's body must hold: the tables of sections 5 and 6, as data, and one function that holds a body to them.

import { Wrong } from "./canonical.mjs";
import { fromBase64 } from "./bytes.mjs";

const DAYS_366 = 366 * 24 * 60 * 60 * 1000;

export const REFUSALS = new Set(
  ("wrong-sale not-enrolled revoked expired bad-signature reused-n stale-head role no-reason no-room-bids no-such-lot " +
    "closed not-pending not-paused not-open paused seller already-leading too-low no-bid bid-in without-reserve not-later " +
    "reserve-not-lowered open-lots no-such-name unsigned bad-amount bad-command over-cap slow-down busy key-enrolled " +
    "name-taken too-many-keys").split(" "),
);

const wrong = (detail) => {
  throw new Wrong("schema", detail);
};

const integer = (least = 0, most = Number.MAX_SAFE_INTEGER) => (value, path) => {
  if (typeof value !== "number" || value < least || value > most) wrong(`${path}: not an integer from ${least} to ${most}`);
};
const text = (pattern, what) => (value, path) => {
  if (typeof value !== "string" || !pattern.test(value)) wrong(`${path}: not ${what}`);
};
const oneOf = (...values) => (value, path) => {
  if (!values.includes(value)) wrong(`${path}: none of ${values.join(", ")}`);
};
const base64 = (length) => (value, path) => {
  if (typeof value !== "string") wrong(`${path}: not a text`);
  const bytes = fromBase64(value);
  if (bytes === null) throw new Wrong("canonical", `${path}: not padded base64 with zero trailing bits`);
  if (length !== undefined && bytes.length !== length) wrong(`${path}: not ${length} bytes`);
};
const list = (item, least, most) => (value, path) => {
  if (!Array.isArray(value)) wrong(`${path}: not an array`);
  value.forEach((entry, i) => item(entry, `${path}[${i}]`));
  if (value.length < least || value.length > most) wrong(`${path}: not ${least} to ${most} of them`);
};
const boolean = (value, path) => {
  if (typeof value !== "boolean") wrong(`${path}: neither true nor false`);
};

/** An object of the given fields; a name with a question mark may be absent. */
const object = (fields, check) => {
  const all = Object.entries(fields).map(([key, form]) => [key.replace("?", ""), form, key.endsWith("?")]);
  const known = new Set(all.map(([key]) => key));
  return (value, path) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) wrong(`${path}: not an object`);
    for (const key of Object.keys(value)) if (!known.has(key)) wrong(`${path}: "${key}" may not stand there`);
    for (const [key, form, optional] of all) {
      if (key in value) form(value[key], `${path}.${key}`);
      else if (!optional) wrong(`${path}: "${key}" is missing`);
    }
    check?.(value, path);
  };
};

const amount = integer(1);
const time = integer();
const span = integer();
const hash = text(/^[0-9a-f]{64}$/, "a hash");
const key = text(/^[0-9a-f]{64}$/, "a key");
const sig = base64(64);
const der = base64();
const name = text(/^[a-z0-9][a-z0-9_-]{0,31}$/, "a name");
const lot = text(/^[a-z0-9][a-z0-9-]{0,15}$/, "a lot");
const id = text(/^[a-z0-9][a-z0-9._-]{0,63}$/, "an id");
const title = (value, path) => {
  if (typeof value !== "string" || value === "") wrong(`${path}: not a title`);
  if (new TextEncoder().encode(value).length > 200) wrong(`${path}: more than 200 bytes`);
};
const role = oneOf("auctioneer", "auditor", "bidder", "clerk", "observer");
const code = (value, path) => {
  if (!REFUSALS.has(value)) wrong(`${path}: no such code`);
};
const head = object({ root: hash, size: integer() });
const opening = object({ nonce: hash, reserve: amount });
const openings = list(opening, 1, 32);
const basisPoints = integer(0, 10_000);

const terms = object({
  attested: boolean,
  "fees?": object({
    commission_bps: basisPoints,
    premium_bps: basisPoints,
    tax_bps: basisPoints,
    tax_on: oneOf("premium", "hammer+premium"),
  }),
  "opens_at?": time,
  refusal_bytes_max: integer(),
  refusals_per_minute_max: integer(),
  restart_grace_ms: span,
  room_bids: boolean,
  "sale_ends_at?": time,
  void_policy: oneOf("reinstate", "reopen"),
});

const row = (value, path) => {
  list(integer(), 2, 2)(value, path);
  if (value[1] < 1) wrong(`${path}: a step of nothing`);
};
const increments = (value, path) => {
  list(row, 1, 64)(value, path);
  if (value[0][0] !== 0) wrong(`${path}: it does not begin at 0`);
  for (let i = 1; i < value.length; i++) if (value[i][0] <= value[i - 1][0]) wrong(`${path}: it does not rise`);
};
const estimate = list(amount, 2, 2);
const seller = (value, path) => {
  object({ "name?": name, "text?": title })(value, path);
  if (Object.keys(value).length !== 1) wrong(`${path}: not exactly one of name and text`);
};

function checkLot(value, path) {
  const only = (field, timer, always) => {
    if (field in value && value.timer !== timer) wrong(`${path}: "${field}" may not stand there`);
    if (always && value.timer === timer && !(field in value)) wrong(`${path}: "${field}" is missing`);
  };
  only("duration_ms", "first-bid", true);
  only("ends_at", "schedule", true);
  only("opens_at", "schedule", false);
}

/** What terms and lots must be to each other, once they are known to be those of line 0; undefined if they are. */
export function misfitOf(terms, lots) {
  const { opens_at, sale_ends_at } = terms;
  if (opens_at !== undefined && sale_ends_at !== undefined && sale_ends_at <= opens_at) return "the sale ends before it opens";
  for (const lot of lots) {
    const misfit = lotMisfit(lot, Math.max(opens_at ?? -1, lot.opens_at ?? -1));
    if (misfit !== undefined) return `lot ${lot.id}: ${misfit}`;
  }
  return new Set(lots.map(({ id }) => id)).size < lots.length ? "two lots have one id" : undefined;
}

function lotMisfit(lot, opening) {
  if (lot.estimate !== undefined && lot.estimate[1] < lot.estimate[0]) return "its estimate falls";
  if (lot.hard_end !== undefined && lot.ends_at !== undefined && lot.hard_end < lot.ends_at) return "its hard end is before its end";
  if (lot.ends_at !== undefined && lot.ends_at <= opening) return "it ends before it opens";
  if (lot.without_reserve && lot.reserve_commit !== undefined) return "it is offered without reserve and has one";
  if (lot.duration_ms === 0) return "a duration of nothing";
  const spans = [lot.duration_ms ?? 1, lot.soft_extend_ms, lot.soft_window_ms];
  return spans.some((each) => each > DAYS_366) ? "a span of more than 366 days" : undefined;
}

// An `n` of 0 is no fault of form: it is never above the highest used, so it is refused `reused-n`.
const signedFields = { bid_key: key, bidder: name, head, n: integer(), sale_hash: hash };
const signedBid = object({ ...signedFields, amount, lot });
const attestedBid = object({ amount, bidder: name, lot });

const ACT_FIELDS = {
  open: {}, hammer: { "seen?": integer() }, pause: {}, resume: {}, extend: { ends_at: time },
  void: { "seen?": integer() }, withdraw: {}, reserve: { reserve_commit: hash },
  reissue: { name, new_key: hash, old_key: hash }, say: { text: title }, closing: {},
  enter: { amount, "name?": name, "paddle?": name },
};
const ACTS = new Map(
  Object.entries(ACT_FIELDS).map(([act, further]) => {
    const lotField = act === "closing" || act === "reissue" ? {} : act === "say" ? { "lot?": lot } : { lot };
    const both = (value, path) => {
      if (act === "enter" && "name" in value === "paddle" in value) wrong(`${path}: not exactly one of name and paddle`);
    };
    return [act, object({ act: oneOf(act), ...signedFields, ...lotField, "reason?": title, ...further }, both)];
  }),
);
const anyAct = (value, path) => {
  if (value === null || typeof value !== "object" || Array.isArray(value)) wrong(`${path}: not an object`);
  const form = ACTS.get(value.act);
  if (form === undefined) wrong(`${path}: no such act`);
  form(value, path);
};
const act = (which) => (value, path) => {
  anyAct(value, path);
  if (value.act !== which) wrong(`${path}: it is not the act ${which}`);
};

const together = (value, path) => {
  if ("act" in value !== "sig" in value) wrong(`${path}: an act and its signature belong together`);
  if ("act" in value && "lot" in value && value.act.lot !== value.lot) wrong(`${path}: the lot is not that of the act`);
};

function checkBid(value, path) {
  if (value.evidence === "clerk" ? !("act" in value) || "bid" in value : "act" in value || !("bid" in value)) {
    wrong(`${path}: not what a bid of this evidence holds`);
  }
  if ("sig" in value !== (value.evidence !== "attested")) wrong(`${path}: not what a bid of this evidence holds`);
  if (value.evidence === "signed") signedBid(value.bid, `${path}.bid`);
  if (value.evidence === "attested") attestedBid(value.bid, `${path}.bid`);
}

function checkEnrolment(value, path) {
  const signed = value.evidence === "signed";
  for (const field of ["bid_key", "bid_sig", "cert_sig"]) {
    if (field in value !== signed) wrong(`${path}: not what an enrolment of this evidence holds`);
  }
}

function checkClosing(value, path) {
  together(value, path);
  const sold = value.outcome === "sold";
  if ("price" in value !== sold || ("winner" in value || "paddle" in value) !== sold) {
    wrong(`${path}: not what a lot of this outcome holds`);
  }
  if ("winner" in value && "paddle" in value) wrong(`${path}: both a winner and a paddle`);
}

const count = object({ code, count: amount });
const usedNumber = object({ bid_key: key, n: integer(1) });
const rising = (items, of, path) => {
  for (let i = 1; i < items.length; i++) if (!(of(items[i - 1]) < of(items[i]))) wrong(`${path}: they do not rise`);
};

function refusal(value, path) {
  if (value !== null && typeof value === "object" && "counts" in value) {
    object({ counts: list(count, 0, 64), keys: list(usedNumber, 0, 128) })(value, path);
    if (value.counts.length + value.keys.length === 0) wrong(`${path}: it is empty`);
    rising(value.counts, (item) => item.code, path);
    rising(value.keys, (item) => item.bid_key, path);
  } else if (value !== null && typeof value === "object" && "act" in value) {
    object({ act: anyAct, code, sig })(value, path);
  } else {
    object({ bid: signedBid, code, sig })(value, path);
  }
}

const BODIES = {
  open: object({
    ca: der,
    catalogue: hash,
    currency: object({ "code?": text(/^[A-Z]{3}$/, "a currency"), minor_digits: integer(0, 4) }),
    house: id,
    lot_count: integer(),
    nonce: hash,
    sale: id,
    sealers: list(der, 1, 1),
    software: title,
    terms,
    title,
  }),
  lot: object(
    {
      "duration_ms?": span, "ends_at?": time, "estimate?": estimate, "hard_end?": time, id: lot, increments,
      name: title, "opens_at?": time, "reserve_commit?": hash, "seller?": seller, soft_extend_ms: span,
      soft_window_ms: span, start: amount, timer: oneOf("first-bid", "schedule", "manual"),
      without_reserve: boolean,
    },
    checkLot,
  ),
  enrol: object(
    {
      "bid_key?": key, "bid_sig?": sig, bidder: name, "cert_sig?": sig, chain: list(der, 1, 16),
      evidence: oneOf("signed", "attested"), role,
    },
    checkEnrolment,
  ),
  bid: object(
    {
      "act?": act("enter"), "bid?": () => {}, "ends_at?": time, evidence: oneOf("signed", "attested", "clerk"),
      lag_us: integer(), "reserve_met?": boolean, "sig?": sig,
    },
    checkBid,
  ),
  refusal,
  lot_open: object({ "act?": act("open"), "ends_at?": time, lot, "sig?": sig }, together),
  lot_close: object(
    {
      "act?": act("hammer"), lot, outcome: oneOf("sold", "unsold/no-bids", "unsold/reserve-not-met"), "paddle?": name,
      "price?": amount, "reserves?": openings, "sig?": sig, "winner?": name,
    },
    checkClosing,
  ),
  tick: object({}),
  clock: object({ accepted: boolean, wall: time }),
  outage: object({ from: time, to: time }),
  revoke: object({
    crl_hash: hash,
    crl_number: integer(),
    reason: oneOf(
      "affiliation-changed", "cessation-of-operation", "key-compromise", "privilege-withdrawn", "superseded", "unspecified",
    ),
    serial: text(/^[0-9a-f]{2,40}$/, "a serial"),
  }),
  close: object({ "hammer_total?": integer(), sold: integer(), unsold: integer(), withdrawn: integer() }),
  seal: object({ note: text(/^[^]*$/, "a text") }),
  pause: object({ act: act("pause"), "left_ms?": span, sig }),
  resume: object({ "act?": act("resume"), "ends_at?": time, lot, "sig?": sig }, together),
  extend: object({ act: act("extend"), ends_at: time, sig }, (value, path) => {
    if (value.ends_at !== value.act.ends_at) wrong(`${path}: the end is not that of the act`);
  }),
  void: object({ act: act("void"), "ends_at?": time, "reserve_met?": boolean, sig, "standing?": integer() }),
  withdraw: object({ act: act("withdraw"), "reserves?": openings, sig }),
  reserve: object({ act: act("reserve"), "reserve_met?": boolean, sig }),
  reissue: object({ act: act("reissue"), sig }),
  say: object({ act: act("say"), sig }),
  closing: object({ act: act("closing"), sig }),
};

/** Holds a line's body to the form of its type. Throws `Wrong`. */
export function checkBody({ t, ts, body }) {
  BODIES[t](body, "body");
  if (t === "outage" && body.to !== ts) wrong("body: an outage ends at its entry's time");
}

/** Whether a type of entry is known. */
export const isType = (type) => Object.hasOwn(BODIES, type);

/** Holds a line's own fields to their form. Throws `Wrong`. */
export function checkLine(line) {
  const known = ["body", "prev", "seq", "t", "ts", "v"];
  for (const key of Object.keys(line)) if (!known.includes(key)) wrong(`"${key}" may not stand there`);
  for (const key of known) if (key !== "ts" && !(key in line)) wrong(`"${key}" is missing`);
  if (typeof line.v !== "number" || typeof line.t !== "string") wrong("not the fields of a line");
  if (line.v !== 1) wrong(`version ${line.v} of the format; this reads version 1`);
  if (!isType(line.t)) wrong(`no such type of entry: "${line.t}"`);
  hash(line.prev, "prev");
  integer()(line.seq, "seq");
  if (line.t === "seal" && "ts" in line) wrong('a seal with "ts"');
  if (line.t !== "seal" && !("ts" in line)) wrong('an entry without "ts"');
  if ("ts" in line) time(line.ts, "ts");
  if (line.body === null || typeof line.body !== "object" || Array.isArray(line.body)) wrong("body: not an object");
}
