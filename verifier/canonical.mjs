// The bytes of a line: one JSON object in the subset of RFC 8785 in which a value has exactly one text (section 1).
//
// JSON.parse would take duplicate keys, -0, 1e2, white space and escapes, and would not say what is wrong. This reads the
// subset alone, and so needs no comparison with what writing would give: there is nothing else that it takes.

import { decodeUtf8 } from "./bytes.mjs";

export const LINE_BYTES_MAX = 16_384;
const DEPTH_MAX = 8;
const INTEGER_MAX = Number.MAX_SAFE_INTEGER;

const HEX_KEYS = new Set(
  "bid_key catalogue cert crl_hash new_key nonce old_key prev reserve_commit root sale_hash serial".split(" "),
);
const CERTIFICATE_KEYS = new Set("ca chain sealer sealers".split(" "));
const ASCII_KEYS = new Set(
  "act bid_sig bidder cert_sig code evidence house id lot outcome paddle proof role sale sig t timer winner".split(" "),
);

/** A finding in what was read: a name of the table of section 12, and what was seen. */
export class Wrong extends Error {
  constructor(name, detail) {
    super(detail);
    this.name = name;
    this.detail = detail;
  }
}

const wrong = (name, detail) => {
  throw new Wrong(name, detail);
};

function bytesOf(text) {
  let count = 0;
  for (const character of text) {
    const point = character.codePointAt(0);
    count += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  }
  return count;
}

// What no text may hold; LF is for `note` alone.
const FORBIDDEN = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

function checkText(text, key) {
  const most = key === "note" ? 4096 : CERTIFICATE_KEYS.has(key) ? 6144 : 1024;
  if (text.length * 3 > most && bytesOf(text) > most) wrong("limit", `the text under "${key}" has more than ${most} bytes`);
  if (FORBIDDEN.test(text) || (key !== "note" && text.includes("\n"))) {
    wrong("charset", `the text under "${key}" holds a character that may not stand there`);
  }
  if (HEX_KEYS.has(key) || CERTIFICATE_KEYS.has(key) || ASCII_KEYS.has(key)) {
    if (/[^\u0020-\u007e]/.test(text)) wrong("charset", `the text under "${key}" is not ASCII`);
  }
  if (HEX_KEYS.has(key) && /[A-F]/.test(text)) wrong("canonical", `hex in upper case under "${key}"`);
}

/** The text ends where a value goes on. */
class Ended extends Wrong {}

class Reader {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  refuse() {
    if (this.at >= this.text.length) throw new Ended("canonical", "it ends in the middle of a value");
    wrong("canonical", `not canonical JSON at character ${this.at}`);
  }

  value(key, depth) {
    const first = this.text[this.at];
    if (first === "{") return this.object(depth);
    if (first === "[") return this.array(key, depth);
    if (first === '"') {
      const text = this.string();
      checkText(text, key);
      return text;
    }
    if (first === "-" || (first >= "0" && first <= "9")) return this.number();
    for (const [word, value] of [["true", true], ["false", false], ["null", null]]) {
      const left = this.text.slice(this.at, this.at + word.length);
      if (left.length < word.length && word.startsWith(left)) throw new Ended("canonical", "it ends in the middle of a value");
      if (!this.text.startsWith(word, this.at)) continue;
      if (value === null) wrong("schema", "null stands for no value of this format");
      this.at += word.length;
      return value;
    }
    return this.refuse();
  }

  number() {
    const pattern = /-?[0-9]*(?:\.[0-9]*)?(?:[eE][-+]?[0-9]*)?/y;
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    const value = Number(found[0]);
    if (!/^(?:0|[1-9][0-9]{0,15})$/.test(found[0]) || value > INTEGER_MAX) {
      wrong("number", "not an integer from 0 to 2^53-1 in decimal digits");
    }
    this.at += found[0].length;
    return value;
  }

