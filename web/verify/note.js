/*
 * note.js: signed notes and the keys that sign them (C2SP signed-note, tlog-cosignature).
 *
 * A line whose name and id belong to no given key is ignored; one that belongs to a given key must
 * verify, or the whole note is refused. Faults are thrown as NoteFault.
 */
import { concatBytes, fromBase64, fromHex, sha256, toBase64, toHex, utf8Bytes, utf8Text } from './bytes.js';
import { PUBLIC_KEY_SIZE, SIGNATURE_SIZE, isSignedBy } from './ed25519.js';

export const KEY_ED25519 = 0x01;
export const KEY_COSIGNATURE = 0x04;
const NOTE_BYTES = 1 << 20;
const NOTE_SIGNATURES = 100;
const KEY_ID_BYTES = 4;
const TIME_BYTES = 8;
const DASH = '\u2014 ';
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;

export class NoteFault extends Error {}

/* Not empty, no Unicode space, no control, no '+'. */
export function isKeyName(name) {
  return name !== '' && !/[+\p{Zs}\p{Zl}\p{Zp}\p{Cc}]/u.test(name);
}

async function noteKeyId(name, type, bytes) {
  return (await sha256(utf8Bytes(`${name}\n`), Uint8Array.of(type), bytes)).subarray(0, KEY_ID_BYTES);
}

export async function makeNoteKey(name, type, bytes) {
  const id = toHex(await noteKeyId(name, type, bytes));
  return { name, type, bytes, id, hint: `${name}+${id}`, text: `${name}+${id}+${toBase64(concatBytes(Uint8Array.of(type), bytes))}` };
}

/* A verification key (vkey), NAME+ID+BASE64, of the type 0x01 or 0x04; its id must recompute. */
export async function parseNoteKey(text) {
  const first = text.indexOf('+');
  const second = text.indexOf('+', first + 1);
  const id = first > 0 && second > 0 ? fromHex(text.slice(first + 1, second), KEY_ID_BYTES) : null;
  const tagged = id ? fromBase64(text.slice(second + 1)) : null;
  const name = text.slice(0, first);
  if (!id || !isKeyName(name)) throw new NoteFault('not a verification key: NAME+ID+BASE64');
  if (tagged?.length !== 1 + PUBLIC_KEY_SIZE || (tagged[0] !== KEY_ED25519 && tagged[0] !== KEY_COSIGNATURE)) {
    throw new NoteFault(`the key of ${name} is neither Ed25519 nor an Ed25519 cosigner's`);
  }
  const key = await makeNoteKey(name, tagged[0], tagged.subarray(1));
  if (key.id !== toHex(id)) throw new NoteFault(`the key of ${name} was altered: its id does not fit it`);
  return key;
}

function parseSignature(line) {
  const space = line.indexOf(' ', DASH.length);
  const blob = line.startsWith(DASH) && space > 0 ? fromBase64(line.slice(space + 1)) : null;
  const name = line.slice(DASH.length, space);
  if (!blob || blob.length <= KEY_ID_BYTES || !isKeyName(name)) return null;
  return { name, id: toHex(blob.subarray(0, KEY_ID_BYTES)), bytes: blob.subarray(KEY_ID_BYTES) };
}

/* {bytes, text (with its last LF), signatures: [{name, id, bytes}]} */
export function parseNote(bytes) {
  const all = bytes.length <= NOTE_BYTES ? utf8Text(bytes) : null;
  if (!all || CONTROL.test(all)) throw new NoteFault('not a signed note: not a text of lines in UTF-8');
  const blank = all.lastIndexOf('\n\n');
  if (blank < 0 || blank + 2 === all.length || !all.endsWith('\n')) {
    throw new NoteFault('not a signed note: no signature lines behind a blank line');
  }
  const signatures = all.slice(blank + 2, -1).split('\n').map((line, at) => {
    const signature = parseSignature(line);
    if (!signature) throw new NoteFault(`not a signed note: signature line ${at + 1} is malformed`);
    return signature;
  });
  if (signatures.length > NOTE_SIGNATURES) throw new NoteFault(`more than ${NOTE_SIGNATURES} signatures`);
  return { bytes, text: all.slice(0, blank + 1), signatures };
}

/* What a cosigner signs: cosignature/v1, its time, the text. */
export function cosignedMessage(text, time) {
  return utf8Bytes(`cosignature/v1\ntime ${time}\n${text}`);
}

/* The time of a signature that verifies (0n: a plain one); null when it does not. */
async function verifiedTime(key, signature, text) {
  if (key.type === KEY_ED25519) return (await isSignedBy(key.bytes, signature.bytes, utf8Bytes(text))) ? 0n : null;
  if (signature.bytes.length !== TIME_BYTES + SIGNATURE_SIZE) return null;
  const time = BigInt(`0x${toHex(signature.bytes.subarray(0, TIME_BYTES))}`);
  if (time >> 63n) return null;
  const signed = await isSignedBy(key.bytes, signature.bytes.subarray(TIME_BYTES), cosignedMessage(text, time));
  return signed ? time : null;
}

const isOf = (signature, key) => signature.name === key.name && signature.id === key.id;

/*
 * Judges a note: {verdict, signers: [{key (index), time}], bad (the key whose line is false)};
 * verdicts: 'ok', 'no-verified-signature', 'invalid-signature', 'ambiguous-key'.
 */
export async function verifyNote(note, keys) {
  const ambiguous = keys.some((key, at) => keys.slice(0, at).some((other) => other.name === key.name && other.id === key.id));
  if (ambiguous) return { verdict: 'ambiguous-key', signers: [] };
  const signers = new Map();
  for (const signature of note.signatures) {
    const at = keys.findIndex((key) => isOf(signature, key));
    if (at < 0) continue;
    const time = await verifiedTime(keys[at], signature, note.text);
    if (time === null) return { verdict: 'invalid-signature', signers: [], bad: keys[at] };
    if (!signers.has(at)) signers.set(at, { key: at, time });
  }
  return { verdict: signers.size ? 'ok' : 'no-verified-signature', signers: [...signers.values()] };
}
