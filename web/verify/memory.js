/*
 * memory.js: the largest checkpoint of a log that this browser verified, and the policy that was in
 * force then; in localStorage, where a node cannot change what it showed before.
 *
 * {size, root (hex), note (base64), time (ms), genesis (hash), policy (predicate), read (entries read
 * for policies)}
 */
import { fromHex } from './bytes.js';

const MEMORY_PREFIX = 'entente.checkpoint.';

export class CheckpointMemory {
  constructor(storage = browserStorage()) {
    this.storage = storage;
  }

  /* null when nothing is remembered, or nothing can be. */
  recall(origin) {
    try {
      const value = JSON.parse(this.storage?.getItem(MEMORY_PREFIX + origin) ?? 'null');
      const root = fromHex(value?.root, 32);
      return root && Number.isSafeInteger(value.size) ? { ...value, root, size: BigInt(value.size) } : null;
    } catch {
      return null;
    }
  }

  remember(origin, value) {
    try {
      this.storage?.setItem(MEMORY_PREFIX + origin, JSON.stringify(value));
    } catch {
      /* a private window: then nothing is remembered */
    }
  }
}

function browserStorage() {
  try {
    return globalThis.localStorage;
  } catch {
    return null;
  }
}
