/*
 * dsse.js: signed envelopes (DSSE v1.0.2). What is signed is the pre-authentication encoding of
 * type and payload; a keyid is a hint that nothing vouches for.
 */
import { concatBytes, fromAnyBase64, sameBytes, toBase64, toHex, utf8Bytes } from './bytes.js';
import { SIGNATURE_SIZE, isSignedBy } from './ed25519.js';
import { JsonFault, canonicalJson, readJson } from './json.js';

export const STATEMENT_PAYLOAD = 'application/vnd.in-toto+json';
const STATEMENT_KIND = 'https://in-toto.io/Statement/v1';
const ENVELOPE_BYTES = 4 << 20;
const ENVELOPE_SIGNATURES = 100;

export class EnvelopeFault extends Error {}

export function preAuthentication(type, payload) {
  const name = utf8Bytes(type);
  return concatBytes(utf8Bytes(`DSSEv1 ${name.length} `), name, utf8Bytes(` ${payload.length} `), payload);
}

function readSignature(item, at) {
  const bytes = typeof item?.sig === 'string' ? fromAnyBase64(item.sig) : null;
  const keyid = item?.keyid ?? '';
  if (!bytes) throw new EnvelopeFault(`signature ${at + 1} has no "sig" in base64`);
  if (typeof keyid !== 'string') throw new EnvelopeFault(`the "keyid" of signature ${at + 1} is not text`);
  return { keyid, bytes };
}

/* The envelope of a JSON value: {type, payload, signatures: [{keyid, bytes}]}. */
export function envelopeOf(value) {
  const payload = typeof value?.payload === 'string' ? fromAnyBase64(value.payload) : null;
  if (!payload) throw new EnvelopeFault('not an envelope: "payload" is missing or is not base64');
  if (typeof value.payloadType !== 'string') throw new EnvelopeFault('not an envelope: "payloadType" is missing');
  if (!Array.isArray(value.signatures)) throw new EnvelopeFault('not an envelope: "signatures" is missing');
  if (value.signatures.length > ENVELOPE_SIGNATURES) throw new EnvelopeFault(`more than ${ENVELOPE_SIGNATURES} signatures`);
  return { type: value.payloadType, payload, signatures: value.signatures.map(readSignature) };
}

export function parseEnvelope(bytes) {
  if (bytes.length > ENVELOPE_BYTES) throw new EnvelopeFault('larger than an envelope may be');
  return envelopeOf(readJson(bytes));
}

/* The one form that stands in a log (RFC 8785, standard base64). */
export function canonicalEnvelope(envelope) {
  return canonicalJson({
    payload: toBase64(envelope.payload),
    payloadType: envelope.type,
    signatures: envelope.signatures.map(({ keyid, bytes }) => ({ keyid, sig: toBase64(bytes) })),
  });
}

/* Reads an entry of a log: an envelope in canonical form, and nothing else. */
export function parseEntry(bytes) {
  const envelope = parseEnvelope(bytes);
  if (!sameBytes(canonicalEnvelope(envelope), bytes)) throw new EnvelopeFault('the envelope is not in canonical form (RFC 8785)');
  return envelope;
}

/*
 * Judges each signature against `keys` (as note.js has them): {outcomes: [{outcome, key}], signers};
 * outcomes: 'good' with the key's index, 'bad', 'unknown'; signers counts distinct public keys.
 */
export async function verifyEnvelope(envelope, keys) {
  const message = preAuthentication(envelope.type, envelope.payload);
  const outcomes = await Promise.all(envelope.signatures.map(async ({ keyid, bytes }) => {
    for (let at = 0; at < keys.length && bytes.length === SIGNATURE_SIZE; at++) {
      if (await isSignedBy(keys[at].bytes, bytes, message)) return { outcome: 'good', key: at };
    }
    return { outcome: !keyid || keys.some((key) => key.hint === keyid) ? 'bad' : 'unknown' };
  }));
  const signed = outcomes.filter(({ outcome }) => outcome === 'good').map(({ key }) => toHex(keys[key].bytes));
  return { outcomes, signers: new Set(signed).size };
}

const isRecord = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

function isSubject(value) {
  const digests = isRecord(value) && isRecord(value.digest) ? Object.values(value.digest) : [];
  return digests.length > 0 && digests.every((hex) => typeof hex === 'string' && /^([0-9a-f]{2})+$/.test(hex)) &&
    (value.name === undefined || typeof value.name === 'string');
}

/* The in-toto statement of a payload: {subject, predicateType, predicate}. */
export function statementOf(envelope) {
  if (envelope.type !== STATEMENT_PAYLOAD) throw new EnvelopeFault('the payload is not an in-toto statement');
  const statement = readJson(envelope.payload);
  if (!isRecord(statement) || statement._type !== STATEMENT_KIND) throw new EnvelopeFault('the payload is not an in-toto statement');
  if (!Array.isArray(statement.subject) || !statement.subject.length || !statement.subject.every(isSubject)) {
    throw new EnvelopeFault('a subject of the statement has no digest in lower-case hex');
  }
  if (typeof statement.predicateType !== 'string' || !statement.predicateType ||
      (statement.predicate !== undefined && !isRecord(statement.predicate))) {
    throw new EnvelopeFault('the predicate of the statement has no type or is no object');
  }
  return statement;
}

/* The statement of an entry, whose payload is canonical too. */
export function entryStatement(envelope) {
  const statement = statementOf(envelope);
  if (!sameBytes(canonicalJson(statement), envelope.payload)) throw new EnvelopeFault('the payload is not in canonical form (RFC 8785)');
  return statement;
}

export function isEnvelopeFault(fault) {
  return fault instanceof EnvelopeFault || fault instanceof JsonFault;
}
