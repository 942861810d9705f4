/*
 * quorum.js: which checkpoints are believed (C2SP tlog-policy): witnesses in nested groups, and the
 * one group that must be satisfied. A group's members stand before it.
 *
 * A policy: {logs: [{key, url}], witnesses: [{name, key, url, organisation}],
 * groups: [{name, threshold, members: [{isGroup, index}]}], none, quorum: {isGroup, index}, maxAge}.
 */
import { fromDecimal, utf8Text } from './bytes.js';
import { parseCheckpoint } from './checkpoint.js';
import { KEY_COSIGNATURE, KEY_ED25519, NoteFault, parseNoteKey, verifyNote } from './note.js';

const POLICY_BYTES = 1 << 20;
const CLOCK_TOLERANCE = 300n;
const NOBODY = 'none';
const NOT_OF_A_POLICY = /[\u0000-\u0008\u000b-\u001f\u007f]/;
const ITEMS = { log: [1, 2], witness: [2, 3], group: [3, Infinity], quorum: [1, 1] };

export class PolicyFault extends Error {}

class PolicyText {
  constructor() {
    this.policy = { logs: [], witnesses: [], groups: [], none: false, quorum: null, maxAge: 0n };
    this.names = new Map();
    this.grouped = new Set();
    this.hasQuorum = false;
  }

  async key(text, type) {
    const key = await parseNoteKey(text);
    if (key.type !== type) throw new PolicyFault(`the key of ${key.name} is of another type`);
    return key;
  }

