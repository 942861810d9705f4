/*
 * verify.js: the face of the verifier. Everything is computed here, in the reader's browser, from
 * what the node serves and from the genesis policy in the page; the node's own verdicts are not
 * asked for.
 *
 *     const verifier = await pageVerifier();         // of this page; null where it cannot verify
 *     const found = await verifier.verifyCheckpoint({ onChange });
 *     const found = await verifier.verifyEntry(index, { onChange, everything });
 *
 * Both give {state, steps, checkpoint, margins, logTime, policy}, an entry also {index, statement,
 * envelope, bytes, proof, signer: {name, domain, key, disputed}}. `state` is one of
 *
 *     'verified'     every step that applies was computed here and holds: the only green one
 *     'failed'       what was served is false; `steps` says where. Red, and final
 *     'stale'        true, but the witnesses' last word is older than the policy allows: frozen?
 *     'unwitnessed'  true, but this community asks no witness: the log's word alone
 *     'disputed'     said, but with a key that its signatory revoked since from there on
 *     'past'         said, but no longer in force: revoked, run out, withdrawn or replaced since
 *     'draw'         said, but part of what makes it count is not judged by a browser: the lot
 *     'unknown'      the network, or more than a browser reads: says nothing
 *     'cannot'       this page or browser has no cryptography (plain http, old browser)
 *
 * `steps` are those of steps.js. `onChange(steps)` is called while they are done. The largest
 * checkpoint that was verified stays in the browser's storage, and every later one must continue it.
 */
import { fromBase64, sha256Hex, toBase64, toHex, utf8Bytes } from './bytes.js';
import { parseCheckpoint } from './checkpoint.js';
import { canVerify } from './ed25519.js';
import { entryStatement, isEnvelopeFault, parseEntry, parseEnvelope, preAuthentication, statementOf, verifyEnvelope } from './dsse.js';
import { openingInputs } from './files.js';
import { canonicalJson, readJson } from './json.js';
import { CheckpointMemory } from './memory.js';
import { isIncluded, leafHash } from './merkle.js';
import { NoteFault, parseNote, verifyNote } from './note.js';
import { readCommunityPolicy } from './policy.js';
import { judgeCheckpoint } from './quorum.js';
import { CommunityRegister, kindOfEntry } from './register.js';
import { standingNow } from './standing.js';
import { STEP_IDS, StepFault, Steps, input } from './steps.js';
import { BUNDLE_WIDTH, NetworkTrouble, TileReader, fetchBytes } from './tiles.js';
import { parseProof } from './tlog_proof.js';

const READ_AT_ONCE = 20000; /* entries that are read without asking */
const HISTORY_BYTES = 8 << 20;
const LENGTH_SIZE = 4;
const OF_A_FILE = ['policy', 'signer', 'document'];
const OF_CHECKPOINT = STEP_IDS.filter((id) => !['leaf', 'inclusion', 'signer', 'document'].includes(id));

export class Verifier {
  /*
   * `policy`: the genesis policy as policy.js reads it; `base`: what the node's paths stand below, or
   * null where no node may be asked.
   */
  constructor({ policy, base, memory = new CheckpointMemory(), now = () => BigInt(Math.floor(Date.now() / 1000)) }) {
    this.genesis = policy;
    this.base = base;
    this.memory = memory;
    this.now = now;
    this.reader = new TileReader(base);
  }

  remembered() {
    return this.memory.recall(this.genesis.origin);
  }

  /* --- checkpoint --- */

  async verifyCheckpoint({ onChange, everything } = {}) {
    const steps = new Steps(OF_CHECKPOINT, onChange);
    const found = { steps };
    await this.policyStep(steps, found);
    await this.checkpointSteps(steps, found, () => this.reader.checkpoint(), everything);
    if (!steps.ended) await this.readPolicies(steps, found, everything);
    await this.memoryStep(steps, found);
    return Object.assign(found, { state: steps.state() });
  }

