// The page: files in, report out. Whatever comes from a file is shown as text, never as markup.

import { Unreadable, readTrust, verify } from "./core.mjs";

const TEXT = {
  verdicts: {
    valid: ["VALID", "The sale is closed and sealed, and nothing was found wrong."],
    invalid: ["INVALID", "Something is wrong with this ledger, or it is not of the house that you trust."],
    incomplete: ["INCOMPLETE", "Sound so far, but not conclusive."],
  },
  noLedger: "Choose a ledger first.",
  noTrust: "Give the house's CA certificate or its fingerprint first.",
  badTrust: "What you trust is neither sha256: and 64 hex digits nor a file with exactly one certificate.",
  tooLarge: (name) => `${name} is too large to be what it was given for.`,
  unreadable: (name, why) => `${name} cannot be read: ${why}`,
  noEd25519: "This browser cannot check Ed25519 signatures. Take a newer one, or run verify.mjs with node.",
  running: (lines) => `${lines} lines are checked.`,
  done: (verdict, count) => `${verdict}. ${count === 1 ? "1 finding" : `${count} findings`}.`,
  more: (count) => `and ${count} more of these kinds`,
  line: (line) => (line === null ? "" : `, line ${line}`),
  lot: ({ lot, name }) => `Lot ${lot}, ${name}: `,
  sold: ({ winner, paddle, price }) => `sold to ${winner ?? `paddle ${paddle}`} for ${price} minor units`,
  file: "File (SHA-256)",
  ca: "CA that you trust",
  sale: "Sale",
  lines: "Lines",
  strange: (names) => `Not taken, for want of knowing what it is: ${names}. The buttons take any file.`,
  dropped: (count) => (count === 1 ? "1 file was taken." : `${count} files were taken.`),
};
const GIVEN_BYTES_MAX = 1 << 20;

const at = (id) => document.getElementById(id);
const given = { ledger: null, ca: null, receipts: [], checkpoints: [], policy: null };
const MANY = new Set(["receipts", "checkpoints"]);

function showTaken(kind) {
  const files = MANY.has(kind) ? given[kind] : given[kind] === null ? [] : [given[kind]];
  at(`${kind}-taken`).textContent = files.map((file) => file.name).join(", ");
}

function take(kind, files) {
  if (MANY.has(kind)) given[kind] = files;
  else given[kind] = files[0] ?? null;
  showTaken(kind);
}

/** What a dropped file is, by its first bytes; null if that cannot be seen. */
async function kindOf(file) {
  const head = await file.slice(0, 4096).text();
  if (head.startsWith("c2sp.org/tlog-proof@v1\n")) return "receipts";
  if (head.includes("-----BEGIN CERTIFICATE-----")) return "ca";
  if (/^[^\n{]+\n[0-9]+\n[A-Za-z0-9+/]{43}=\n\n/.test(head)) return "checkpoints";
  if (/^(?:#|log |witness |group |quorum )/m.test(head) && !head.startsWith("{")) return "policy";
  return head.startsWith("{") ? "ledger" : null;
}

async function drop(files) {
  const strange = [];
  for (const file of files) {
    const kind = await kindOf(file);
    if (kind === null) strange.push(file.name);
    else take(kind, MANY.has(kind) ? [...given[kind], file] : [file]);
  }
  say(strange.length === 0 ? TEXT.dropped(files.length) : TEXT.strange(strange.join(", ")));
}

const say = (text) => {
  at("message").textContent = text;
};

class Refused extends Error {}

async function readText(file) {
  if (file.size > GIVEN_BYTES_MAX) throw new Refused(TEXT.tooLarge(file.name));
  return file.text();
}

async function anchors() {
  const typed = at("fingerprint").value.trim();
  if (typed === "" && given.ca === null) throw new Refused(TEXT.noTrust);
  const trust = readTrust(typed === "" ? await readText(given.ca) : typed);
  if (trust === null) throw new Refused(TEXT.badTrust);
  return {
    trust,
    receipts: await Promise.all(given.receipts.map(readText)),
    checkpoints: await Promise.all(given.checkpoints.map(readText)),
    policy: given.policy === null ? undefined : await readText(given.policy),
  };
}

async function run() {
  if (given.ledger === null) throw new Refused(TEXT.noLedger);
  const held = await anchors();
  const bytes = new Uint8Array(await given.ledger.arrayBuffer());
  at("running").hidden = false;
  let shown = 0;
  const progress = async ({ bytes: read, of, lines }) => {
    at("progress").value = read / of;
    if (lines - shown >= 2000) {
      shown = lines;
      say(TEXT.running(lines));
    }
    await new Promise((resolve) => setTimeout(resolve, 0)); // lets the page draw
  };
  return verify(bytes, held, { progress });
}

function explain(error) {
  if (error instanceof Refused || error instanceof Unreadable) return error.message;
  if (error.name === "NotSupportedError") return TEXT.noEd25519;
  return TEXT.unreadable(given.ledger?.name ?? "", error.message);
}

function fill(id, items) {
  at(id).replaceChildren(
    ...items.map((item) => {
      const row = document.createElement("li");
      row.textContent = item;
      return row;
    }),
  );
}

function fact(name, value) {
  const term = document.createElement("dt");
  const description = document.createElement("dd");
  term.textContent = name;
  description.textContent = value;
  return [term, description];
}

function show(report) {
  const [verdict, meaning] = TEXT.verdicts[report.verdict];
  at("verdict").textContent = verdict;
  at("verdict").className = report.verdict;
  at("meaning").textContent = meaning;
  at("facts").replaceChildren(
    ...(report.sale === null ? [] : fact(TEXT.sale, `${report.sale.house}/${report.sale.sale}`)),
    ...fact(TEXT.lines, String(report.file.lines)),
    ...fact(TEXT.file, report.file.sha256),
    ...fact(TEXT.ca, report.ca),
  );
  const findings = report.findings.map(({ code, name, line, detail }) => `${code} ${name}${TEXT.line(line)}: ${detail}`);
  if (report.findings_unlisted > 0) findings.push(TEXT.more(report.findings_unlisted));
  fill("findings", findings);
  at("findings-part").hidden = findings.length === 0;
  const lots = report.lots ?? [];
  fill("lots", lots.map((lot) => TEXT.lot(lot) + (lot.outcome === "sold" ? TEXT.sold(lot) : lot.outcome ?? lot.state)));
  at("lots-part").hidden = lots.length === 0;
  fill("checked", report.checked);
  fill("unchecked", report.unchecked);
  at("report").hidden = false;
  say(TEXT.done(verdict, report.findings.length + report.findings_unlisted));
  at("verdict").focus();
}

async function submit(event) {
  event.preventDefault();
  at("verify").disabled = true;
  at("report").hidden = true;
  say("");
  try {
    show(await run());
  } catch (error) {
    say(explain(error));
  } finally {
    at("running").hidden = true;
    at("progress").value = 0;
    at("verify").disabled = false;
  }
}

for (const kind of Object.keys(given)) at(kind).addEventListener("change", () => take(kind, [...at(kind).files]));
at("form").addEventListener("submit", submit);
at("clear").addEventListener("click", () => {
  at("form").reset();
  for (const kind of Object.keys(given)) take(kind, []);
  at("report").hidden = true;
  say("");
});
addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", () => document.body.classList.remove("dropping"));
addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dropping");
  drop([...event.dataTransfer.files]).catch((error) => say(explain(error)));
});
