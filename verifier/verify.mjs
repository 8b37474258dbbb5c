// The second verifier as a module, and as a command under node:
//
//   node verifier/verify.mjs LEDGER --trust CA.pem|sha256:HEX [--receipt FILE].. [--checkpoint FILE].. [--policy FILE] [--json]

export { Unreadable, readTrust, verify } from "./core.mjs";

if (globalThis.process?.argv?.[1] !== undefined) {
  const { isMain, run } = await import("./command.mjs");
  if (isMain(import.meta.url)) process.exitCode = await run(process.argv.slice(2));
}