  /* The policy that judges: the one in force when this browser last looked, else the genesis policy. */
  async policyStep(steps, found) {
    const remembered = this.remembered();
    const isOurs = remembered?.genesis === this.genesis.hash;
    found.policy = isOurs ? await readCommunityPolicy(remembered.policy) : this.genesis;
    found.read = isOurs ? remembered.read : 0;
    steps.set('policy', 'ok', '', this.policyInputs(found));
  }

  policyInputs({ policy }) {
    return [
      input('genesis', this.genesis.hash, 'hash'),
      input('version', policy.version, 'number'),
      ...(policy.hash === this.genesis.hash ? [] : [input('policy', policy.hash, 'hash')]),
      ...policy.witnesses.groups.slice(0, -1).map((group) =>
        input(`group.${group.name}`, { needed: group.threshold, members: group.members.map(({ index }) => policy.witnesses.witnesses[index].name) }, 'group')),
    ];
  }

  /* Note, checkpoint, and by whom it is signed. */
  async checkpointSteps(steps, found, getNote, everything) {
    await steps.run('note', async () => {
      found.note = parseNote(await getNote());
      return [input('signatures', found.note.signatures.map(({ name }) => name), 'list')];
    });
    await steps.run('checkpoint', () => {
      found.checkpoint = parseCheckpoint(found.note.text);
      const { origin, size, root } = found.checkpoint;
      const inputs = [input('origin', origin, 'code'), input('size', size, 'number'), input('root', toHex(root), 'hash')];
      if (origin !== this.genesis.origin) throw new StepFault('unknown-log', [...inputs, input('expected', this.genesis.origin, 'code')]);
      this.reader.trust(found.checkpoint);
      return inputs;
    });
    if (steps.ended) return;
    if (await this.isOfAnotherPolicy(found)) {
      if (this.base) await this.readPolicies(steps, found, everything);
      if (steps.ended) return;
      /* A later policy may ask for others: what does not suffice by this one is not false. */
      if (!this.base || steps.step('policy').state === 'unknown') {
        steps.end('log-signature', new StepFault('other-policy', [], 'unknown'));
        return;
      }
    }
    await this.signatureSteps(steps, found);
  }

  /* Whether nothing is false and yet this policy does not suffice: a later one may. */
  async isOfAnotherPolicy({ policy, note }) {
    const { reason, bad, logSigned } = await judgeCheckpoint(policy.witnesses, note, 0n);
    return !bad && (reason === 'quorum' || !logSigned);
  }

  async signatureSteps(steps, found) {
    const { note, policy } = found;
    let verdict = null;
    await steps.run('log-signature', async () => {
      const keys = policy.logKeys.map(({ text }) => input('key', text, 'code'));
      if ((await verifyNote(note, policy.logKeys)).verdict !== 'ok') throw new StepFault('signature', keys);
      return keys;
    });
    await steps.run('cosignatures', async () => {
      verdict = await judgeCheckpoint(policy.witnesses, note, found.isOld ? 0n : this.now());
      if (verdict.reason === 'signature') throw new StepFault('signature', [input('key', verdict.bad.text, 'code')]);
      found.margins = verdict.margins;
      found.logTime = verdict.logTime;
      return verdict.signers.map(({ witness, time }) => input('cosigned', { name: policy.witnesses.witnesses[witness].name, time }, 'cosignature'));
    });
    await steps.run('quorum', () => {
      const inputs = verdict.margins.map((margin) => input(`group.${margin.group}`, margin, 'margin'));
      if (verdict.reason === 'quorum') throw new StepFault('quorum', inputs);
      if (verdict.reason === 'stale') return { state: 'warning', reason: 'stale', inputs: [...inputs, input('max-age', policy.maxAge, 'duration')] };
      return policy.witnesses.none ? { state: 'warning', reason: 'unwitnessed', inputs } : inputs;
    });
  }

  /* --- the policy in force --- */

