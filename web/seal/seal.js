/*
 * seal.js: sealed messages, as src/seal/seal.h describes them, made and opened in memory.
 *
 * Recipients are public keys of 32 bytes; who opens has {key, public} (hpke.js). What cannot be
 * opened is a SealFault.
 */
import { concatBytes, fromBase64, sameBytes, sha256, toBase64, toHex, utf8Bytes } from '../verify/bytes.js';
import { canonicalJson, readJson } from '../verify/json.js';
import { HPKE_ENC_SIZE, SealFault, hpkeReceiver, hpkeSender } from './hpke.js';
import { padme } from './padme.js';

const SEAL_HEAD = concatBytes(utf8Bytes('ENTSEAL1'), new Uint8Array([0x00, 0x20, 0x00, 0x01, 0x00, 0x02]));
const SEAL_HEAD_SIZE = SEAL_HEAD.length + 1;
const SEAL_INFO = utf8Bytes('entente/seal/1');
const SEAL_KEY_SIZE = 32;
const SEAL_KEY_ID_SIZE = 8;
const SEAL_KEY_PREFIX = 'x25519:';
const SEAL_RECIPIENTS = 255;
const SEAL_RECIPIENT_SIZE = 88;
const SEAL_LENGTH_SIZE = 8;
const SEAL_CHUNK = 1 << 20;
const SEAL_TAG = 16;
const SEAL_LARGEST = 2 ** 48;
const CONTENT_JSON = 1 << 20;
const CONTENT_LENGTH_SIZE = 4;
const FINGERPRINT_DIGITS = 32;
/* Points of small order with their one encoding: all scalars take them to zero (RFC 7748, 6.1). */
const SEAL_SMALL_ORDER = [
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  'e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800',
  '5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'];

/* Below 2^255 - 19, in little endian. */
function isCanonicalPoint(bytes) {
  if (bytes[31] !== 0x7f) return bytes[31] < 0x7f;
  return bytes[0] < 0xed || bytes.subarray(1, 31).some((byte) => byte !== 0xff);
}

/* The bytes of "x25519:BASE64", or null: what nobody should seal to is no key. */
export function parseSealKey(text) {
  const bytes = typeof text === 'string' && text.startsWith(SEAL_KEY_PREFIX) ? fromBase64(text.slice(SEAL_KEY_PREFIX.length)) : null;
  return bytes?.length === SEAL_KEY_SIZE && isCanonicalPoint(bytes) && !SEAL_SMALL_ORDER.includes(toHex(bytes)) ? bytes : null;
}

export function sealKeyText(bytes) {
  return SEAL_KEY_PREFIX + toBase64(bytes);
}

/* To be compared by telephone: 8 groups of 4 digits of SHA-256. */
export async function sealFingerprint(bytes) {
  return toHex(await sha256(bytes)).slice(0, FINGERPRINT_DIGITS).match(/.{4}/g).join(' ');
}

async function sealKeyId(bytes) {
  return (await sha256(bytes)).subarray(0, SEAL_KEY_ID_SIZE);
}

/* The size of `content` bytes when sealed to so many recipients. */
export function sealedSize(content, recipients) {
  const text = padme(SEAL_LENGTH_SIZE + content);
  return SEAL_HEAD_SIZE + recipients * SEAL_RECIPIENT_SIZE + text + Math.ceil(text / SEAL_CHUNK) * SEAL_TAG;
}

/* be88(chunk) || u8 last. */
function chunkParameters(chunk, last, headHash) {
  const iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(7, chunk);
  iv[11] = last ? 1 : 0;
  return { name: 'AES-GCM', iv, additionalData: headHash, tagLength: 8 * SEAL_TAG };
}

async function wrapFor(recipient, start, contentKey) {
  const { enc, context } = await hpkeSender(recipient, SEAL_INFO);
  return concatBytes(await sealKeyId(recipient), enc, await context.seal(start, contentKey));
}

/* u64 length || content || zeros up to Padme. */
function paddedText(content) {
  const text = new Uint8Array(padme(SEAL_LENGTH_SIZE + content.length));
  new DataView(text.buffer).setBigUint64(0, BigInt(content.length));
  text.set(content, SEAL_LENGTH_SIZE);
  return text;
}

export async function sealBytes(content, recipients) {
  if (!recipients.length || recipients.length > SEAL_RECIPIENTS) throw new SealFault('malformed', 'no recipients, or too many');
  if (new Set(recipients.map(toHex)).size < recipients.length) throw new SealFault('malformed', 'the same key is a recipient twice');
  const contentKey = crypto.getRandomValues(new Uint8Array(32));
  const start = concatBytes(SEAL_HEAD, new Uint8Array([recipients.length]));
  const head = concatBytes(start, ...await Promise.all(recipients.map((recipient) => wrapFor(recipient, start, contentKey))));
  const key = await crypto.subtle.importKey('raw', contentKey, 'AES-GCM', false, ['encrypt']);
  contentKey.fill(0);
  const headHash = await sha256(head);
  const text = paddedText(content);
  const parts = [head];
  for (let at = 0; at < text.length; at += SEAL_CHUNK) {
    const last = at + SEAL_CHUNK >= text.length;
    parts.push(new Uint8Array(await crypto.subtle.encrypt(chunkParameters(at / SEAL_CHUNK, last, headHash), key, text.subarray(at, at + SEAL_CHUNK))));
  }
  return concatBytes(...parts);
}

