/*
 * ed25519.js: Ed25519 as strict as the program: browsers accept points of small order and points
 * written in more than one way, libsodium does not; those are refused before the browser is asked.
 */
import { fromHex, toHex } from './bytes.js';

export const SIGNATURE_SIZE = 64;
export const PUBLIC_KEY_SIZE = 32;
const SIGN_BIT = 0x80;
/* The encodings of the points of order 1, 2, 4 and 8, without the sign of x. */
const SMALL_ORDER = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);
const importedKeys = new Map();

function withoutSign(point) {
  const copy = point.slice();
  copy[31] &= ~SIGN_BIT;
  return copy;
}

function isOfSmallOrder(point) {
  return SMALL_ORDER.has(toHex(withoutSign(point)));
}

/* y at or above p = 2^255 - 19: the same point has a shorter form. */
function isBeyondField(point) {
  const y = withoutSign(point);
  return y[31] === 0x7f && y[0] >= 0xed && y.subarray(1, 31).every((byte) => byte === 0xff);
}

async function importedKey(bytes) {
  const name = toHex(bytes);
  if (!importedKeys.has(name)) {
    importedKeys.set(name, await crypto.subtle.importKey('raw', bytes, { name: 'Ed25519' }, false, ['verify']));
  }
  return importedKeys.get(name);
}

/* Whether `signature` is the key's over `message`. */
export async function isSignedBy(key, signature, message) {
  if (key.length !== PUBLIC_KEY_SIZE || signature.length !== SIGNATURE_SIZE) return false;
  if (isOfSmallOrder(key) || isBeyondField(key) || isOfSmallOrder(signature.subarray(0, 32))) return false;
  try {
    return await crypto.subtle.verify('Ed25519', await importedKey(key), signature, message);
  } catch {
    return false;
  }
}

/* RFC 8032, 7.1, test 1: whether this browser can verify at all. */
export async function canVerify() {
  const key = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
  const signature = 'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b';
  if (!globalThis.crypto?.subtle) return false;
  return isSignedBy(fromHex(key, PUBLIC_KEY_SIZE), fromHex(signature, SIGNATURE_SIZE), new Uint8Array(0));
}
