/*
 * conversation.js: a case as its reporter sees it: what lies in the reply box, opened, verified and
 * in order, with the files that came in parts; and what the next event of the reporter continues.
 */
import { fetchJson } from '../ui/api.js';
import { concatBytes, fromBase64, sha256Hex } from '../verify/bytes.js';
import { envelopeOf, statementOf, verifyEnvelope } from '../verify/dsse.js';
import { verifyEntry } from '../verify/verify.js';
import { openSealed, unpackContent } from '../seal/seal.js';
import { listReplies, readReply } from './mailbox.js';

const EVENT_TYPE = 'urn:entente:predicate:case-event:1';
const ACK_TYPE = 'urn:entente:predicate:case-ack:1';
const REPLY_ROLES = ['issuer', 'root'];
const EMPTY_SHA256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
const WITNESSED = ['verified', 'stale', 'unwitnessed'];

/* The Ed25519 key in "NAME+HEX8+BASE64" as verifyEnvelope() takes it; null for others. */
function verifierKey(text) {
  const parts = text.split('+');
  const tagged = parts.length >= 3 ? fromBase64(parts.slice(2).join('+')) : null;
  return tagged?.length === 33 && tagged[0] === 1 ? { hint: parts.slice(0, 2).join('+'), bytes: tagged.subarray(1), text } : null;
}

/* The keys that may speak for a signatory, with the entries that say so. */
function keysOf(signatory) {
  const delegated = signatory.keys.filter(({ role, status }) => REPLY_ROLES.includes(role) && status === 'in-force')
    .map(({ key, index }) => ({ ...verifierKey(key), index }));
  const roots = signatory.single_key ? signatory.root.keys.map((key) => ({ ...verifierKey(key), index: signatory.joined?.index })) : [];
  return [...delegated, ...roots].filter(({ bytes }) => bytes);
}

/* Whether the log lets a key speak in cases: a delegation may be for statements of other kinds alone. */
const speaksInCases = ({ role, delegations }) => role === 'root' || delegations.some(({ predicates }) => !predicates || predicates.includes(EVENT_TYPE));

/* Whether a predicate has what is read of it here; anybody may have written it. */
function isReadable({ case: id, time, seq, from, stream, event, fields, attachments = [] }) {
  return [id, time, from, stream, event].every((text) => typeof text === 'string') && Number.isSafeInteger(seq) && Boolean(fields)
    && Array.isArray(attachments) && attachments.every((file) => typeof file?.name === 'string' && file.size >= 0);
}

/* What tells a file from others. */
const fileKey = (id, stream, sha256, size) => [id, stream, sha256, size].join(' ');

export class Conversation {
  constructor(reporter, log) {
    this.reporter = reporter;
    this.log = log;
    this.seen = new Set(); /* numbers of messages */
    this.events = []; /* {event, hash, signer}, in order of time */
    this.acks = []; /* predicates of case-ack:1 */
    this.parts = new Map(); /* file -> Map of offset -> bytes, of files that events announce */
    this.early = []; /* parts that came before their event: [json, data] */
    this.whole = new Map(); /* file -> bytes, checked */
    this.signatories = new Map();
    this.proofs = new Map(); /* index -> state */
  }

  /* Reads what is new. FALSE: there is no such box yet. */
  async read() {
    const numbers = await listReplies(this.reporter.box);
    if (!numbers) return false;
    for (const number of numbers.filter((one) => !this.seen.has(one))) {
      await this.take(await readReply(this.reporter.box, number));
      this.seen.add(number);
    }
    for (const [json, data] of this.early.splice(0)) await this.takePart(json, data);
    this.events.sort((left, right) => left.event.time.localeCompare(right.event.time) || left.event.seq - right.event.seq || left.hash.localeCompare(right.hash));
    return true;
  }

  /* Anyone who knows the box can put things into it: what cannot be read is nothing. */
  async take(sealed) {
    try {
      const { json, data } = unpackContent(await openSealed(sealed, [this.reporter.seal]));
      if (json.type === 'part') await this.takePart(json, data);
      if (json.type === 'event' || json.type === 'ack') await this.takeEnvelope(json.envelope);
    } catch (fault) {
      console.warn('a message was left out:', fault.message);
    }
  }

  async takeEnvelope(value) {
    const envelope = envelopeOf(value);
    const { predicateType, predicate } = statementOf(envelope);
    const isOwn = predicate.from === this.reporter.from;
    if (predicate.log !== this.log) return;
    if (predicateType === ACK_TYPE && predicate.author === this.reporter.from && !predicate.refused) this.acks.push(predicate);
    if (predicateType !== EVENT_TYPE || !(isOwn || predicate.to?.includes(this.reporter.from))) return;
    if (!isReadable(predicate)) return;
    const hash = await sha256Hex(envelope.payload);
    if (this.events.some((other) => other.hash === hash)) return;
    const signer = isOwn ? await this.ownSignature(envelope) : await this.signerOf(predicate.from, envelope);
    this.events.push({ event: predicate, hash, signer });
  }