  /* Looks for policies among the entries that were not read before. */
  async readPolicies(steps, found, everything) {
    const size = Number(found.checkpoint.size);
    if (found.read >= size) return;
    if (size - found.read > READ_AT_ONCE && !everything) {
      steps.set('policy', 'unknown', 'too-large', [...this.policyInputs(found), input('entries', size - found.read, 'number')]);
      return;
    }
    try {
      if (await this.hasPolicyFrom(found.read, size)) await this.foldLog(found, {});
      else found.read = size;
      await this.policyChanged(steps, found);
    } catch (fault) {
      steps.end('policy', fault);
    }
  }

  async hasPolicyFrom(first, size) {
    for (let number = Math.floor(first / BUNDLE_WIDTH); number * BUNDLE_WIDTH < size; number++) {
      const entries = await this.reader.bundle(number);
      if (entries.some((bytes, at) => number * BUNDLE_WIDTH + at >= Math.max(first, 1) && kindOfEntry(bytes) === 'policy')) return true;
    }
    return false;
  }

  /* After a later policy came into force, what was judged by the one before is judged again. */
  async policyChanged(steps, found) {
    const inForce = found.register?.policyAt(Number(found.checkpoint.size)) ?? found.policy;
    const changed = inForce.hash !== found.policy.hash;
    found.policy = inForce;
    steps.set('policy', 'ok', '', this.policyInputs(found));
    if (changed && steps.step('quorum').state !== 'pending') await this.signatureSteps(steps, found);
  }

  /*
   * Folds the whole log; gives what was judged of entry `index`, whose bytes are in `found`.
   * `onProgress(entries read)`; `judgesAll`: every entry, and not only what decides.
   */
  async foldLog(found, { index = -1, onProgress, judgesAll = false }) {
    const register = await new CommunityRegister(this.genesis).start();
    if (index >= 0) register.focusOn(found.bytes);
    register.judgesAll ||= judgesAll;
    const size = Number(found.checkpoint.size);
    let judged = null;
    for (let number = 0; number * BUNDLE_WIDTH < size; number++) {
      for (const bytes of await this.reader.bundle(number)) {
        const isWanted = register.size === index;
        if (isWanted) found.entryTime = await this.entryTime(index, register);
        const verdict = await register.fold(bytes, isWanted ? Number(found.entryTime) * 1000 : 0, isWanted);
        if (isWanted) judged = verdict;
      }
      onProgress?.(Math.min(size, (number + 1) * BUNDLE_WIDTH), size);
    }
    found.register = register;
    found.read = size;
    return judged;
  }

  /*
   * The log time of an entry: the median cosignature time of the first trusted checkpoint in the
   * log's history that includes it; 0n when there is none. Leaving one out only makes it younger.
   */
  async entryTime(index, register) {
    let history;
    try {
      history = await fetchBytes(`${this.base}history`, HISTORY_BYTES);
    } catch (trouble) {
      if (trouble instanceof NetworkTrouble) return 0n;
      throw trouble;
    }
    for (let at = 0; at + LENGTH_SIZE <= history.length;) {
      const length = new DataView(history.buffer, history.byteOffset + at, LENGTH_SIZE).getUint32(0);
      const record = history.subarray(at + LENGTH_SIZE, at + LENGTH_SIZE + length);
      at += LENGTH_SIZE + length;
      const time = await this.momentTime(record, index, register);
      if (time) return time;
    }
    return 0n;
  }

  async momentTime(record, index, register) {
    try {
      const note = parseNote(record);
      const { size } = parseCheckpoint(note.text);
      if (size <= BigInt(index) || size > BigInt(this.reader.size)) return 0n;
      const { reason, checkpoint, logTime } = await judgeCheckpoint(register.policyAt(Number(size)).witnesses, note, 0n);
      return reason === '' && await this.reader.continues(checkpoint) ? logTime : 0n;
    } catch (fault) {
      if (fault instanceof NoteFault) return 0n;
      throw fault;
    }
  }

  /* --- entry --- */

  async verifyEntry(index, { onChange, onProgress, everything } = {}) {
    const steps = new Steps(STEP_IDS, onChange);
    const found = { steps, index };
    await this.policyStep(steps, found);
    await this.checkpointSteps(steps, found, () => this.readEntry(found), everything);
    await this.entrySteps(steps, found);
    if (!steps.ended) await this.signerStep(steps, found, { everything, onProgress });
    await steps.run('document', () => documentInputs(found));
    await this.memoryStep(steps, found);
    await this.standingStep(steps, found);
    return Object.assign(found, { state: steps.state() });
  }

