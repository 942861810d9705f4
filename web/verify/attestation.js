/*
 * attestation.js: who is attested (src/register/closure.c): the members of the policy in force, and
 * whoever enough of the attested vouch for. It grows and is computed anew at the same moments as in
 * the program, so that both find the same.
 */
import { KeyRegister, NEVER, refuse, saidTime } from './authority.js';
import { isOneOrganisation } from './policy.js';

const CHECKS = 3; /* domain, legal existence, contact: it counts with all of them */

export class AttestedRegister extends KeyRegister {
  /* Whether an attestation counts for its subject now. */
  attestationCounts({ index, key, by, group, identity, isComplete, withdrawn }, of) {
    return isComplete && !withdrawn && !this.isDisputed(index, key) && identity === of.identity && group === of.group &&
      by !== of && by.attested;
  }

  /* An organisation counts once: itself, and one that counted already, under a name below its own. */
  countsAgain(signatory, before, by) {
    return isOneOrganisation(signatory.domain, by.domain) || signatory.attestations.slice(0, before).some((attestation) =>
      this.attestationCounts(attestation, signatory) && isOneOrganisation(attestation.by.domain, by.domain));
  }

  isVouchedFor(signatory) {
    const counted = signatory.attestations.filter((attestation, at) =>
      this.attestationCounts(attestation, signatory) && !this.countsAgain(signatory, at, attestation.by));
    const { needed, groups } = this.policy().attestations;
    return counted.length >= needed && new Set(counted.map(({ by }) => by.group)).size >= groups;
  }

  /* Marks what follows from `signatory`, and from whom it vouches for in turn. */
  growClosure(signatory) {
    const waiting = [signatory];
    while (waiting.length) {
      const at = waiting.pop();
      if (at.attested || at.removedAt !== NEVER || !(at.member || this.isVouchedFor(at))) continue;
      at.attested = true;
      waiting.push(...at.vouchesFor);
    }
  }

  recomputeClosure() {
    const all = [...this.signatories.values()];
    for (const signatory of all) signatory.attested = false;
    for (const signatory of all) if (signatory.member) this.growClosure(signatory);
  }

  judgeAttestation(entry) {
    const { signatory: by, key } = this.signer(entry);
    const { group, checked, withdrawn = false } = entry.predicate;
    const target = this.signatories.get(entry.subject);
    const said = saidTime(entry.predicate);
    if (!target?.joined || target === by) refuse('conflict', target?.domain);
    if (!by.attested) refuse('role', by.domain);
    if (group !== target.group) refuse('conflict', target.domain);
    const before = target.attestations.find((attestation) => attestation.by === by);
    if (before && said <= before.said) refuse('conflict', target.domain);
    const apply = () => {
      const attestation = before ?? { by };
      Object.assign(attestation, { index: entry.index, key, group, identity: target.identity, isComplete: checked.length === CHECKS, withdrawn, said });
      if (!before) {
        target.attestations.push(attestation);
        by.vouchesFor.push(target);
      }
      key.vouched.push(entry.index);
      if (target.attested && !target.member) this.recomputeClosure();
      else this.growClosure(target);
    };
    return { signatory: by, key, apply };
  }
}
