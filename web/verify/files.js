/*
 * files.js: what somebody hands over to be verified: offline proofs, entries, envelopes, disclosures,
 * reports and documents, told apart by what is in them and put together by what they say.
 */
import { fromHex, sha256Hex, toHex, utf8Bytes, utf8Text } from './bytes.js';
import { JsonFault, canonicalJson, readJson } from './json.js';
import { isIncluded, leafHash } from './merkle.js';
import { canonicalEnvelope, envelopeOf, isEnvelopeFault } from './dsse.js';
import { isPolicyFault, readCommunityPolicy } from './policy.js';
import { StepFault, input } from './steps.js';
import { parseProof } from './tlog_proof.js';
import { reportData } from '../data.js';

const PROOF_HEAD = 'c2sp.org/tlog-proof@';
const ASSESSMENT_SCHEMA = 'entente/assessment/1';
const DISCLOSURE_SCHEMA = 'entente/disclosure/1';
const COMMITMENTS = 'rfc6962-sha256-salt32-jcs';
const COMMITMENT_COUNT = 1 << 24;
const SALT_SIZE = 32;
const HASH_BYTES = 32;

function kindOfJson(value) {
  if (value === null || typeof value !== 'object') return 'document';
  if (value.schema === DISCLOSURE_SCHEMA) return 'disclosure';
  if (value.schema === ASSESSMENT_SCHEMA) return 'assessment';
  if (typeof value.payload === 'string' && typeof value.payloadType === 'string') return 'envelope';
  return Array.isArray(value.log_keys) && Array.isArray(value.members) ? 'policy' : 'document';
}

function jsonOf(bytes) {
  try {
    return readJson(bytes);
  } catch (fault) {
    if (fault instanceof JsonFault) return undefined;
    throw fault;
  }
}

/* {name, bytes, kind, value (of JSON), digest}; kinds: proof, envelope, disclosure, assessment, policy, document. */
export async function readFile(name, bytes) {
  const file = { name, bytes, kind: 'document', digest: await sha256Hex(bytes) };
  const text = utf8Text(bytes);
  if (text?.startsWith(PROOF_HEAD)) return { ...file, kind: 'proof' };
  const report = text && /^\s*<!doctype html/i.test(text) ? await reportData(text) : null;
  if (report) {
    const inside = utf8Bytes(report.text);
    const digest = await sha256Hex(inside);
    return { ...file, kind: 'assessment', value: jsonOf(inside), inside, digest, says: report.sha256 };
  }
  const value = jsonOf(bytes);
  return value === undefined ? file : { ...file, kind: kindOfJson(value), value };
}

/* The policy in a file. Throws NoteFault or PolicyFault. */
export async function policyOfFile({ value }) {
  return readCommunityPolicy({ ...value, version: value.version ?? 1, previous: value.previous ?? null });
}

/* --- putting together --- */

async function isProvenBy(proof, bytes) {
  const { index, path, checkpoint } = proof;
  return isIncluded(await leafHash(bytes), index, checkpoint.size, path, checkpoint.root);
}

/* The bytes that stood in the log: an envelope in its one form, anything else as it is. */
function entryBytes({ bytes, value, kind }) {
  try {
    if (kind === 'envelope') return canonicalEnvelope(envelopeOf(value));
  } catch (fault) {
    if (!isEnvelopeFault(fault)) throw fault;
  }
  return bytes;
}

/* Of several files, the one that a proof proves; of one, that one, whatever the proof says. */
async function entryOf(proofFile, others) {
  let proof;
  try {
    proof = parseProof(proofFile.bytes);
  } catch {
    return others[0]; /* its step will say what is wrong */
  }
  for (const file of others) if (await isProvenBy(proof, entryBytes(file))) return file;
  return others.find(({ kind }) => kind === 'envelope') ?? others[0];
}

/*
 * What is to be verified: [{title, proof?, entry?, envelope?, openings?, documents}], each file in
 * one of them, and those that nothing can be said of.
 */
export async function groupFiles(files) {
  const of = (...kinds) => files.filter(({ kind }) => kinds.includes(kind));
  const documents = of('document', 'assessment');
  const taken = new Set();
  const jobs = [];
  for (const proof of of('proof')) {
    const entry = await entryOf(proof, of('envelope').concat(documents));
    if (entry) taken.add(entry);
    jobs.push({ title: proof.name, proof, entry: entry && { ...entry, bytes: entryBytes(entry) }, documents: documents.filter((file) => file !== entry) });
  }
  for (const envelope of of('envelope')) if (!taken.has(envelope)) jobs.push({ title: envelope.name, entry: { ...envelope, bytes: entryBytes(envelope) }, documents });
  for (const disclosure of of('disclosure')) {
    const { envelope, entries } = disclosure.value;
    jobs.push({ title: disclosure.name, entry: { bytes: entryBytes({ kind: 'envelope', value: envelope, bytes: canonicalJson(envelope ?? null) }) }, openings: entries ?? [], documents });
  }
  const signed = jobs.length > 0;
  return { jobs, alone: signed ? [] : documents };
}

/* --- openings --- */

function rootOf(statement) {
  const { algorithm, root, count } = statement.predicate?.commitments ?? {};
  const hash = fromHex(root, HASH_BYTES);
  if (algorithm !== COMMITMENTS || !hash || !Number.isSafeInteger(count) || count < 0 || count > COMMITMENT_COUNT) {
    throw new StepFault('malformed', [input('detail', `the commitments are not of the kind ${COMMITMENTS}`)]);
  }
  return { hash, count: BigInt(count) };
}

async function isOpened({ index, salt, value, path }, root) {
  const bytes = fromHex(salt, SALT_SIZE);
  const hashes = Array.isArray(path) ? path.map((hash) => fromHex(hash, HASH_BYTES)) : [null];
  if (!bytes || hashes.includes(null) || !Number.isSafeInteger(index) || index < 0 || value === undefined) throw new StepFault('malformed');
  const canonical = canonicalJson(value);
  const entry = new Uint8Array(SALT_SIZE + canonical.length);
  entry.set(bytes);
  entry.set(canonical, SALT_SIZE);
  return isIncluded(await leafHash(entry), BigInt(index), root.count, hashes, root.hash);
}

/* The inputs of the step "openings": each opened value must be one that the statement commits to. */
export async function openingInputs(statement, openings) {
  const root = rootOf(statement);
  const inputs = [input('root', toHex(root.hash), 'hash'), input('opened', openings.length, 'number')];
  if (!openings.length) throw new StepFault('malformed', inputs);
  for (const opening of openings) {
    if (!await isOpened(opening, root)) throw new StepFault('opening', [...inputs, input('index', opening.index, 'number')]);
  }
  return inputs;
}

export function isFileFault(fault) {
  return isPolicyFault(fault) || isEnvelopeFault(fault);
}

