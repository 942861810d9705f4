/*
 * tiles.js: a log read through its tiles (C2SP tlog-tiles), believing nothing: a hash counts once
 * the root of a verified checkpoint was computed from it.
 *
 * A LogFault means that what was served contradicts the checkpoint: false. A NetworkTrouble means
 * that nothing can be said: unknown. Sizes and indices are Numbers here, below 2^53.
 */
import { sameBytes } from './bytes.js';
import { HASH_SIZE, isConsistent, largestPowerBelow, leafHash, nodeHash, treeRoot } from './merkle.js';

export const BUNDLE_WIDTH = 256;
const TILE_BITS = 8;
const LENGTH_BYTES = 2;
const BUNDLE_BYTES = BUNDLE_WIDTH * (LENGTH_BYTES + 65535);

export class LogFault extends Error {}
export class NetworkTrouble extends Error {}

/* The bytes at an address. Throws NetworkTrouble; `status` 404 stands in it. */
export async function fetchBytes(address, limit = BUNDLE_BYTES) {
  let answer;
  let bytes;
  try {
    answer = await fetch(address, { redirect: 'error', credentials: 'same-origin' });
    bytes = answer.ok ? new Uint8Array(await answer.arrayBuffer()) : null;
  } catch (cause) {
    throw new NetworkTrouble(`${address}: ${cause.message}`);
  }
  if (!bytes || bytes.length > limit) {
    const trouble = new NetworkTrouble(`${address}: ${bytes ? 'larger than it may be' : answer.status}`);
    trouble.status = answer.status;
    throw trouble;
  }
  return bytes;
}

