/*
 * register.js: who is who in a log, and with which keys, folded from its entries in order: the part
 * of the program's register (src/register/) that decides about keys.
 *
 * What changes who may say what is judged whenever it is met: endorsements, attestations, recoveries,
 * delegations, revocations, policies, successions. Of other statements only those are judged that
 * decide about the one that is asked for (focusOn()), or all (`judgesAll`).
 */
import { NEVER, refuse, roleKey, saidTime } from './authority.js';
import { fromBase64, sha256Hex, toHex, utf8Text } from './bytes.js';
import { leafHash } from './merkle.js';
import { parseMoment } from './moment.js';
import { STAKEHOLDER_GROUPS, policyFollows, readCommunityPolicy, readRootKeys, sameRootKeys, signatoryId, signersNeeded } from './policy.js';
import { predicateOf } from './predicates.js';
import { RoutesRegister } from './routes.js';

const JUDGES = {
  attestation: 'judgeAttestation',
  endorsement: 'judgeEndorsement',
  recovery: 'judgeRecovery',
  delegation: 'judgeDelegation',
  revocation: 'judgeRevocation',
  policy: 'judgePolicy',
  succession: 'judgeSuccession',
};
const JUDGES_OF_OTHERS = { commitment: 'judgeCommitment', review: 'judgeReview', 'route-alarm': 'judgeRouteAlarm', 'route-sighting': 'judgeRouteSighting' };
/* These name other entries, of any kind: for them the whole log is judged. */
const NAME_OTHERS = Object.keys(JUDGES_OF_OTHERS);

/* What an entry says, read quickly and not judged: {kind ('' when it is nothing known), subject, payload}. */
function gistOf(bytes) {
  try {
    const { payload } = JSON.parse(utf8Text(bytes));
    const { predicateType, subject } = JSON.parse(utf8Text(fromBase64(payload)));
    return { kind: predicateOf(predicateType)?.name ?? '', subject: subject[0].digest.sha256, payload };
  } catch {
    return { kind: '', subject: '', payload: '' };
  }
}

export function kindOfEntry(bytes) {
  return gistOf(bytes).kind;
}

export class CommunityRegister extends RoutesRegister {
  /* Judges what a statement says besides its form: {signatory, key, apply}. */
  judgeKind(entry) {
    return this[JUDGES[entry.kind.name] ?? JUDGES_OF_OTHERS[entry.kind.name] ?? 'judgeSaid'](entry);
  }

  /* --- endorsement and recovery --- */

  async provenKeys(entry, root) {
    const proven = new Set();
    for (const key of root.keys) if (await this.signedBy(entry, key)) proven.add(key);
    return proven;
  }

  refuseDomain(domain, signatory) {
    const owner = this.byDomain.get(domain);
    if (owner && owner !== signatory && owner.removedAt === NEVER) refuse('conflict', domain);
  }

  async judgeEndorsement(entry) {
    const { signatory: who, root: value } = entry.predicate;
    if (entry.statement.subject[0].name !== who.domain) refuse('malformed', who.domain);
    const root = await readRootKeys(value);
    const known = this.signatories.get(entry.subject);
    return known ? this.judgeUpdate(entry, known, who, root) : this.judgeFirst(entry, who, root);
  }

  async judgeFirst(entry, who, root) {
    const proven = await this.provenKeys(entry, root);
    if (proven.size < root.threshold) refuse('signature', `${proven.size} / ${root.threshold}`);
    if ((await signatoryId(root)) !== entry.subject) refuse('conflict', entry.subject);
    for (const key of root.keys) this.refuseTakenKey(key, null, 'root', proven.has(key));
    this.refuseDomain(who.domain, null);
    this.refuseNetworks(entry, null);
    const judged = { signatory: { ...who, id: entry.subject, root }, key: { ...root.keys[0], role: 'root' } };
    judged.apply = async () => {
      judged.signatory = await this.addSignatory(root, false);
      for (const key of root.keys) this.keyOf(key.bytes).proven = proven.has(key);
      judged.key = this.keyOf(root.keys[0].bytes);
      this.nameSignatory(judged.signatory, who);
      Object.assign(judged.signatory, { endorsedAt: saidTime(entry.predicate), joined: true });
      this.nameNetworks(entry, judged.signatory);
    };
    return judged;
  }

