/*
 * hpke.js: HPKE (RFC 9180) in base mode with WebCrypto alone: DHKEM(X25519, HKDF-SHA256),
 * HKDF-SHA256, AES-256-GCM; the twin of src/seal/hpke.c.
 *
 * A public key is 32 bytes; a private one is {key, public}: a CryptoKey for deriveBits, and the
 * bytes of its public half.
 */
import { concatBytes, fromAnyBase64, utf8Bytes } from '../verify/bytes.js';

export const HPKE_ENC_SIZE = 32;
const HPKE_HASH_SIZE = 32;
const HPKE_NONCE_SIZE = 12;
const HPKE_TAG_BITS = 128;
const HPKE_VERSION = utf8Bytes('HPKE-v1');
const KEM_SUITE = concatBytes(utf8Bytes('KEM'), new Uint8Array([0x00, 0x20]));
const HPKE_SUITE = concatBytes(utf8Bytes('HPKE'), new Uint8Array([0x00, 0x20, 0x00, 0x01, 0x00, 0x02]));
const HPKE_MODE_BASE = new Uint8Array([0x00]);
const NO_BYTES = new Uint8Array(0);
/* PKCS#8 (RFC 8410) of a private key, up to its 32 bytes. */
const PKCS8_X25519 = new Uint8Array([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x6e, 4, 0x22, 4, 0x20]);
const PKCS8_ED25519 = new Uint8Array([0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20]);

/* What cannot be sealed or opened; `kind`: "malformed", "others" (sealed to them), "altered". */
export class SealFault extends Error {
  constructor(kind, message) {
    super(message);
    this.kind = kind;
  }
}

async function hmacSha256(key, ...parts) {
  const imported = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign('HMAC', imported, concatBytes(...parts)));
}

/* RFC 5869; an empty salt is zeros: WebCrypto takes no empty key, and this is the same one. */
function hkdfExtract(salt, ...ikm) {
  return hmacSha256(salt.length ? salt : new Uint8Array(HPKE_HASH_SIZE), ...ikm);
}

async function hkdfExpand(prk, length, ...info) {
  let block = NO_BYTES;
  const blocks = [];
  for (let number = 1; blocks.length * HPKE_HASH_SIZE < length; number++) {
    block = await hmacSha256(prk, block, ...info, new Uint8Array([number]));
    blocks.push(block);
  }
  return concatBytes(...blocks).subarray(0, length);
}

/* HKDF-SHA256 without salt. */
export async function hkdf(ikm, info, length) {
  return hkdfExpand(await hkdfExtract(NO_BYTES, ikm), length, utf8Bytes(info));
}

function labeledExtract(suite, salt, label, ikm) {
  return hkdfExtract(salt, HPKE_VERSION, suite, utf8Bytes(label), ikm);
}

function labeledExpand(suite, prk, label, info, length) {
  return hkdfExpand(prk, length, new Uint8Array([length >> 8, length & 0xff]), HPKE_VERSION, suite, utf8Bytes(label), info);
}

async function importPrivate(name, prefix, bytes, usages) {
  const pkcs8 = concatBytes(prefix, bytes);
  const open = await crypto.subtle.importKey('pkcs8', pkcs8, { name }, true, usages);
  const { x } = await crypto.subtle.exportKey('jwk', open);
  const key = await crypto.subtle.importKey('pkcs8', pkcs8, { name }, false, usages);
  pkcs8.fill(0);
  return { key, public: fromAnyBase64(x) };
}

/* An X25519 key of 32 private bytes. */
export function importX25519(bytes) {
  return importPrivate('X25519', PKCS8_X25519, bytes, ['deriveBits']);
}

/* An Ed25519 key of its seed. */
export function importEd25519(seed) {
  return importPrivate('Ed25519', PKCS8_ED25519, seed, ['sign']);
}