  /* The entry and its proof as the node gives them; the note in the proof is what is judged. */
  async readEntry(found) {
    const answer = readJson(await fetchBytes(`${this.base}api/v1/entries/${found.index}`));
    found.bytes = answer.entry ? canonicalJson(answer.entry) : fromBase64(String(answer.bytes));
    found.proofBytes = utf8Bytes(String(answer.proof));
    if (!found.bytes) throw new StepFault('malformed');
    found.proof = parseProof(found.proofBytes);
    return found.proof.note.bytes;
  }

  async entrySteps(steps, found) {
    await steps.run('leaf', async () => {
      found.leaf = await leafHash(found.bytes);
      return [input('bytes', found.bytes.length, 'number'), input('leaf', toHex(found.leaf), 'hash')];
    });
    await steps.run('inclusion', async () => {
      const { proof, leaf, index } = found;
      const { size, root } = proof.checkpoint;
      const inputs = [input('index', index, 'number'), input('path', proof.path.map(toHex), 'list'), input('root', toHex(root), 'hash')];
      if (proof.index !== BigInt(index)) throw new StepFault('other-entry', inputs);
      if (!await isIncluded(leaf, proof.index, size, proof.path, root)) throw new StepFault('proof', inputs);
      return inputs;
    });
  }

  /* Who said it, by the keys in force at its index: the log is read from its beginning. */
  async signerStep(steps, found, { everything, onProgress }) {
    const size = Number(found.checkpoint.size);
    await steps.run('signer', async () => {
      readStatement(found);
      if (size > READ_AT_ONCE && !everything) return { state: 'unknown', reason: 'too-large', inputs: [input('entries', size, 'number')] };
      const judged = await this.foldLog(found, { index: found.index, onProgress });
      found.judged = judged;
      return signerFound(found, judged);
    });
    if (found.register) await this.policyChanged(steps, found);
  }

  /* Whether it still holds, for what can end; where the log was not read, step "signer" says so. */
  async standingStep(steps, found) {
    if (steps.ended || !found.judged) return;
    const standing = await standingNow(found.register, found.judged, Number(this.now()) * 1000);
    if (standing) await steps.run(steps.add('standing'), () => standing);
  }

  /* --- files --- */

  /*
   * Verifies what was handed over (a job of files.js): an entry, with its proof where there is one
   * or the log has one. `keys`: trusted besides, as note.js has them. Without a log to read (an
   * offline file) the signer is one of these keys or of the policy's, and no more is said of it.
   */
  async verifyFiles(job, { keys = [], onChange, onProgress, everything } = {}) {
    const proofBytes = job.proof?.bytes ?? await this.proofOf(job.entry);
    const ids = proofBytes ? STEP_IDS : STEP_IDS.filter((id) => OF_A_FILE.includes(id));
    const steps = new Steps(job.openings ? [...ids, 'openings'] : ids, onChange);
    const found = { steps, job, bytes: job.entry?.bytes, isOld: true, keys };
    await this.policyStep(steps, found);
    const options = { everything, onProgress };
    if (proofBytes) await this.proofSteps(steps, found, proofBytes, everything);
    if (!steps.ended) await (proofBytes && this.base ? this.signerStep(steps, found, options) : this.givenKeyStep(steps, found));
    await steps.run('document', () => documentInputs(found, job.documents));
    if (job.openings) await steps.run('openings', () => openingInputs(found.statement, job.openings));
    if (proofBytes) await this.oldMemoryStep(steps, found);
    await this.standingStep(steps, found);
    return Object.assign(found, { state: steps.state() });
  }

  /* The proof that the node has of an entry; null when it has none. */
  async proofOf(entry) {
    if (!this.base || !entry) return null;
    try {
      return await fetchBytes(`${this.base}api/v1/proofs/${toHex(await leafHash(entry.bytes))}`);
    } catch (trouble) {
      if (trouble instanceof NetworkTrouble) return null;
      throw trouble;
    }
  }