  string() {
    const plain = /[^"\\\u0000-\u001f]*/y;
    let out = "";
    this.at += 1;
    for (;;) {
      plain.lastIndex = this.at;
      const [run] = plain.exec(this.text);
      out += run;
      this.at += run.length;
      const character = this.text[this.at];
      if (character === undefined) this.refuse();
      this.at += 1;
      if (character === '"') return out;
      if (character !== "\\") {
        this.at -= 1;
        this.refuse();
      }
      const escaped = this.text[this.at];
      if (escaped === "n") out += "\n";
      else if (escaped === '"' || escaped === "\\") out += escaped;
      else if ("bfrt".includes(escaped ?? " ")) wrong("charset", "an escaped control character");
      else this.refuse();
      this.at += 1;
    }
  }

  key() {
    const pattern = /"([a-z_]*)/y;
    pattern.lastIndex = this.at;
    const [whole, key] = pattern.exec(this.text);
    this.at += whole.length;
    if (this.at >= this.text.length) this.refuse();
    if (this.text[this.at] === "\\" || this.text[this.at] < " ") this.refuse();
    if (this.text[this.at] !== '"' || key === "") wrong("schema", "a key that is not of a-z and _");
    this.at += 1;
    return key;
  }

  array(key, depth) {
    if (depth > DEPTH_MAX) wrong("limit", `nested deeper than ${DEPTH_MAX} levels`);
    const items = [];
    this.at += 1;
    if (this.text[this.at] === "]") {
      this.at += 1;
      return items;
    }
    for (;;) {
      items.push(this.value(key, depth + 1));
      const next = this.text[this.at++];
      if (next === "]") return items;
      if (next !== ",") {
        this.at -= 1;
        this.refuse();
      }
    }
  }

  object(depth) {
    if (depth > DEPTH_MAX) wrong("limit", `nested deeper than ${DEPTH_MAX} levels`);
    const object = Object.create(null);
    let last = "";
    this.at += 1;
    if (this.text[this.at] === "}") {
      this.at += 1;
      return object;
    }
    for (;;) {
      if (this.text[this.at] !== '"') this.refuse();
      const key = this.key();
      if (key in object) wrong("duplicate-key", `the key "${key}" stands twice`);
      if (key < last) wrong("canonical", `the key "${key}" does not stand in its order`);
      last = key;
      if (this.text[this.at] !== ":") this.refuse();
      this.at += 1;
      object[key] = this.value(key, depth + 1);
      const next = this.text[this.at++];
      if (next === "}") return object;
      if (next !== ",") {
        this.at -= 1;
        this.refuse();
      }
    }
  }
}

/** The object that canonical bytes hold. Throws `Wrong`. */
export function readCanonical(bytes) {
  if (bytes.length > LINE_BYTES_MAX) wrong("limit", `longer than ${LINE_BYTES_MAX} bytes`);
  let text;
  try {
    text = decodeUtf8(bytes);
  } catch {
    wrong("utf8", "not UTF-8");
  }
  const reader = new Reader(text);
  const value = reader.value("", 1);
  if (reader.at !== text.length) reader.refuse();
  if (typeof value !== "object" || Array.isArray(value)) wrong("schema", "not an object");
  return value;
}

/** Checks that bytes without a line end could be the beginning of a line. Throws `Wrong`. */
export function checkBeginning(bytes) {
  if (bytes.length > LINE_BYTES_MAX) wrong("limit", `longer than ${LINE_BYTES_MAX} bytes`);
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes, { stream: true });
  } catch {
    wrong("utf8", "not UTF-8");
  }
  const reader = new Reader(text);
  try {
    if (text === "") return;
    if (text[0] !== "{") reader.refuse();
    reader.value("", 1);
  } catch (error) {
    if (error instanceof Ended) return;
    throw error;
  }
  if (reader.at !== text.length) reader.refuse();
}

/** The canonical text of a value that `readCanonical` could have read. */
export function writeCanonical(value) {
  if (typeof value === "string") {
    return `"${value.replace(/["\\\n]/g, (c) => (c === "\n" ? "\\n" : `\\${c}`))}"`;
  }
  if (typeof value !== "object") return String(value);
  if (Array.isArray(value)) return `[${value.map(writeCanonical).join(",")}]`;
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `"${key}":${writeCanonical(value[key])}`).join(",")}}`;
}
