/* checkpoint.js: origin, size and root of a log, the text of a note (C2SP tlog-checkpoint). */
import { fromBase64, fromDecimal } from './bytes.js';
import { HASH_SIZE } from './merkle.js';
import { NoteFault } from './note.js';

/* {origin, size (BigInt), root}; extension lines are read over. Throws NoteFault. */
export function parseCheckpoint(text) {
  const [origin, sizeText, rootText, ...rest] = text.endsWith('\n') ? text.slice(0, -1).split('\n') : [];
  const size = sizeText === undefined ? null : fromDecimal(sizeText);
  const root = rootText === undefined ? null : fromBase64(rootText);
  if (!origin) throw new NoteFault('not a checkpoint: line 1 is no origin');
  if (size === null) throw new NoteFault('not a checkpoint: line 2 is no size');
  if (root?.length !== HASH_SIZE) throw new NoteFault('not a checkpoint: line 3 is no root');
  if (rest.some((line) => !line)) throw new NoteFault('not a checkpoint: a line is empty');
  return { origin, size, root };
}