  async proofSteps(steps, found, bytes, everything) {
    await this.checkpointSteps(steps, found, () => {
      found.proofBytes = bytes;
      found.proof = parseProof(bytes);
      found.index = Number(found.proof.index);
      return found.proof.note.bytes;
    }, everything);
    if (steps.ended) return;
    if (!found.bytes) steps.end('leaf', new StepFault('no-entry', [], 'unknown'));
    else await this.entrySteps(steps, found);
  }

  /* By a key that was given or that the policy names: whether it was in force is not known here. */
  async givenKeyStep(steps, found) {
    await steps.run('signer', async () => {
      readStatement(found, parseEnvelope);
      const keys = [...found.keys, ...found.policy.members.flatMap(({ root }) => root.keys)];
      const { outcomes, signers } = await verifyEnvelope(found.envelope, keys);
      const good = outcomes.filter(({ outcome }) => outcome === 'good').map(({ key }) => input('key', keys[key].text, 'code'));
      const hints = found.envelope.signatures.map(({ keyid }) => input('keyid', keyid));
      if (!outcomes.length || outcomes.some(({ outcome }) => outcome === 'bad')) throw new StepFault('signature', hints);
      if (!signers) throw new StepFault('unknown-key', hints, 'unknown');
      return { state: 'warning', reason: 'key-as-given', inputs: good };
    });
  }

  /* A proof may be older than what is remembered: then that must continue it. */
  async oldMemoryStep(steps, found) {
    const remembered = this.base ? this.remembered() : null;
    await steps.run('memory', async () => {
      if (!remembered) return { state: 'skipped', reason: this.base ? 'first-visit' : 'offline', inputs: [] };
      const { size, root } = found.checkpoint;
      const inputs = [input('remembered-size', remembered.size, 'number'), input('size', size, 'number'), input('root', toHex(root), 'hash')];
      const [older, newer] = size < remembered.size ? [found.checkpoint, remembered] : [remembered, found.checkpoint];
      this.reader.trust(newer);
      if (!await this.reader.continues(older)) throw new StepFault('split-view', inputs);
      return inputs;
    });
  }

  /* --- memory --- */

  async memoryStep(steps, found) {
    await steps.run('memory', async () => {
      const remembered = this.remembered();
      if (!remembered) return { state: 'skipped', reason: 'first-visit', inputs: [] };
      const { size, root } = found.checkpoint;
      const inputs = [
        input('remembered-size', remembered.size, 'number'), input('remembered-root', toHex(remembered.root), 'hash'),
        input('remembered-time', BigInt(Math.floor(remembered.time / 1000)), 'time'),
        input('size', size, 'number'), input('root', toHex(root), 'hash'),
      ];
      found.evidence = { remembered: remembered.note, shown: toBase64(found.note.bytes) };
      if (size < remembered.size) throw new StepFault('rolled-back', inputs);
      if (!await this.reader.continues(remembered)) throw new StepFault('split-view', inputs);
      return inputs;
    });
    const state = steps.state();
    if (state !== 'failed' && steps.step('memory').state !== 'unknown' && !steps.ended) this.remember(found);
  }

  remember({ checkpoint, note, policy, read }) {
    const { size, root, origin } = checkpoint;
    this.memory.remember(origin, { size: Number(size), root: toHex(root), note: toBase64(note.bytes), time: Date.now(), genesis: this.genesis.hash, policy: policy.predicate, read });
  }
}

function readStatement(found, parse = parseEntry) {
  try {
    found.envelope = parse(found.bytes);
    found.statement = parse === parseEntry ? entryStatement(found.envelope) : statementOf(found.envelope);
  } catch (fault) {
    if (isEnvelopeFault(fault)) throw new StepFault('malformed', [input('detail', fault.message)]);
    throw fault;
  }
}

