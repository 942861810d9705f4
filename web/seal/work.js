/*
 * work.js: the work that a mailbox asks of who writes without a name (src/delivery/mailbox_request.h):
 * a nonce such that SHA-256(mailbox || SHA-256(body) || nonce) begins with so many zero bits.
 *
 * The browser's own SHA-256 answers later, each time; for some ten thousand tries that is too slow.
 * So the function stands here (FIPS 180-4). It guards nothing but the mailbox's patience.
 */
import { sha256, utf8Bytes } from '../verify/bytes.js';

const BLOCK_SIZE = 64;
const WORK_DIGEST_SIZE = 32;
const NONCE_DIGITS = 12;
const TRIES_AT_ONCE = 20000;
const LENGTH_AT = 14; /* the word of a block that holds the low half of the length in bits */
const ROUNDS = 64;
const STATE_WORDS = 8;
const WORD_BITS = 32;
const HASH_START = Int32Array.from(primesTo(STATE_WORDS), (prime) => fractionBits(Math.sqrt(prime)));
const ROUND_CONSTANTS = Int32Array.from(primesTo(ROUNDS), (prime) => fractionBits(Math.cbrt(prime)));

function primesTo(count) {
  const found = [];
  for (let number = 2; found.length < count; number++) {
    if (found.every((prime) => number % prime)) found.push(number);
  }
  return found;
}

/* The first 32 bits behind the point. */
function fractionBits(number) {
  return ((number - Math.floor(number)) * 2 ** 32) | 0;
}

const turn = (word, by) => (word >>> by) | (word << (32 - by));

/*
 * One block of 16 words into the state of 8: `out` gets the next state. `schedule` is room for 64.
 * It is run a million times: nothing is allocated in it.
 */
function compress(state, words, schedule, out) {
  schedule.set(words);
  for (let at = 16; at < ROUNDS; at++) {
    const before = schedule[at - 15];
    const last = schedule[at - 2];
    const low = turn(before, 7) ^ turn(before, 18) ^ (before >>> 3);
    const high = turn(last, 17) ^ turn(last, 19) ^ (last >>> 10);
    schedule[at] = schedule[at - 16] + low + schedule[at - 7] + high;
  }
  let a = state[0];
  let b = state[1];
  let c = state[2];
  let d = state[3];
  let e = state[4];
  let f = state[5];
  let g = state[6];
  let h = state[7];
  for (let at = 0; at < ROUNDS; at++) {
    const first = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUND_CONSTANTS[at] + schedule[at]) | 0;
    const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + second) | 0;
  }
  out[0] = state[0] + a;
  out[1] = state[1] + b;
  out[2] = state[2] + c;
  out[3] = state[3] + d;
  out[4] = state[4] + e;
  out[5] = state[5] + f;
  out[6] = state[6] + g;
  out[7] = state[7] + h;
}

function wordsOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return Int32Array.from({ length: bytes.length / 4 }, (_, at) => view.getInt32(4 * at));
}

/* The last block: digest of the body, nonce, the bit that ends the text, its length. */
function lastBlock(bodyDigest) {
  const block = new Uint8Array(BLOCK_SIZE);
  block.set(bodyDigest);
  block[WORK_DIGEST_SIZE + NONCE_DIGITS] = 0x80;
  const words = wordsOf(block);
  words[LENGTH_AT + 1] = 8 * (BLOCK_SIZE + WORK_DIGEST_SIZE + NONCE_DIGITS);
  return words;
}

/* The nonce's digits, four a word, as they stand in the text. */
function putNonce(words, digits) {
  for (let at = 0; at < NONCE_DIGITS; at += 4) {
    words[(WORK_DIGEST_SIZE + at) / 4] = (digits.charCodeAt(at) << 24) | (digits.charCodeAt(at + 1) << 16) |
      (digits.charCodeAt(at + 2) << 8) | digits.charCodeAt(at + 3);
  }
}

function zeroBits(state) {
  return state[0] ? Math.clz32(state[0]) : WORD_BITS + Math.clz32(state[1]);
}

/* A nonce worth `bits` for `body` in `mailbox` (64 digits); lets the page breathe meanwhile. */
export async function mailboxWork(mailbox, body, bits) {
  const schedule = new Int32Array(ROUNDS);
  const middle = new Int32Array(STATE_WORDS);
  const found = new Int32Array(STATE_WORDS);
  const words = lastBlock(await sha256(body));
  compress(HASH_START, wordsOf(utf8Bytes(mailbox)), schedule, middle);
  for (let number = 0; ; number++) {
    const digits = number.toString(16).padStart(NONCE_DIGITS, '0');
    putNonce(words, digits);
    compress(middle, words, schedule, found);
    if (zeroBits(found) >= bits) return digits;
    if (number % TRIES_AT_ONCE === TRIES_AT_ONCE - 1) await new Promise((resume) => { setTimeout(resume); });
  }
}