  judgeUpdate(entry, known, who, root) {
    const { signatory, key } = this.signer(entry);
    const said = saidTime(entry.predicate);
    if (known.group !== who.group || !sameRootKeys(root, known.root) || (known.member && known.domain !== who.domain) || said <= known.endorsedAt) {
      refuse('conflict', who.domain);
    }
    this.refuseDomain(who.domain, known);
    this.refuseNetworks(entry, known);
    const apply = () => {
      this.nameSignatory(known, who);
      Object.assign(known, { endorsedAt: said, joined: true });
      this.nameNetworks(entry, known);
      /* A new name ends what was attested under the old one, for it and for whom it vouched for. */
      if (known.attested) this.recomputeClosure();
    };
    return { signatory, key, apply };
  }

  async judgeRecovery(entry) {
    const { signatory, key } = this.signer(entry);
    const root = await readRootKeys(entry.predicate.root);
    const said = saidTime(entry.predicate);
    if (said <= signatory.recoveredAt) refuse('conflict');
    const proven = await this.provenKeys(entry, root);
    for (const each of root.keys) this.refuseTakenKey(each, signatory, 'root', proven.has(each));
    const apply = () => {
      this.setRoot(signatory, root, false);
      for (const each of proven) this.keyOf(each.bytes).proven = true;
      signatory.recoveredAt = said;
    };
    return { signatory, key, apply };
  }

  /* --- delegation and revocation --- */

  async judgeDelegation(entry) {
    const { signatory, key } = this.signer(entry);
    const { key: text, role, from, until, predicates } = entry.predicate;
    const named = await roleKey(text);
    const proven = named.hint !== null && await this.signedBy(entry, named);
    this.refuseTakenKey(named, signatory, role, proven);
    const apply = () => {
      this.bindKey(named, signatory, role, proven).delegations.push({ index: entry.index, from: from ? parseMoment(from) : 0, until: parseMoment(until), predicates });
    };
    return { signatory, key, apply };
  }

  async judgeRevocation(entry) {
    const { signatory, key } = this.signer(entry);
    const { key: text, from_index: from } = entry.predicate;
    const named = this.keyOf((await roleKey(text)).bytes);
    if (!named || named.signatory !== signatory || named.text !== text || named.role === 'root' || from > entry.index) refuse('conflict', text);
    const apply = () => {
      named.revokedAt = Math.min(named.revokedAt, entry.index);
      named.fromIndex = Math.min(named.fromIndex, from);
      if (named.vouched.some((index) => index >= named.fromIndex)) this.recomputeClosure();
    };
    return { signatory, key, apply };
  }

  /* --- policy and succession --- */

  logKey(entry) {
    return entry.signers.find((key) => !key.signatory && key.inForce);
  }

  /* Members of each group whose root keys signed, as many as the policy in force asks for. */
  refuseWithoutQuorum(entry, old) {
    if (!old.members.length && !this.logKey(entry)) refuse('quorum');
    for (const group of STAKEHOLDER_GROUPS) {
      const members = old.members.filter((member) => member.group === group).map(({ domain }) => this.byDomain.get(domain));
      const signed = members.filter((signatory) => signatory && this.rootSigners(entry, signatory) >= signatory.root.threshold).length;
      if (signed < signersNeeded(old, group)) refuse('quorum', `${group}: ${signed} / ${signersNeeded(old, group)}`);
    }
  }

