/*
 * bytes.js: bytes and their texts, read strictly: one text for each value, or none.
 *
 * Sizes and indices of a log are BigInt; bytes are Uint8Array. What cannot be read is null.
 */
const LARGEST_SIZE = (1n << 63n) - 1n;
const BASE64_CHUNK = 0x8000;

export function concatBytes(...parts) {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

export function sameBytes(left, right) {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}

export function utf8Bytes(text) {
  return new TextEncoder().encode(text);
}

/* The text of bytes that are UTF-8; a byte order mark stays where it is. */
export function utf8Text(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

export function toBase64(bytes) {
  let binary = '';
  for (let at = 0; at < bytes.length; at += BASE64_CHUNK) {
    binary += String.fromCharCode(...bytes.subarray(at, at + BASE64_CHUNK));
  }
  return btoa(binary);
}

/* RFC 4648 section 4: padded, without spaces, and no bit set past the end. */
export function fromBase64(text) {
  if (text.length % 4 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  const last = bytes.subarray(bytes.length - (bytes.length % 3 || 3));
  return toBase64(last) === text.slice(text.length - 4) ? bytes : null;
}

/* The standard alphabet, or the one for addresses with or without its padding. */
export function fromAnyBase64(text) {
  const bytes = fromBase64(text);
  if (bytes || !/^[A-Za-z0-9_-]*={0,2}$/.test(text)) return bytes;
  const standard = text.replaceAll('-', '+').replaceAll('_', '/');
  return fromBase64(standard.endsWith('=') ? standard : standard.padEnd(Math.ceil(text.length / 4) * 4, '='));
}

export function toHex(bytes) {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/* Lower-case digits of exactly `size` bytes. */
export function fromHex(text, size) {
  if (typeof text !== 'string' || text.length !== 2 * size || !/^[0-9a-f]*$/.test(text)) return null;
  return Uint8Array.from({ length: size }, (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16));
}

/* A size or an index: no sign, no leading zero, below 2^63. */
export function fromDecimal(text) {
  if (!/^(0|[1-9][0-9]{0,18})$/.test(text)) return null;
  const value = BigInt(text);
  return value <= LARGEST_SIZE ? value : null;
}

export async function sha256(...parts) {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', parts.length === 1 ? parts[0] : concatBytes(...parts)));
}

export async function sha256Hex(bytes) {
  return toHex(await sha256(bytes));
}
