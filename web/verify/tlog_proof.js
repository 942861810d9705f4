/* tlog_proof.js: the offline proof of one entry (C2SP tlog-proof): index, path and checkpoint. */
import { fromBase64, fromDecimal, toBase64, utf8Bytes } from './bytes.js';
import { parseCheckpoint } from './checkpoint.js';
import { HASH_SIZE, PATH_LIMIT, isIncluded, leafHash } from './merkle.js';
import { NoteFault, parseNote } from './note.js';
import { judgeCheckpoint } from './quorum.js';

const PROOF_BYTES = (1 << 20) + 8192;
const PROOF_VERSION = 'c2sp.org/tlog-proof@v1';
const LINE_FEED = 10;

/* The lines up to the blank one, and where the note begins. */
function proofHead(bytes) {
  const lines = [];
  for (let at = 0; ;) {
    const end = bytes.indexOf(LINE_FEED, at);
    if (end < 0) throw new NoteFault('not an offline proof: no blank line before the checkpoint');
    if (end === at) return { lines, note: bytes.subarray(end + 1) };
    lines.push(new TextDecoder('latin1').decode(bytes.subarray(at, end)));
    at = end + 1;
  }
}

/* {index, path, note, checkpoint}. Throws NoteFault. */
export function parseProof(bytes) {
  if (bytes.length > PROOF_BYTES) throw new NoteFault('larger than an offline proof may be');
  const { lines, note: rest } = proofHead(bytes);
  if (lines.shift() !== PROOF_VERSION) throw new NoteFault(`not an offline proof: the first line is not "${PROOF_VERSION}"`);
  const extra = lines[0]?.startsWith('extra ') ? lines.shift().slice(6) : null;
  if (extra !== null && !fromBase64(extra)?.length) throw new NoteFault('not an offline proof: the extra data are not base64');
  const index = lines[0]?.startsWith('index ') ? fromDecimal(lines.shift().slice(6)) : null;
  if (index === null) throw new NoteFault('not an offline proof: no "index NUMBER"');
  if (lines.length > PATH_LIMIT) throw new NoteFault('not an offline proof: more than 63 hashes');
  const path = lines.map((line) => fromBase64(line));
  if (path.some((hash) => hash?.length !== HASH_SIZE)) throw new NoteFault('not an offline proof: a line is no hash');
  const note = parseNote(rest);
  const checkpoint = parseCheckpoint(note.text);
  if (index >= checkpoint.size) throw new NoteFault('the index is not below the size of the checkpoint');
  return { index, path, note, checkpoint };
}

export function proofText(index, path, noteBytes) {
  const head = [PROOF_VERSION, `index ${index}`, ...path.map(toBase64), '', ''].join('\n');
  return new Blob([utf8Bytes(head), noteBytes], { type: 'text/plain' });
}

/* The verdict on the checkpoint; 'proof' when it is signed and the path does not lead to its root. */
export async function judgeProof(proof, entry, policy, now) {
  const verdict = await judgeCheckpoint(policy, proof.note, now);
  if (verdict.reason === 'unknown-log' || verdict.reason === 'signature') return verdict;
  const leaf = await leafHash(entry);
  const included = await isIncluded(leaf, proof.index, proof.checkpoint.size, proof.path, proof.checkpoint.root);
  return included ? verdict : { ...verdict, reason: 'proof' };
}