/* The head with its recipients. */
function headOf(sealed) {
  const count = sealed[SEAL_HEAD.length];
  if (sealed.length < SEAL_HEAD_SIZE || !sameBytes(sealed.subarray(0, SEAL_HEAD.length), SEAL_HEAD) || !count) {
    throw new SealFault('malformed', 'not a sealed message of a kind known here');
  }
  const head = sealed.subarray(0, SEAL_HEAD_SIZE + count * SEAL_RECIPIENT_SIZE);
  if (head.length < SEAL_HEAD_SIZE + count * SEAL_RECIPIENT_SIZE) throw new SealFault('malformed', 'cut short within its recipients');
  return head;
}

/* Two keys may have one id: each that fits is tried. */
async function findContentKey(head, secrets) {
  let named = false;
  for (const secret of secrets) {
    const id = await sealKeyId(secret.public);
    for (let at = SEAL_HEAD_SIZE; at < head.length; at += SEAL_RECIPIENT_SIZE) {
      if (!sameBytes(head.subarray(at, at + SEAL_KEY_ID_SIZE), id)) continue;
      named = true;
      const enc = head.subarray(at + SEAL_KEY_ID_SIZE, at + SEAL_KEY_ID_SIZE + HPKE_ENC_SIZE);
      const wrapped = head.subarray(at + SEAL_KEY_ID_SIZE + HPKE_ENC_SIZE, at + SEAL_RECIPIENT_SIZE);
      try {
        const context = await hpkeReceiver(enc, secret, SEAL_INFO);
        return await context.open(head.subarray(0, SEAL_HEAD_SIZE), wrapped);
      } catch (fault) {
        if (!(fault instanceof SealFault)) throw fault;
      }
    }
  }
  throw named ? new SealFault('altered', 'its content key does not authenticate') : new SealFault('others', 'sealed to none of the keys here');
}

/* The content in an opened text; there is one way to pad it. */
function contentOf(text) {
  const length = text.length < SEAL_LENGTH_SIZE ? -1 : Number(new DataView(text.buffer).getBigUint64(0));
  if (length < 0 || length > SEAL_LARGEST || padme(SEAL_LENGTH_SIZE + length) !== text.length ||
      text.subarray(SEAL_LENGTH_SIZE + length).some((byte) => byte)) {
    throw new SealFault('malformed', 'is not padded as it should be');
  }
  return text.subarray(SEAL_LENGTH_SIZE, SEAL_LENGTH_SIZE + length);
}

export async function openSealed(sealed, secrets) {
  const head = headOf(sealed);
  const contentKey = await findContentKey(head, secrets);
  const key = await crypto.subtle.importKey('raw', contentKey, 'AES-GCM', false, ['decrypt']);
  const headHash = await sha256(head);
  const body = sealed.subarray(head.length);
  const step = SEAL_CHUNK + SEAL_TAG;
  const parts = [];
  for (let at = 0; at === 0 || at < body.length; at += step) {
    const part = body.subarray(at, at + step);
    const parameters = chunkParameters(at / step, at + step >= body.length, headHash);
    try {
      if (part.length <= SEAL_TAG) throw new RangeError('no text');
      parts.push(new Uint8Array(await crypto.subtle.decrypt(parameters, key, part)));
    } catch {
      throw new SealFault('altered', `altered or cut short (chunk ${at / step + 1})`);
    }
  }
  return contentOf(concatBytes(...parts));
}

/* The content of a message: u32 length of the JSON || JSON || data (src/seal/content.h). */
export function packContent(value, data) {
  const json = canonicalJson(value);
  if (json.length > CONTENT_JSON) throw new SealFault('malformed', 'the message is too long');
  const length = new Uint8Array(CONTENT_LENGTH_SIZE);
  new DataView(length.buffer).setUint32(0, json.length);
  return concatBytes(length, json, data ?? new Uint8Array(0));
}

/* {json, data} of a content; a SealFault or a JsonFault when it is malformed. */
export function unpackContent(content) {
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  const length = content.length < CONTENT_LENGTH_SIZE ? Infinity : view.getUint32(0);
  if (length > Math.min(content.length - CONTENT_LENGTH_SIZE, CONTENT_JSON)) throw new SealFault('malformed', 'cut short');
  const json = readJson(content.subarray(CONTENT_LENGTH_SIZE, CONTENT_LENGTH_SIZE + length));
  if (json === null || typeof json !== 'object' || Array.isArray(json)) throw new SealFault('malformed', 'not a JSON object');
  return { json, data: content.subarray(CONTENT_LENGTH_SIZE + length) };
}
