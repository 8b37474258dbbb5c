// The command under node: options, files, and what is printed. All else is in core.mjs.

import { readFile, stat } from "node:fs/promises";
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Unreadable, readTrust, verify } from "./core.mjs";
import { describe } from "./report.mjs";

const USAGE =
  "usage: node verify.mjs LEDGER --trust CA.pem|sha256:HEX [--receipt FILE].. [--checkpoint FILE].. [--policy FILE] [--json]";
const EXIT_USAGE = 2;
const GIVEN_BYTES_MAX = 1 << 20; // a receipt, checkpoint, policy or CA; a receipt has some 20 KiB

class Usage extends Error {}

/** Whether a module is the one that node was started with. */
export function isMain(url) {
  try {
    return realpathSync(process.argv[1]) === fileURLToPath(url);
  } catch {
    return false;
  }
}

function readArguments(args) {
  const given = { ledger: undefined, trust: undefined, receipts: [], checkpoints: [], policy: undefined, json: false };
  const value = (option, inline, rest) => {
    const found = inline ?? rest.shift();
    if (found === undefined) throw new Usage(`${option} needs a value`);
    return found;
  };
  const once = (name, option, found) => {
    if (given[name] !== undefined) throw new Usage(`${option} may be given once`);
    given[name] = found;
  };
  const rest = [...args];
  while (rest.length > 0) {
    const [option, inline] = splitOption(rest.shift());
    if (option === "--trust") once("trust", option, value(option, inline, rest));
    else if (option === "--policy") once("policy", option, value(option, inline, rest));
    else if (option === "--receipt") given.receipts.push(value(option, inline, rest));
    else if (option === "--checkpoint") given.checkpoints.push(value(option, inline, rest));
    else if (option === "--json" && inline === undefined) given.json = true;
    else if (option.startsWith("-")) throw new Usage(`this verifier has no option ${option}`);
    else once("ledger", "LEDGER", option);
  }
  if (given.ledger === undefined) throw new Usage("the ledger is missing");
  if (given.trust === undefined) throw new Usage("--trust is missing");
  return given;
}

function splitOption(argument) {
  const found = /^(--[a-z-]+)=([^]*)$/.exec(argument);
  return found === null ? [argument, undefined] : [found[1], found[2]];
}

async function readGiven(path) {
  try {
    if ((await stat(path)).size > GIVEN_BYTES_MAX) throw new Usage(`${path} is too large to be what it is given for`);
    return await readFile(path, "utf8");
  } catch (error) {
    throw error instanceof Usage ? error : new Usage(`${path} cannot be read: ${error.code ?? error.message}`);
  }
}

async function readAnchors(given) {
  const trust = readTrust(given.trust.startsWith("sha256:") ? given.trust : await readGiven(given.trust));
  if (trust === null) throw new Usage("--trust is neither sha256: and 64 hex digits nor a file with one CA certificate");
  return {
    trust,
    receipts: await Promise.all(given.receipts.map(readGiven)),
    checkpoints: await Promise.all(given.checkpoints.map(readGiven)),
    policy: given.policy === undefined ? undefined : await readGiven(given.policy),
  };
}

/** Runs the command and gives its exit code. */
export async function run(args) {
  if (args.includes("--help") || args.includes("-h")) {
    console.log(USAGE);
    return 0;
  }
  try {
    const given = readArguments(args);
    const anchors = await readAnchors(given);
    const ledger = await readFile(given.ledger).catch((error) => {
      throw new Usage(`${given.ledger} cannot be read: ${error.code ?? error.message}`);
    });
    const report = await verify(ledger, anchors);
    console.log(given.json ? JSON.stringify(report) : describe(report));
    return report.exit_code;
  } catch (error) {
    if (!(error instanceof Usage || error instanceof Unreadable)) throw error;
    console.error(`${error.message}\n${USAGE}`);
    return EXIT_USAGE;
  }
}
