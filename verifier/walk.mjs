// From bytes to lines: what section 1 and the chain of section 2 require, before anything is believed.
//
// A line is judged once the next one names its hash. Where a name and a hash differ, the line after tells which of the two
// was changed. What is wrong here ends the walk: nothing after it has a place any more.

import { same, toHex } from "./bytes.mjs";
import { Wrong, checkBeginning, readCanonical } from "./canonical.mjs";
import { checkLine } from "./form.mjs";
import { readCheckpoint, readNote } from "./note.mjs";
import { sha256 } from "./sha256.mjs";
import { Tree, leafHash } from "./tree.mjs";

const LF = 0x0a;

/** The raw lines of a file, and what stands after the last LF. */
export function splitLines(bytes) {
  const lines = [];
  let from = 0;
  for (;;) {
    const to = bytes.indexOf(LF, from);
    if (to < 0) break;
    lines.push(bytes.subarray(from, to));
    from = to + 1;
  }
  return { lines, tail: bytes.subarray(from) };
}

function readLine(bytes, seq) {
  const line = readCanonical(bytes);
  checkLine(line);
  if (line.seq !== seq) throw new Wrong("seq", `line number ${line.seq} where ${seq} must stand`);
  return line;
}

/**
 * Walks a file and gives {seq, bytes, hash, line} for each line that has its place, and at the end
 * {finding} with {name, line, detail} where something is wrong or torn.
 */
export function* walk(bytes) {
  const { lines, tail } = splitLines(bytes);
  let pending; // read, and not yet named by the next
  let prev = "0".repeat(64);
  for (let seq = 0; seq < lines.length; seq++) {
    let line;
    try {
      line = readLine(lines[seq], seq);
    } catch (error) {
      if (!(error instanceof Wrong)) throw error;
      if (pending !== undefined) yield pending;
      yield finding(error.name, seq, error.detail);
      return;
    }
    const hash = toHex(sha256(lines[seq]));
    if (line.prev !== prev) {
      const before = blamesTheLineBefore(lines, seq, line, hash);
      if (pending !== undefined && !before) yield pending;
      yield finding("hash", before ? seq - 1 : seq, `line ${seq} does not name the hash of line ${seq - 1}`);
      return;
    }
    if (pending !== undefined) yield pending;
    pending = { seq, bytes: lines[seq], hash, line };
    prev = hash;
  }
  if (pending !== undefined) yield pending;
  if (tail.length > 0) yield readTail(tail, lines.length);
}

const finding = (name, line, detail) => ({ finding: { name, line, detail } });

function readTail(tail, seq) {
  try {
    checkBeginning(tail);
  } catch (error) {
    return finding(error.name, seq, error.detail);
  }
  return finding("torn", seq, `${tail.length} bytes without a line end`);
}

/**
 * Whether it is the line before that was changed, where a line does not name its hash: if the next line names this one's
 * hash, or, where no next line can be read, unless this one is a seal over the very lines before it.
 */
function blamesTheLineBefore(lines, seq, line, hash) {
  if (seq === 0) return false;
  try {
    if (seq + 1 < lines.length) {
      const next = readCanonical(lines[seq + 1]);
      checkLine(next);
      return next.prev === hash;
    }
  } catch (error) {
    if (!(error instanceof Wrong)) throw error;
  }
  return !sealsTheLinesBefore(lines, seq, line);
}

function sealsTheLinesBefore(lines, seq, line) {
  const note = line.t === "seal" && typeof line.body.note === "string" ? readNote(line.body.note) : null;
  const checkpoint = note === null ? null : readCheckpoint(note.text);
  if (checkpoint === null || checkpoint.size !== seq) return false;
  const tree = new Tree();
  for (const before of lines.slice(0, seq)) tree.append(leafHash(before));
  return same(checkpoint.root, tree.root());
}