async function signerFound(found, judged) {
  const { envelope, register } = found;
  const message = preAuthentication(envelope.type, envelope.payload);
  const inputs = [
    input('message', await sha256Hex(message), 'hash'),
    ...(found.entryTime ? [input('log-time', found.entryTime, 'time')] : []),
  ];
  if (judged.verdict) throw new StepFault(judged.verdict, [...inputs, ...(judged.detail ? [input('detail', judged.detail)] : [])]);
  const { signatory, key } = judged;
  const disputed = register.isDisputed(found.index, key);
  found.signer = { id: signatory?.id, name: signatory?.name ?? register.genesis.origin, domain: signatory?.domain, role: key.role, key: key.text, disputed };
  inputs.push(input('signed-by', found.signer.name), input('role', key.role), input('key', key.text, 'code'));
  if (judged.unjudged) return { state: 'warning', reason: judged.unjudged, inputs };
  return disputed ? { state: 'warning', reason: 'disputed', inputs: [...inputs, input('revoked-at', key.revokedAt, 'number')] } : inputs;
}

/* What the statement is about: for statements of the protocol it must follow from themselves. */
async function documentInputs({ statement, signer }, documents = []) {
  const { subject: [{ name, digest }], predicateType, predicate } = statement;
  const inputs = [input('subject', name ?? ''), input('digest', digest.sha256 ?? '', 'hash')];
  const kind = predicateType.split(':').at(-2);
  const own = (Object.hasOwn(SUBJECTS, kind) && await SUBJECTS[kind](predicate ?? {}, signer)) || null;
  if (own !== null && own !== digest.sha256) throw new StepFault('digest', [...inputs, input('expected', own, 'hash')]);
  if (own !== null) return inputs;
  if (documents.some((file) => file.digest === digest.sha256)) return inputs;
  if (!documents.length) return { state: 'skipped', reason: 'no-document', inputs };
  throw new StepFault('digest', [...inputs, ...documents.map((file) => input('file-digest', file.digest, 'hash'))]);
}

const bySigner = (predicate, signer) => signer?.id ?? null;
const SUBJECTS = {
  attestation: ({ signatory }) => signatory,
  commitment: bySigner,
  contact: bySigner,
  delegation: bySigner,
  endorsement: bySigner,
  'legal-position': bySigner,
  'norm-report': bySigner,
  policy: (predicate) => sha256Hex(canonicalJson(predicate)),
  recovery: bySigner,
  review: ({ assessment }) => assessment,
  revocation: bySigner,
  succession: ({ old }) => sha256Hex(fromBase64(String(old?.note)) ?? new Uint8Array(0)),
};

/* Compares a file with the digest in a verified statement; the step "document" says how it went. */
export async function compareDocument(found, bytes) {
  const expected = found.statement.subject[0].digest.sha256;
  const digest = await sha256Hex(bytes);
  const inputs = [input('digest', expected, 'hash'), input('file-digest', digest, 'hash')];
  found.steps.set('document', digest === expected ? 'ok' : 'failed', digest === expected ? '' : 'digest', inputs);
  found.state = found.steps.state();
  return found;
}

/* The genesis policy that stands in the page (its shell, or an offline file); null when there is none. */
export async function pagePolicy() {
  const text = document.getElementById('genesis')?.textContent.trim();
  return text ? readCommunityPolicy(readJson(utf8Bytes(text))) : null;
}

/*
 * The verifier of this page's node. null: this browser or page cannot verify (found.state is then
 * 'cannot'), or no community's policy stands in the page.
 */
export async function pageVerifier() {
  const policy = await canVerify() ? await pagePolicy() : null;
  return policy ? new Verifier({ policy, base: new URL('/', location.href).href }) : null;
}

/* For a badge beside a claim: the state alone, 'cannot' where nothing can be verified. */
export async function verifyCheckpoint(options) {
  const verifier = await pageVerifier();
  return verifier ? verifier.verifyCheckpoint(options) : { state: 'cannot', steps: null };
}

export async function verifyEntry(index, options) {
  const verifier = await pageVerifier();
  return verifier ? verifier.verifyEntry(index, options) : { state: 'cannot', steps: null };
}
