/*
 * receipt.js: what a reporter without account keeps: 128 random bits as 8 words, of which keys and
 * the box of replies follow. The twin of src/seal/reporter.c, which explains the form.
 */
import { sha256Hex, toBase64, toHex, utf8Bytes } from '../verify/bytes.js';
import { STATEMENT_PAYLOAD, preAuthentication } from '../verify/dsse.js';
import { canonicalJson } from '../verify/json.js';
import { hkdf, importEd25519, importX25519 } from './hpke.js';
import { sealKeyText } from './seal.js';

const RECEIPT_BYTES = 16;
const RECEIPT_WORDS = 8;
const NUMBER_DIGITS = 16;
const REPORTER_NAME = 'reporter';
const CONSONANTS = 'bdfghjklmnprstvz';
const VOWELS = 'aiou';
/* The letters of a word: which alphabet, how many bits, and how far they are shifted. */
const LETTERS = [[CONSONANTS, 4, 12], [VOWELS, 2, 10], [CONSONANTS, 4, 6], [VOWELS, 2, 4], [CONSONANTS, 4, 0]];

export function newReceipt() {
  return crypto.getRandomValues(new Uint8Array(RECEIPT_BYTES));
}

function wordOf(number) {
  return LETTERS.map(([alphabet, bits, shift]) => alphabet[(number >> shift) & ((1 << bits) - 1)]).join('');
}

/* "lusab-babad-…" */
export function receiptWords(bits) {
  return Array.from({ length: RECEIPT_WORDS }, (_, at) => wordOf((bits[2 * at] << 8) | bits[2 * at + 1])).join('-');
}

function numberOf(word) {
  if (word.length !== LETTERS.length) return null;
  let number = 0;
  for (const [at, [alphabet, , shift]] of LETTERS.entries()) {
    const value = alphabet.indexOf(word[at]);
    if (value < 0) return null;
    number |= value << shift;
  }
  return number;
}

/* The bits of 8 words in either case, between them '-' or white space; null when they are none. */
export function parseReceipt(text) {
  const words = text.toLowerCase().split(/[- \t\r\n]+/).filter(Boolean);
  const numbers = words.map(numberOf);
  if (words.length !== RECEIPT_WORDS || numbers.includes(null)) return null;
  return Uint8Array.from(numbers.flatMap((number) => [number >> 8, number & 0xff]));
}

/* The box of replies to an X25519 public key. */
export function replyBox(publicKey) {
  return sha256Hex(publicKey);
}

/*
 * All that follows of the bits: `seal` {key, public} opens replies, `sign` {key, public} signs
 * events, `from` and `replyKey` name them in events; box and number.
 */
export async function reporterOf(bits) {
  const [sealSeed, signSeed] = await Promise.all([
    hkdf(bits, 'entente/receipt/1/x25519', 32), hkdf(bits, 'entente/receipt/1/ed25519', 32)]);
  const [seal, sign] = await Promise.all([importX25519(sealSeed), importEd25519(signSeed)]);
  sealSeed.fill(0);
  signSeed.fill(0);
  const box = await replyBox(seal.public);
  return { seal, sign, from: `key:${toHex(sign.public)}`, replyKey: sealKeyText(seal.public), box, number: box.slice(0, NUMBER_DIGITS) };
}

/* The first four bytes of SHA-256(name LF 0x01 key), as the program names keys. */
async function keyHint(publicKey) {
  const named = new Uint8Array([...utf8Bytes(`${REPORTER_NAME}\n`), 1, ...publicKey]);
  return `${REPORTER_NAME}+${(await sha256Hex(named)).slice(0, 8)}`;
}

/* A statement signed by the reporter: the DSSE envelope as JSON, and its payload. */
export async function signStatement(reporter, statement) {
  const payload = canonicalJson(statement);
  const message = preAuthentication(STATEMENT_PAYLOAD, payload);
  const signature = new Uint8Array(await crypto.subtle.sign('Ed25519', reporter.sign.key, message));
  const signatures = [{ keyid: await keyHint(reporter.sign.public), sig: toBase64(signature) }];
  return { envelope: { payload: toBase64(payload), payloadType: STATEMENT_PAYLOAD, signatures }, payload };
}
