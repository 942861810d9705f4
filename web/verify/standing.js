/*
 * standing.js: whether what an entry said still holds at the end of the log that was read: keys are
 * revoked and run out, attestations are withdrawn, replaced, or end with a name.
 */
import { NEVER, roleKey } from './authority.js';
import { input } from './steps.js';

const holds = (inputs = []) => inputs;
const past = (why, inputs = []) => ({ state: 'warning', reason: 'past', inputs: [input('standing', why, 'word'), ...inputs] });

const isInForce = ({ from, until }, now) => from <= now && now < until;

/* The seal keys of a signatory that are in force: what register_seal_keys() of the program gives. */
export function sealKeysInForce(register, id, now) {
  const signatory = register.signatories.get(id);
  if (!signatory || signatory.removedAt !== NEVER) return [];
  return signatory.keys.filter(({ role, revokedAt, delegations }) => role === 'seal' && revokedAt === NEVER &&
    delegations.some((each) => isInForce(each, now))).map(({ text }) => text);
}

async function standingOfDelegation(register, { index, predicate }, signatory, now) {
  const { bytes } = await roleKey(predicate.key);
  const key = register.keyOf(bytes);
  if (key?.signatory !== signatory) return past('taken');
  if (key.revokedAt !== NEVER) return past('revoked', [input('revoked-at', key.revokedAt, 'number')]);
  const delegation = key.delegations.find((each) => each.index === index);
  return delegation && isInForce(delegation, now) ? holds([input('until', BigInt(Math.floor(delegation.until / 1000)), 'time')]) : past('expired');
}

function standingOfAttestation(register, { index, subject, predicate }, signatory) {
  if (predicate.withdrawn) return null;
  const target = register.signatories.get(subject);
  const attestation = target.attestations.find(({ by }) => by === signatory);
  const domain = [input('attested', target.domain ?? '')];
  if (attestation.index !== index) return past(attestation.withdrawn ? 'withdrawn' : 'replaced', [...domain, input('by-entry', attestation.index, 'number')]);
  if (target.removedAt !== NEVER) return past('removed', [...domain, input('by-entry', target.removedAt, 'number')]);
  if (!attestation.isComplete) return past('incomplete', domain);
  if (attestation.identity !== target.identity) return past('renamed', domain);
  return register.attestationCounts(attestation, target) ? holds(domain) : past('attestor', domain);
}

/*
 * The inputs of the step "standing", or {state, reason, inputs}; null for kinds that say nothing that
 * could end. `now` in milliseconds.
 */
export async function standingNow(register, { entry, signatory }, now) {
  const of = { delegation: standingOfDelegation, attestation: standingOfAttestation }[entry.kind.name];
  if (!of) return null;
  if (signatory.removedAt !== NEVER) return past('removed', [input('by-entry', signatory.removedAt, 'number')]);
  return of(register, entry, signatory, now);
}
