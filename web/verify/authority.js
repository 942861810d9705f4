/*
 * authority.js: which of the keys that signed an entry may say what it says, at its index and time
 * (src/register/authority.c, keys.c). The kinds of statements that change this are in register.js.
 */
import { fromBase64, fromHex, sha256Hex, toHex, utf8Text } from './bytes.js';
import { entryStatement, isEnvelopeFault, parseEntry, preAuthentication } from './dsse.js';
import { SIGNATURE_SIZE, isSignedBy } from './ed25519.js';
import { parseMoment } from './moment.js';
import { parseNoteKey } from './note.js';
import { isPolicyFault, signatoryId } from './policy.js';
import { predicateOf } from './predicates.js';
import { hasItsForm } from './shapes.js';

const X25519_PREFIX = 'x25519:';
export const NEVER = Infinity;
/* What says more than that the signature is missing. */
const WEIGHTS = ['signature', 'role', 'expired', 'revoked'];
const AHEAD_MS = 86400000;
const DIGEST_BYTES = 32;
const ENTRY_BYTES = 65535;

/* A statement that does not count, with the program's word for the reason. */
export class Refusal extends Error {
  constructor(verdict, detail = '') {
    super(detail || verdict);
    this.verdict = verdict;
  }
}

export function refuse(verdict, detail) {
  throw new Refusal(verdict, detail);
}

/* The moment that a statement says, in milliseconds and their fractions; 0: none. */
export function saidTime(predicate) {
  const time = parseMoment(predicate.time ?? predicate.ended);
  return Number.isNaN(time) ? 0 : time;
}

/* "x25519:BASE64" keys have no hint: they never sign. */
export async function roleKey(text) {
  if (!text.startsWith(X25519_PREFIX)) return parseNoteKey(text);
  return { text, bytes: fromBase64(text.slice(X25519_PREFIX.length)) ?? refuse('malformed', text), hint: null };
}

/* The keys of a community and their owners; judgeKind() is its heir's. */
export class KeyRegister {
  constructor(genesis) {
    this.genesis = genesis;
    this.signatories = new Map();
    this.byDomain = new Map();
    this.keys = new Map();
    this.hints = new Map();
    this.payloads = new Map();
    this.leaves = new Map();
    this.policies = [];
    this.size = 0;
  }

  /* Before anything else. */
  async start() {
    await this.applyPolicy(this.genesis, 0);
    return this;
  }

  policy() {
    return this.policies.at(-1).policy;
  }

  /* The policy in force for a log of `size`. */
  policyAt(size) {
    return this.policies.findLast(({ index }, at) => at === 0 || index < size).policy;
  }

  /* --- keys and signatories --- */

  keyOf(bytes) {
    return this.keys.get(toHex(bytes));
  }

  /* Whether a key may be named by `signatory` (null: a new one) in `role`. */
  refuseTakenKey(key, signatory, role, proven) {
    const known = this.keyOf(key.bytes);
    if (!known) return;
    if (known.signatory !== signatory || !known.signatory) {
      if (known.signatory && !known.proven && proven && !known.said) return;
      refuse('conflict', key.text);
    }
    if (known.role !== role || known.text !== key.text) refuse('conflict', key.text);
    if (known.revokedAt !== NEVER) refuse('revoked', key.text);
  }

  bindKey(key, signatory, role, proven) {
    const known = this.keyOf(key.bytes);
    if (known && known.signatory === signatory) {
      known.proven ||= proven;
      return known;
    }
    if (known) {
      this.hints.set(known.hint, (this.hints.get(known.hint) ?? []).filter((other) => other !== known));
      known.signatory.keys = known.signatory.keys.filter((other) => other !== known);
    }
    const bound = { bytes: key.bytes, text: key.text, hint: key.hint, signatory, role, proven, inForce: false, delegations: [], revokedAt: NEVER, fromIndex: NEVER, said: 0, vouched: [] };
    this.keys.set(toHex(key.bytes), bound);
    if (bound.hint && role !== 'witness') this.hints.set(bound.hint, [...(this.hints.get(bound.hint) ?? []), bound]);
    signatory?.keys.push(bound);
    return bound;
  }

  setRoot(signatory, root, proven) {
    for (const key of signatory.keys) if (key.role === 'root') key.inForce = false;
    signatory.root = root;
    for (const key of root.keys) this.bindKey(key, signatory, 'root', proven).inForce = true;
  }

  async addSignatory(root, proven) {
    const signatory = { id: await signatoryId(root), keys: [], removedAt: NEVER, endorsedAt: 0, recoveredAt: 0, member: false, joined: false, attested: false, identity: 0, attestations: [], vouchesFor: [], last: {} };
    this.signatories.set(signatory.id, signatory);
    this.setRoot(signatory, root, proven);
    return signatory;
  }

  /* A change of what was attested begins a new identity: old attestations end. */
  nameSignatory(signatory, { name, domain, country, group }) {
    if (signatory.name === name && signatory.domain === domain && signatory.country === country) return;
    if (this.byDomain.get(signatory.domain) === signatory) this.byDomain.delete(signatory.domain);
    Object.assign(signatory, { name, domain, country, group: signatory.group ?? group, identity: signatory.identity + 1 });
    this.byDomain.set(domain, signatory);
  }

  /* --- who signed --- */

  async signedBy(entry, key) {
    const signed = await Promise.all(entry.envelope.signatures.filter(({ keyid, bytes }) => keyid === key.hint && bytes.length === SIGNATURE_SIZE)
      .map(({ bytes }) => isSignedBy(key.bytes, bytes, entry.message)));
    return signed.includes(true);
  }

