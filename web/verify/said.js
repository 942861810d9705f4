/*
 * said.js: what signatories say of themselves and of one another (src/register/fold_said.c,
 * fold_review.c): which earlier statements a statement must fit to, so that it counts.
 */
import { AttestedRegister } from './attestation.js';
import { refuse, saidTime } from './authority.js';
import { parseMoment } from './moment.js';

/* These stand alone: a later time, or hour, than the signatory's last of the kind. */
const AFTER_THE_LAST = ['case-root', 'contact', 'mailbox'];

/* An hour has one root: who says two of one hour could open either. */
const momentOf = ({ kind, predicate }) => (kind.name === 'case-root' ? parseMoment(predicate.hour) : saidTime(predicate));

export class SaidRegister extends AttestedRegister {
  judgeSaid(entry) {
    const judged = this.signer(entry);
    const { name } = entry.kind;
    const { domain } = entry.predicate.signatory ?? {};
    if (name === 'assessment' && domain !== undefined && domain !== judged.signatory.domain) refuse('conflict', domain);
    return AFTER_THE_LAST.includes(name) ? this.judgeAfterTheLast(entry, judged) : judged;
  }

  judgeAfterTheLast(entry, { signatory, key }) {
    const moment = momentOf(entry);
    const { name } = entry.kind;
    if (moment <= (signatory.last[name] ?? -Infinity)) refuse('conflict');
    return { signatory, key, apply: () => { signatory.last[name] = moment; } };
  }

  /* The entry that counts with this leaf hash, and is of this kind. */
  entryNamed(leaf, kind) {
    const found = this.leaves.get(leaf);
    return found && (!kind || found.kind === kind) ? found : refuse('conflict', leaf);
  }

  /* A commitment may update an earlier one of the same signatory, and name entries as evidence. */
  judgeCommitment(entry) {
    const { signatory, key } = this.signer(entry);
    const { of, evidence = [] } = entry.predicate;
    const earlier = of === undefined ? null : this.entryNamed(of, 'commitment');
    if (earlier && (earlier.signatory !== signatory || earlier.isUpdated)) refuse('conflict', of);
    for (const { entry: leaf } of evidence) this.entryNamed(leaf);
    return { signatory, key, apply: () => { if (earlier) earlier.isUpdated = true; } };
  }

  /*
   * Whether the lot fell on this reviewer and these findings takes the log's history of checkpoints,
   * which is not folded here: `unjudged` says so.
   */
  judgeReview(entry) {
    const judged = this.signer(entry);
    this.entryNamed(entry.predicate.assessment, 'assessment');
    return { ...judged, unjudged: 'draw' };
  }
}