  url(text) {
    if (text !== undefined && !/^https?:\/\//.test(text)) throw new PolicyFault(`"${text}" is not a URL`);
    return text;
  }

  name(text, member) {
    if (text === NOBODY) throw new PolicyFault('"none" is reserved');
    if (this.names.has(text)) throw new PolicyFault(`"${text}" was defined before`);
    this.names.set(text, member);
  }

  member(text) {
    const member = this.names.get(text);
    if (!member) throw new PolicyFault(`"${text}" is no witness or group defined above`);
    return member;
  }

  async log([text, url]) {
    if (this.policy.logs.some((log) => log.key.text === text)) throw new PolicyFault('a log was named before');
    this.policy.logs.push({ key: await this.key(text, KEY_ED25519), url: this.url(url) });
  }

  async witness([name, text, url]) {
    const key = await this.key(text, KEY_COSIGNATURE);
    if (this.policy.witnesses.some((other) => String(other.key.bytes) === String(key.bytes))) {
      throw new PolicyFault(`the key of "${name}" is another witness' too`);
    }
    this.name(name, { isGroup: false, index: this.policy.witnesses.length });
    this.policy.witnesses.push({ name, key, url: this.url(url) });
  }

  threshold(text, count) {
    if (text === 'any') return 1;
    if (text === 'all') return count;
    const number = fromDecimal(text);
    if (!number || number > BigInt(count)) throw new PolicyFault(`"${text}" is no threshold of ${count} members`);
    return Number(number);
  }

  group([name, threshold, ...names]) {
    const members = names.map((each) => {
      const member = this.member(each);
      if (this.grouped.has(each)) throw new PolicyFault(`"${each}" is in a group already`);
      this.grouped.add(each);
      return member;
    });
    const number = this.threshold(threshold, members.length);
    this.name(name, { isGroup: true, index: this.policy.groups.length });
    this.policy.groups.push({ name, threshold: number, members });
  }

  quorum([name]) {
    if (this.hasQuorum) throw new PolicyFault('a second quorum');
    this.hasQuorum = true;
    this.policy.none = name === NOBODY;
    if (!this.policy.none) this.policy.quorum = this.member(name);
  }

  async line(text) {
    const [keyword, ...items] = text.split(/[ \t]+/).filter((item) => item);
    if (keyword === undefined || keyword.startsWith('#')) return;
    const limits = Object.hasOwn(ITEMS, keyword) ? ITEMS[keyword] : null;
    if (!limits) throw new PolicyFault(`"${keyword}" is none of log, witness, group, quorum`);
    if (items.length < limits[0] || items.length > limits[1]) throw new PolicyFault(`a "${keyword}" line of another form`);
    await this[keyword](items);
  }
}

/* Reads the C2SP text. Throws PolicyFault or NoteFault. */
export async function parseQuorumPolicy(bytes) {
  const text = bytes.length <= POLICY_BYTES ? utf8Text(bytes) : null;
  if (!text || NOT_OF_A_POLICY.test(text)) throw new PolicyFault('not a policy: empty, not UTF-8, or control characters in it');
  const reading = new PolicyText();
  for (const line of text.split('\n')) await reading.line(line);
  if (!reading.hasQuorum) throw new PolicyFault('not a policy: no quorum line');
  return reading.policy;
}

/* How many members of each group are satisfied by `cosigned` (a set of indices of witnesses). */
function satisfiedMembers(policy, cosigned) {
  const satisfied = [];
  for (const group of policy.groups) {
    satisfied.push(group.members.filter(({ isGroup, index }) =>
      (isGroup ? satisfied[index] >= policy.groups[index].threshold : cosigned.has(index))).length);
  }
  return satisfied;
}

export function isQuorumMet(policy, cosigned) {
  if (policy.none) return true;
  const { isGroup, index } = policy.quorum;
  return isGroup ? satisfiedMembers(policy, cosigned)[index] >= policy.groups[index].threshold : cosigned.has(index);
}

/* The witnesses that `member` consists of. */
function witnessesBelow(policy, member) {
  if (!member.isGroup) return new Set([member.index]);
  return policy.groups[member.index].members.reduce(
    (all, each) => new Set([...all, ...witnessesBelow(policy, each)]), new Set());
}

/* The groups that the quorum group consists of; else the quorum itself. */
function shownMembers(policy) {
  if (policy.none) return [];
  const below = policy.quorum.isGroup ? policy.groups[policy.quorum.index].members.filter(({ isGroup }) => isGroup) : [];
  return below.length ? below : [policy.quorum];
}

function marginOf(policy, member, cosigned, satisfied) {
  const group = member.isGroup ? policy.groups[member.index] : null;
  const needed = group ? group.threshold : 1;
  const have = group ? satisfied[member.index] : Number(cosigned.has(member.index));
  return {
    group: group ? group.name : policy.witnesses[member.index].name,
    needed,
    have,
    members: group ? group.members.length : 1,
    margin: have - needed,
  };
}

const largest = (times) => times.reduce((most, time) => (time > most ? time : most), 0n);

/* The margins of each group, and the witnesses left once groups that are too old are taken out. */
function marginsOf(policy, now, signers, cosigned) {
  const satisfied = satisfiedMembers(policy, cosigned);
  const fresh = new Set(cosigned);
  const margins = shownMembers(policy).map((member) => {
    const inside = witnessesBelow(policy, member);
    const mine = signers.filter(({ witness }) => inside.has(witness));
    const youngestFresh = largest(mine.map(({ time }) => time).filter((time) => time <= now + CLOCK_TOLERANCE));
    if (youngestFresh + policy.maxAge < now) inside.forEach((witness) => fresh.delete(witness));
    return {
      ...marginOf(policy, member, cosigned, satisfied),
      youngest: largest(mine.map(({ time }) => time)),
      signers: mine.map(({ witness, time }) => ({ name: policy.witnesses[witness].name, time })),
      missing: [...inside].filter((witness) => !cosigned.has(witness)).map((witness) => policy.witnesses[witness].name),
    };
  });
  return { margins, fresh };
}

/* The lower median of the times of the cosignatures that make the quorum; 0n: none. */
function medianTime(policy, signers) {
  if (policy.none) return 0n;
  const inside = witnessesBelow(policy, policy.quorum);
  const times = signers.filter(({ witness }) => inside.has(witness)).map(({ time }) => time);
  times.sort((left, right) => (left < right ? -1 : Number(left > right)));
  return times.length ? times[Math.floor((times.length - 1) / 2)] : 0n;
}

/*
 * Judges a checkpoint note: {reason, checkpoint, margins, signers: [{witness, time}], logTime, bad};
 * reason: '' when it is believed, else 'malformed', 'unknown-log', 'signature', 'quorum', 'stale'.
 * `now` in seconds (BigInt); 0n leaves freshness out.
 */
export async function judgeCheckpoint(policy, note, now) {
  const verdict = { reason: 'malformed', checkpoint: null, margins: [], signers: [], logTime: 0n };
  try {
    verdict.checkpoint = parseCheckpoint(note.text);
  } catch (fault) {
    if (fault instanceof NoteFault) return verdict;
    throw fault;
  }
  const logs = policy.logs.filter(({ key }) => key.name === verdict.checkpoint.origin);
  const keys = [...logs, ...policy.witnesses].map(({ key }) => key);
  const { verdict: judged, signers, bad } = await verifyNote(note, keys);
  verdict.reason = logs.length ? 'signature' : 'unknown-log';
  verdict.bad = bad;
  verdict.logSigned = signers.some(({ key }) => key < logs.length);
  if (judged !== 'ok' || !verdict.logSigned) return verdict;
  verdict.signers = signers.filter(({ key }) => key >= logs.length).map(({ key, time }) => ({ witness: key - logs.length, time }));
  const cosigned = new Set(verdict.signers.map(({ witness }) => witness));
  const { margins, fresh } = marginsOf(policy, now, verdict.signers, cosigned);
  verdict.margins = margins;
  verdict.logTime = medianTime(policy, verdict.signers);
  if (!isQuorumMet(policy, cosigned)) verdict.reason = 'quorum';
  else verdict.reason = now && policy.maxAge > 0n && !isQuorumMet(policy, fresh) ? 'stale' : '';
  return verdict;
}