async function generateX25519() {
  const pair = await crypto.subtle.generateKey({ name: 'X25519' }, false, ['deriveBits']);
  return { key: pair.privateKey, public: new Uint8Array(await crypto.subtle.exportKey('raw', pair.publicKey)) };
}

/* ExtractAndExpand(dh, enc || pkR); WebCrypto refuses an all-zero dh (RFC 9180 section 7.1.4). */
async function sharedSecret(key, peer, enc, publicKey) {
  let dh;
  try {
    const imported = await crypto.subtle.importKey('raw', peer, { name: 'X25519' }, false, []);
    dh = new Uint8Array(await crypto.subtle.deriveBits({ name: 'X25519', public: imported }, key, 256));
  } catch {
    throw new SealFault('malformed', 'the X25519 key is a point of small order, or none');
  }
  const prk = await labeledExtract(KEM_SUITE, NO_BYTES, 'eae_prk', dh);
  dh.fill(0);
  return labeledExpand(KEM_SUITE, prk, 'shared_secret', concatBytes(enc, publicKey), HPKE_HASH_SIZE);
}

/* Decap: the KEM by itself. */
export function hpkeDecap(enc, secret) {
  return sharedSecret(secret.key, enc, enc, secret.public);
}

class HpkeContext {
  constructor(key, baseNonce, exporter) {
    this.key = key;
    this.baseNonce = baseNonce;
    this.exporter = exporter;
    this.sequence = 0;
  }

  parameters(aad) {
    const iv = this.baseNonce.slice();
    for (let at = HPKE_NONCE_SIZE - 1, rest = this.sequence; rest > 0; at--, rest = Math.floor(rest / 256)) {
      iv[at] ^= rest % 256;
    }
    return { name: 'AES-GCM', iv, additionalData: aad, tagLength: HPKE_TAG_BITS };
  }

  async seal(aad, text) {
    const sealed = await crypto.subtle.encrypt(this.parameters(aad), this.key, text);
    this.sequence++;
    return new Uint8Array(sealed);
  }

  async open(aad, sealed) {
    try {
      const text = await crypto.subtle.decrypt(this.parameters(aad), this.key, sealed);
      this.sequence++;
      return new Uint8Array(text);
    } catch {
      throw new SealFault('altered', 'does not authenticate: altered, or sealed under another key');
    }
  }

  export(label, length) {
    return labeledExpand(HPKE_SUITE, this.exporter, 'sec', label, length);
  }
}

async function keySchedule(shared, info) {
  const [pskIdHash, infoHash, secret] = await Promise.all([
    labeledExtract(HPKE_SUITE, NO_BYTES, 'psk_id_hash', NO_BYTES),
    labeledExtract(HPKE_SUITE, NO_BYTES, 'info_hash', info),
    labeledExtract(HPKE_SUITE, shared, 'secret', NO_BYTES)]);
  const schedule = concatBytes(HPKE_MODE_BASE, pskIdHash, infoHash);
  const [key, baseNonce, exporter] = await Promise.all([
    labeledExpand(HPKE_SUITE, secret, 'key', schedule, 32),
    labeledExpand(HPKE_SUITE, secret, 'base_nonce', schedule, HPKE_NONCE_SIZE),
    labeledExpand(HPKE_SUITE, secret, 'exp', schedule, HPKE_HASH_SIZE)]);
  return new HpkeContext(await crypto.subtle.importKey('raw', key, 'AES-GCM', false, ['encrypt', 'decrypt']), baseNonce, exporter);
}

/* SetupBaseS: {enc, context}. `ephemeral` is given by test vectors only. */
export async function hpkeSender(publicKey, info, ephemeral) {
  const own = ephemeral ?? await generateX25519();
  const shared = await sharedSecret(own.key, publicKey, own.public, publicKey);
  return { enc: own.public, context: await keySchedule(shared, info) };
}

/* SetupBaseR: the context. */
export async function hpkeReceiver(enc, secret, info) {
  return keySchedule(await hpkeDecap(enc, secret), info);
}