  async ownSignature(envelope) {
    const { signers } = await verifyEnvelope(envelope, [{ hint: '', bytes: this.reporter.sign.public }]);
    return { state: signers ? 'verified' : 'failed' };
  }

  async signerOf(id, envelope) {
    const signatory = await this.signatory(id);
    if (!signatory) return { state: 'unknown' };
    const keys = keysOf(signatory);
    const { outcomes } = await verifyEnvelope(envelope, keys);
    const good = outcomes.find(({ outcome }) => outcome === 'good');
    if (!good) return { state: outcomes.some(({ outcome }) => outcome === 'bad') ? 'failed' : 'unknown', name: signatory.name };
    return { state: await this.keyProof(keys[good.key], signatory), name: signatory.name };
  }

  async signatory(id) {
    if (!/^[0-9a-f]{64}$/.test(id)) return null;
    if (!this.signatories.has(id)) this.signatories.set(id, await fetchJson(`/api/v1/signatories/${id}`).catch(() => null));
    const found = this.signatories.get(id);
    return found?.id === id ? found : null;
  }

  /* Whether the log says that the key is the signatory's; "claimed" where that was not computed. */
  async keyProof({ index, text, bytes }, signatory) {
    if (index === undefined) return 'claimed';
    if (!this.proofs.has(index)) this.proofs.set(index, await verifyEntry(index, {}));
    const { state, statement, signer, register } = this.proofs.get(index);
    if (!WITNESSED.includes(state)) return state === 'failed' ? 'failed' : 'claimed';
    const { predicate, subject: [{ digest }] } = statement;
    const names = (predicate.key === text && REPLY_ROLES.includes(predicate.role)) || predicate.root?.keys?.includes(text);
    const key = register.keyOf(bytes);
    if (!names || digest.sha256 !== signatory.id || signer.domain !== signatory.domain || !key || !speaksInCases(key)) return 'failed';
    /* A root key that a recovery replaced since speaks for nobody; a revoked one is 'past' above. */
    return signer.disputed || (predicate.root && !key.inForce) ? 'claimed' : 'verified';
  }

  /* What no event announces is nothing; bytes are whole when their hash is the attachment's. */
  async takePart(json, data) {
    const { case: id, stream, attachment, size, offset } = json;
    const key = fileKey(id, stream, attachment, size);
    if (this.whole.has(key) || !Number.isSafeInteger(offset) || offset + data.length > size) return;
    if (!this.events.some(({ event }) => event.attachments?.some((file) => fileKey(event.case, event.stream, file.sha256, file.size) === key))) {
      this.early.push([json, data]);
      return;
    }
    const parts = this.parts.get(key) ?? new Map();
    parts.set(offset, data);
    this.parts.set(key, parts);
    if ([...parts.values()].reduce((sum, part) => sum + part.length, 0) < size) return;
    const bytes = concatBytes(...[...parts.entries()].sort(([left], [right]) => left - right).map(([, part]) => part));
    this.parts.delete(key);
    if (await sha256Hex(bytes) === attachment) this.whole.set(key, bytes);
  }

  /* The bytes of a file that an event announces; of an empty one no part ever comes. */
  attachment(event, { sha256, size }) {
    if (size === 0 && sha256 === EMPTY_SHA256) return new Uint8Array(0);
    return this.whole.get(fileKey(event.case, event.stream, sha256, size));
  }

  /* Bytes of all files that the reporter announced after the report. */
  announced() {
    const own = this.events.filter(({ event, signer }) => event.from === this.reporter.from && event.seq > 1 && signer.state === 'verified');
    return own.flatMap(({ event }) => event.attachments ?? []).reduce((sum, { size }) => sum + size, 0);
  }

  /* The signatory whom the case is with. */
  other() {
    return this.events.find(({ event }) => event.from !== this.reporter.from)?.event.from;
  }

  /* What the signatory has of the reporter: the last acknowledged event, or a later own one. */
  last() {
    const own = this.events.filter(({ event, signer }) => event.from === this.reporter.from && signer.state === 'verified')
      .map(({ event, hash }) => ({ seq: event.seq, hash }));
    return [...own, ...this.acks].reduce((last, one) => (one.seq > (last?.seq ?? 0) ? one : last), null);
  }

  canWrite() {
    return !!this.last() && !!this.other();
  }

  /* The members of the next event that follow from those before. */
  next() {
    const { seq, hash } = this.last();
    const [{ event }] = this.events.filter(({ event: { from } }) => from !== this.reporter.from);
    const heads = {};
    for (const { event: { from, seq: at }, hash: head } of this.events) {
      if (from !== this.reporter.from && at > (heads[from]?.at ?? 0)) heads[from] = { at, head };
    }
    return {
      case: event.case,
      kind: event.kind,
      seq: seq + 1,
      previous: hash,
      heads: Object.fromEntries(Object.entries(heads).map(([from, { head }]) => [from, head])),
      machine: event.machine,
      tlp: event.tlp,
    };
  }
}