/* "x001/x234/067" of 1234067. */
export function tileNumber(number) {
  const groups = [String(number % 1000).padStart(3, '0')];
  for (let rest = Math.floor(number / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  return groups.join('/');
}

/* The entries of a bundle: be16 length and bytes, using the whole file. */
export function splitBundle(bytes, count) {
  const entries = [];
  let at = 0;
  while (entries.length < count) {
    const length = at + LENGTH_BYTES <= bytes.length ? (bytes[at] << 8) | bytes[at + 1] : -1;
    if (length < 0 || at + LENGTH_BYTES + length > bytes.length) throw new LogFault('a bundle ends within an entry');
    entries.push(bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length));
    at += LENGTH_BYTES + length;
  }
  return { entries, whole: at === bytes.length };
}

export class TileReader {
  /* `base`: the address that "checkpoint" and "tile/" stand below, with its last "/". */
  constructor(base, get = fetchBytes) {
    this.base = base;
    this.get = get;
    this.files = new Map();
    this.trusted = new Set();
    this.size = 0;
  }

  /* Reads for this verified checkpoint from now on. Immutable files are kept. */
  trust(checkpoint) {
    if (checkpoint.size > BigInt(Number.MAX_SAFE_INTEGER)) throw new LogFault('the log is larger than a browser can count');
    if (this.root && this.size === Number(checkpoint.size) && sameBytes(this.root, checkpoint.root)) return;
    this.size = Number(checkpoint.size);
    this.root = checkpoint.root;
    this.trusted.clear();
  }

  checkpoint() {
    return this.get(`${this.base}checkpoint`);
  }

  /* A file of `width` items at most: the partial one, or the full one that took its place. */
  file(folder, number, width) {
    const path = `tile/${folder}/${tileNumber(number)}`;
    const name = width === BUNDLE_WIDTH ? path : `${path}.p/${width}`;
    if (!this.files.has(name)) {
      const fetched = this.get(this.base + name).catch((trouble) => {
        if (trouble.status !== 404 || name === path) throw trouble;
        return this.get(this.base + path);
      });
      this.files.set(name, fetched);
      fetched.catch(() => this.files.delete(name));
    }
    return this.files.get(name);
  }

  /* How many items the tile `number` of `level` has in a log of this size. */
  width(level, number) {
    return Math.min(BUNDLE_WIDTH, Math.floor(this.size / BUNDLE_WIDTH ** level) - number * BUNDLE_WIDTH);
  }

  async tile(level, number) {
    const width = this.width(level, number);
    const bytes = await this.file(String(level), number, width);
    if (bytes.length < width * HASH_SIZE) throw new LogFault(`tile ${level}/${number} is cut short`);
    return bytes;
  }

  /* The hash of the perfect subtree of 2^height leaves whose number is `number`. */
  async perfect(height, number) {
    const level = Math.floor(height / TILE_BITS);
    const count = 2 ** (height % TILE_BITS);
    const first = number * count;
    const tile = Math.floor(first / BUNDLE_WIDTH);
    const bytes = await this.tile(level, tile);
    const at = first - tile * BUNDLE_WIDTH;
    const hashes = Array.from({ length: count }, (_, each) => bytes.slice((at + each) * HASH_SIZE, (at + each + 1) * HASH_SIZE));
    return treeRoot(hashes);
  }

  /* MTH of [start, end) as the tiles have it, with `known` {start, end, hash} put in its place. */
  async range(start, end, known) {
    if (known && known.start === start && known.end === end) return known.hash;
    const holds = known && known.start >= start && known.end <= end;
    const count = end - start;
    const height = Math.log2(count);
    if (!holds && Number.isInteger(height) && start % count === 0) return this.perfect(height, start / count);
    const middle = start + largestPowerBelow(count);
    return nodeHash(await this.range(start, middle, known), await this.range(middle, end, known));
  }

  /* Whether the root of the checkpoint follows from `hash` as that of [start, end). */
  async follows(start, end, hash) {
    return sameBytes(await this.range(0, this.size, { start, end, hash }), this.root);
  }

  /* The entries of bundle `number` as served, unproven. */
  async served(number) {
    const width = this.width(0, number);
    if (width <= 0) throw new LogFault('the log has no such entry');
    const { entries, whole } = splitBundle(await this.file('entries', number, width), width);
    if (!whole && width === BUNDLE_WIDTH) throw new LogFault(`bundle ${number} has bytes behind its entries`);
    return entries;
  }

  /* The same, each proven under the checkpoint. Throws LogFault. */
  async bundle(number) {
    const start = number * BUNDLE_WIDTH;
    const entries = await this.served(number);
    const name = `${number}/${this.size}`;
    if (!this.trusted.has(name)) {
      const root = await treeRoot(await Promise.all(entries.map(leafHash)));
      if (!(await this.follows(start, start + entries.length, root))) {
        throw new LogFault(`the entries ${start} to ${start + entries.length - 1} as served are not those of the checkpoint`);
      }
      this.trusted.add(name);
    }
    return entries;
  }

  /* The inclusion path of `index`, leaf side first, from the tiles. */
  async path(index) {
    const steps = [];
    for (let start = 0, end = this.size; end - start > 1;) {
      const middle = start + largestPowerBelow(end - start);
      if (index < middle) {
        steps.unshift(this.range(middle, end));
        end = middle;
      } else {
        steps.unshift(this.range(start, middle));
        start = middle;
      }
    }
    return Promise.all(steps);
  }

  /* The consistency path from a log of `oldSize` (RFC 6962, 2.1.2). */
  async consistency(oldSize) {
    const walk = async (wanted, start, end, whole) => {
      if (wanted === end - start) return whole ? [] : [await this.range(start, end)];
      const left = largestPowerBelow(end - start);
      if (wanted <= left) return [...await walk(wanted, start, start + left, whole), await this.range(start + left, end)];
      return [...await walk(wanted - left, start + left, end, false), await this.range(start, start + left)];
    };
    return oldSize > 0 && oldSize < this.size ? walk(oldSize, 0, this.size, true) : [];
  }

  /* Whether the checkpoint continues an older one ({size, root}); both roots are computed. */
  async continues(older) {
    const oldSize = Number(older.size);
    if (oldSize > this.size) return false;
    return isConsistent(older.size, older.root, BigInt(this.size), this.root, await this.consistency(oldSize));
  }
}