  /* The registered keys whose signatures verify, each once. */
  async signers(entry) {
    const found = new Set();
    for (const { keyid, bytes } of entry.envelope.signatures) {
      for (const key of this.hints.get(keyid) ?? []) {
        entry.known = true;
        if (await isSignedBy(key.bytes, bytes, entry.message)) found.add(key);
      }
    }
    return [...found];
  }

  rootSigners(entry, signatory) {
    return entry.signers.filter((key) => key.signatory === signatory && key.role === 'root' && key.inForce).length;
  }

  judgeRoleKey(entry, key) {
    if (key.role === 'root' && !key.inForce) refuse('revoked', key.text);
    if (entry.index >= key.revokedAt) refuse('revoked', key.text);
    if (!entry.kind.roles.includes(key.role)) refuse('role', key.text);
    const inTime = key.delegations.filter(({ from, until }) => from <= entry.time && entry.time < until);
    if (inTime.some(({ predicates }) => !predicates || predicates.includes(entry.statement.predicateType))) return;
    refuse(inTime.length ? 'role' : 'expired', key.text);
  }

  judgeRootKey(entry, signatory, key) {
    const roles = signatory.root.keys.length === 1 ? ['root', 'single'] : ['root'];
    if (this.rootSigners(entry, signatory) < signatory.root.threshold) refuse('signature', key.text);
    if (!entry.kind.roles.some((role) => roles.includes(role))) refuse('role', key.text);
  }

  /* The key by which `signatory` may say this. */
  authority(entry, signatory) {
    let worst = null;
    if (signatory.removedAt !== NEVER) refuse('revoked', signatory.domain);
    for (const key of entry.signers.filter((each) => each.signatory === signatory)) {
      try {
        if (key.role === 'root' && key.inForce) this.judgeRootKey(entry, signatory, key);
        else this.judgeRoleKey(entry, key);
        return key;
      } catch (fault) {
        if (!(fault instanceof Refusal)) throw fault;
        if (!worst || WEIGHTS.indexOf(fault.verdict) > WEIGHTS.indexOf(worst.verdict)) worst = fault;
      }
    }
    throw worst ?? new Refusal('role');
  }

  /* Finds who says it: {signatory, key}. */
  signer(entry) {
    if (!entry.signers.length) refuse(entry.known || !entry.envelope.signatures.length ? 'signature' : 'unknown-key');
    if (entry.kind.ofSigner) {
      const signatory = this.signatories.get(entry.subject) ?? refuse('unknown-key');
      return { signatory, key: this.authority(entry, signatory) };
    }
    let last = null;
    for (const { signatory } of entry.signers) {
      try {
        return { signatory: signatory ?? refuse('role'), key: this.authority(entry, signatory) };
      } catch (fault) {
        if (!(fault instanceof Refusal)) throw fault;
        last = fault;
      }
    }
    throw last;
  }

  /* --- entries --- */

  /* Reads the form of an entry. Throws Refusal. */
  async read(bytes, index, time) {
    try {
      if (bytes.length > ENTRY_BYTES) refuse('malformed');
      const envelope = parseEntry(bytes);
      const statement = entryStatement(envelope);
      const kind = predicateOf(statement.predicateType);
      const subject = statement.subject[0].digest.sha256;
      if (!kind) refuse('unknown-predicate', statement.predicateType);
      if (kind.exposure === 'local') refuse('exposure', kind.name);
      if (statement.subject.length !== 1 || !fromHex(subject, DIGEST_BYTES) || !statement.predicate) refuse('malformed');
      if (!await hasItsForm(kind.name, statement.predicate, subject)) refuse('malformed');
      return { index, envelope, statement, kind, subject, predicate: statement.predicate, time: time || saidTime(statement.predicate), message: preAuthentication(envelope.type, envelope.payload) };
    } catch (fault) {
      if (isEnvelopeFault(fault)) refuse('malformed', fault.message);
      throw fault;
    }
  }

  async judgeRead(entry) {
    const { log } = entry.predicate;
    entry.payload = await sha256Hex(entry.envelope.payload);
    if (log !== undefined && log !== this.policy().origin) refuse('other-log', String(log));
    if (this.payloads.has(entry.payload)) refuse('conflict', String(this.payloads.get(entry.payload)));
    if (saidTime(entry.predicate) > entry.time + AHEAD_MS) refuse('conflict');
    entry.signers = await this.signers(entry);
    return { ...await this.judgeKind(entry), entry };
  }

  /*
   * What the entry would be if it stood next, at `time` (log time in milliseconds; 0: not known):
   * {verdict ('' when it counts), detail, signatory, key, entry}.
   */
  async judge(bytes, index, time) {
    let entry = null;
    try {
      entry = await this.read(bytes, index, time);
      return { verdict: '', ...await this.judgeRead(entry) };
    } catch (fault) {
      if (isPolicyFault(fault)) return { verdict: 'malformed', detail: fault.message, entry };
      if (!(fault instanceof Refusal)) throw fault;
      return { verdict: fault.verdict, detail: fault.message === fault.verdict ? '' : fault.message, entry };
    }
  }

  /*
   * Whether it may be the first thing said with a key that its owner never proved to hold: after it,
   * nobody else can claim that key.
   */
  mayBind(bytes) {
    const open = [...this.keys.values()].filter(({ hint, proven, said }) => hint && !proven && !said);
    if (!open.length) return false;
    const text = utf8Text(bytes) ?? '';
    return open.some(({ hint }) => text.includes(JSON.stringify(hint)));
  }

  /* Whether what was said at `index` with this key is disputed by its signatory since. */
  isDisputed(index, key) {
    return key !== undefined && key.role !== 'root' && key.fromIndex <= index && index < key.revokedAt;
  }
}
