// Policies (c2sp.org/tlog-policy): which logs, whose cosignatures, and how many of them.

import { fromBase64, same, toHex } from "./bytes.mjs";
import { Unreadable } from "./held.mjs";
import { isStrictPoint } from "./keys.mjs";
import { COSIGNATURE, PLAIN, keyId } from "./note.mjs";

function readVerifierKey(text, type, refuse) {
  const found = /^([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+=*)$/.exec(text ?? "");
  const bytes = found === null ? null : fromBase64(found[3]);
  if (bytes?.length !== 33 || bytes[0] !== type || !isStrictPoint(bytes.subarray(1))) refuse("not a verifier key of this kind");
  const publicKey = bytes.subarray(1);
  if (toHex(keyId(found[1], type, publicKey)) !== found[2]) refuse("the verifier key's id is not that of its name and key");
  return { keyName: found[1], publicKey };
}

class Policy {
  logs = [];
  witnesses = []; // {name, keyName, publicKey}
  groups = new Map(); // name -> {needs, members}
  quorum = undefined;

  /** Whether the witnesses that have cosigned meet the quorum. */
  isMet(cosigned) {
    const met = (name) => {
      const group = this.groups.get(name);
      if (group === undefined) return cosigned.has(name);
      return group.members.filter(met).length >= group.needs;
    };
    return this.quorum === "none" || met(this.quorum);
  }
}

/** Reads a policy. Throws `Unreadable`. */
export function readPolicy(text) {
  const policy = new Policy();
  const taken = new Set();
  text.split("\n").forEach((raw, i) => {
    const refuse = (why) => {
      throw new Unreadable(`not a policy: line ${i + 1}: ${why}`);
    };
    const [word, ...rest] = raw.trim().split(/[ \t]+/);
    if (word === "" || word.startsWith("#")) return;
    if (policy.quorum !== undefined && word === "quorum") refuse("a second quorum");
    if (word === "log") readLog(policy, rest, refuse);
    else if (word === "witness") readWitness(policy, rest, refuse);
    else if (word === "group") readGroup(policy, taken, rest, refuse);
    else if (word === "quorum") readQuorum(policy, rest, refuse);
    else refuse("it begins with none of log, witness, group, quorum");
  });
  if (policy.quorum === undefined) throw new Unreadable("not a policy: it has no quorum");
  return policy;
}

function readLog(policy, [key, , ...more], refuse) {
  if (more.length > 0) refuse("too many words");
  policy.logs.push(readVerifierKey(key, PLAIN, refuse));
}

const isKnown = (policy, name) => policy.groups.has(name) || policy.witnesses.some((witness) => witness.name === name);

function readWitness(policy, [name, key, , ...more], refuse) {
  if (name === undefined || name === "none" || isKnown(policy, name) || more.length > 0) refuse("not a new witness");
  const read = readVerifierKey(key, COSIGNATURE, refuse);
  if (policy.witnesses.some((each) => same(each.publicKey, read.publicKey))) refuse("a key twice");
  policy.witnesses.push({ name, ...read });
}

function readGroup(policy, taken, [name, needed, ...members], refuse) {
  if (name === undefined || name === "none" || isKnown(policy, name) || members.length === 0) refuse("not a new group");
  for (const member of members) {
    if (!isKnown(policy, member)) refuse(`${member} is not known yet`);
    if (taken.has(member)) refuse(`${member} is a member of a group already`);
    taken.add(member);
  }
  const needs = needed === "any" ? 1 : needed === "all" ? members.length : /^[1-9][0-9]{0,3}$/.test(needed) ? Number(needed) : 0;
  if (needs < 1 || needs > members.length) refuse("a threshold that its members cannot have");
  policy.groups.set(name, { needs, members });
}

function readQuorum(policy, [name, ...more], refuse) {
  if (name === undefined || more.length > 0 || (name !== "none" && !isKnown(policy, name))) refuse("no such witness or group");
  policy.quorum = name;
}