  refuseMembers(policy) {
    for (const member of policy.members) {
      const signatory = this.byDomain.get(member.domain);
      if (!signatory?.attested || signatory.removedAt !== NEVER || signatory.group !== member.group || !sameRootKeys(signatory.root, member.root)) {
        refuse('conflict', member.domain);
      }
      if (member.witness) this.refuseTakenKey(member.witness, signatory, 'witness', true);
    }
    for (const id of policy.removed) {
      const signatory = this.signatories.get(id);
      if (!signatory || signatory.removedAt !== NEVER || policy.members.some(({ domain }) => domain === signatory.domain)) refuse('conflict', id);
    }
    for (const key of policy.logKeys) if (this.keyOf(key.bytes)?.signatory) refuse('conflict', key.text);
  }

  async judgePolicy(entry) {
    const old = this.policy();
    const policy = await readCommunityPolicy(entry.predicate);
    if (policy.hash !== entry.subject || entry.statement.subject[0].name !== policy.origin) refuse('malformed');
    if (!entry.index || policy.version === 1) {
      if (entry.index || policy.hash !== old.hash) refuse('conflict');
      return { signatory: null, key: this.logKey(entry) ?? refuse('signature') };
    }
    if (!policyFollows(policy, old)) refuse('conflict');
    this.refuseWithoutQuorum(entry, old);
    this.refuseMembers(policy);
    return { signatory: null, key: entry.signers[0], apply: () => this.applyPolicy(policy, entry.index) };
  }

  async applyPolicy(policy, index) {
    this.policies.push({ policy, index });
    for (const key of this.keys.values()) if (!key.signatory) key.inForce = false;
    for (const key of policy.logKeys) (this.keyOf(key.bytes) ?? this.bindKey(key, null, 'log', true)).inForce = true;
    for (const id of policy.removed) this.remove(this.signatories.get(id), index);
    for (const signatory of this.signatories.values()) signatory.member = false;
    for (const member of policy.members) {
      let signatory = this.byDomain.get(member.domain);
      if (!signatory) {
        signatory = await this.addSignatory(member.root, true);
        this.nameSignatory(signatory, member);
      }
      signatory.member = true;
      if (member.witness) this.bindKey(member.witness, signatory, 'witness', true);
    }
    this.recomputeClosure();
  }

  remove(signatory, index) {
    if (!signatory) return;
    signatory.removedAt = index;
    if (this.byDomain.get(signatory.domain) === signatory) this.byDomain.delete(signatory.domain);
  }

  /* The first entry after the genesis policy names the log that this one continues. */
  async judgeSuccession(entry) {
    const key = this.logKey(entry) ?? refuse('signature');
    if ((await sha256Hex(fromBase64(entry.predicate.old.note))) !== entry.subject) refuse('malformed');
    if (entry.predicate.old.origin === entry.predicate.log || entry.index !== 1) refuse('conflict');
    return { signatory: null, key };
  }

  /* --- folding --- */

  /* What is asked for: the statements that decide about it are judged with it. */
  focusOn(bytes) {
    this.focus = gistOf(bytes);
    this.judgesAll = NAME_OTHERS.includes(this.focus.kind);
  }

  /* Whether an entry is to be judged: it changes who may say what, or decides about what is asked for. */
  bearsOn(bytes) {
    const { kind, subject, payload } = gistOf(bytes);
    const { focus } = this;
    return this.judgesAll || Object.hasOwn(JUDGES, kind) || this.mayBind(bytes) ||
      (focus && (payload === focus.payload || (kind === focus.kind && subject === focus.subject)));
  }

  /*
   * Folds the next entry. Its verdict (authority.js, judge()) when it bears on what is asked for or
   * is `wanted`; else null, for most statements change nothing here.
   */
  async fold(bytes, time, wanted) {
    const index = this.size++;
    if (!wanted && !this.bearsOn(bytes)) return null;
    const judged = await this.judge(bytes, index, time);
    if (judged.verdict) return judged;
    await judged.apply?.();
    this.payloads.set(judged.entry.payload, index);
    if (this.judgesAll) {
      const { kind, predicate } = judged.entry;
      this.leaves.set(toHex(await leafHash(bytes)), { kind: kind.name, signatory: judged.signatory, said: saidTime(predicate) });
    }
    if (judged.key && judged.key.role !== 'root') judged.key.said++;
    return judged;
  }
}
