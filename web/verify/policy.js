/*
 * policy.js: a community's rules: its log, its members and their witnesses, the thresholds of the
 * three groups; the predicate of policy:1, with the program's refusals.
 */
import { fromHex, sha256Hex, toHex, utf8Bytes } from './bytes.js';
import { canonicalJson } from './json.js';
import { KEY_COSIGNATURE, KEY_ED25519, NoteFault, parseNoteKey } from './note.js';
import { PolicyFault } from './quorum.js';

export const STAKEHOLDER_GROUPS = ['state', 'private-sector', 'civil-society'];
const MAX_AGE_DEFAULT = 86400;
const ATTESTATIONS_DEFAULT = { needed: 2, groups: 2 };
const DIGEST_SIZE = 32;

const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isFilledText = (value) => typeof value === 'string' && value !== '';
const isTexts = (value) => Array.isArray(value) && value.every(isFilledText);
const isDigest = (value) => fromHex(value, DIGEST_SIZE) !== null;

function compareBytes(left, right) {
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    if (left[at] !== right[at]) return left[at] - right[at];
  }
  return left.length - right.length;
}

/* {threshold, keys} of {"threshold", "keys": [VKEY]}. Throws PolicyFault or NoteFault. */
export async function readRootKeys(value) {
  if (!isCount(value?.threshold) || !isTexts(value?.keys)) throw new PolicyFault('the root keys are malformed');
  const keys = await Promise.all(value.keys.map(parseNoteKey));
  const distinct = new Set(keys.map(({ bytes }) => toHex(bytes)));
  if (keys.some(({ type }) => type !== KEY_ED25519)) throw new PolicyFault('a root key is of another type');
  if (distinct.size !== keys.length) throw new PolicyFault('a root key stands twice');
  if (!value.threshold || value.threshold > keys.length) throw new PolicyFault('the threshold of the root keys does not fit their number');
  return { threshold: value.threshold, keys };
}

export function sameRootKeys(left, right) {
  const texts = ({ keys }) => new Set(keys.map(({ bytes }) => toHex(bytes)));
  const others = texts(right);
  return left.threshold === right.threshold && left.keys.length === right.keys.length &&
    [...texts(left)].every((key) => others.has(key));
}

/* A signatory's id: SHA-256 of its first root keys in canonical form. */
export function signatoryId({ threshold, keys }) {
  const texts = keys.map(({ text }) => text).sort((left, right) => compareBytes(utf8Bytes(left), utf8Bytes(right)));
  return sha256Hex(canonicalJson({ keys: texts, threshold }));
}

/* The same domain, or one below the other. */
export function isOneOrganisation(left, right) {
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  return long === short || long.endsWith(`.${short}`);
}

async function readMember(value) {
  if (!isFilledText(value?.name) || !isFilledText(value.domain) || !STAKEHOLDER_GROUPS.includes(value.group)) throw new PolicyFault('a member is malformed');
  const witness = value.witness ? await parseNoteKey(String(value.witness.key)) : null;
  if (witness && witness.type !== KEY_COSIGNATURE) throw new PolicyFault(`the key of ${value.domain} is no witness' key`);
  return { name: value.name, domain: value.domain, country: value.country, group: value.group, root: await readRootKeys(value.root), witness };
}

function refuseDoubles({ operator, logKeys, members }) {
  const keys = [...logKeys, ...members.flatMap(({ witness, root }) => [...(witness ? [witness] : []), ...root.keys])];
  if (new Set(keys.map(({ bytes }) => toHex(bytes))).size !== keys.length) throw new PolicyFault('a key has two places in the policy');
  members.forEach((member, at) => {
    const other = members.slice(0, at).find(({ domain }) => isOneOrganisation(domain, member.domain));
    if (other) throw new PolicyFault(`${other.domain} and ${member.domain} are one organisation`);
    if (member.witness && isOneOrganisation(member.domain, operator)) throw new PolicyFault(`${operator} operates the log: its witness does not count`);
  });
}

function refuseThresholds(quorum, members) {
  const wanted = STAKEHOLDER_GROUPS.map((group) => quorum[group]);
  STAKEHOLDER_GROUPS.forEach((group, at) => {
    const count = members.filter((member) => member.group === group && member.witness).length;
    if (wanted[at] > count) throw new PolicyFault(`the quorum asks for ${wanted[at]} of ${group}, which has ${count}`);
  });
  if (wanted.includes(0) && wanted.some((number) => number)) throw new PolicyFault('the quorum leaves a group out');
}

/* The same rules for who judges checkpoints, as quorum.js has them. */
function witnessRules({ logKeys, members, quorum, maxAge, url }) {
  const witnesses = members.filter(({ witness }) => witness);
  const groups = STAKEHOLDER_GROUPS.map((name) => ({
    name,
    threshold: quorum[name],
    members: witnesses.flatMap(({ group }, index) => (group === name ? [{ isGroup: false, index }] : [])),
  }));
  groups.push({ name: 'quorum', threshold: STAKEHOLDER_GROUPS.length, members: STAKEHOLDER_GROUPS.map((_, index) => ({ isGroup: true, index })) });
  return {
    logs: logKeys.map((key) => ({ key, url })),
    witnesses: witnesses.map(({ witness, domain }) => ({ name: witness.name, key: witness, organisation: domain })),
    groups,
    none: !quorum[STAKEHOLDER_GROUPS[0]],
    quorum: { isGroup: true, index: STAKEHOLDER_GROUPS.length },
    maxAge: BigInt(maxAge),
  };
}

/* A policy of its predicate. Throws PolicyFault or NoteFault. */
export async function readCommunityPolicy(predicate) {
  const { log: origin, version, previous, log_keys: keys, operator, members, quorum, removed = [], url, attestations: asked, checkpoint_max_age_s: maxAge = MAX_AGE_DEFAULT } = predicate ?? {};
  const attestations = { ...ATTESTATIONS_DEFAULT, ...asked };
  if (!isFilledText(origin) || !isCount(version) || !version || !(previous === null || isDigest(previous)) || !isTexts(keys) || !keys.length ||
      !isFilledText(operator) || !Array.isArray(members) || !STAKEHOLDER_GROUPS.every((group) => isCount(quorum?.[group])) || !isTexts(removed) ||
      !removed.every(isDigest) || !isCount(maxAge) || !isCount(attestations.needed) || !isCount(attestations.groups)) {
    throw new PolicyFault('the policy is malformed');
  }
  const policy = { predicate, origin, version, previous, operator, quorum, removed, url, attestations, maxAge };
  policy.logKeys = await Promise.all(keys.map(parseNoteKey));
  if (policy.logKeys.some(({ name, type }) => name !== origin || type !== KEY_ED25519)) throw new PolicyFault('a key of the log is not called as its origin');
  policy.members = await Promise.all(members.map(readMember));
  refuseDoubles(policy);
  refuseThresholds(quorum, policy.members);
  policy.hash = await sha256Hex(canonicalJson(predicate));
  policy.witnesses = witnessRules(policy);
  return policy;
}

/* How many members of a group must sign the policy that follows: its threshold, and at least one. */
export function signersNeeded({ members, quorum }, group) {
  return members.some((member) => member.group === group) ? Math.max(quorum[group], 1) : 0;
}

export function policyFollows(next, old) {
  return next.origin === old.origin && next.version === old.version + 1 && next.previous === old.hash;
}

export function isPolicyFault(fault) {
  return fault instanceof PolicyFault || fault instanceof NoteFault;
}
