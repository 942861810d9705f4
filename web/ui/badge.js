/*
 * badge.js: for pages that show what the node says: beside a claim, whether this browser found it so
 * itself. The badge is green only when the verification held and the page shows what was verified.
 */
import { el } from '../dom.js';
import { verifyCheckpoint, verifyEntry } from '../verify/verify.js';
import { stateBadge } from './verification.js';

function badgeOf(view, run, agrees, more) {
  const badge = el('p', { class: 'verdict own-check' }, stateBadge(view, 'pending'));
  run().then((found) => {
    const isOther = found.steps && found.state !== 'failed' && found.state !== 'unknown' && !agrees(found);
    badge.replaceChildren(stateBadge(view, isOther ? 'failed' : found.state), ' ',
      isOther ? view.t('badge.differs') : el('a', { href: more }, view.t('verdict.how')));
  }, (fault) => {
    console.error(fault);
    badge.replaceChildren(stateBadge(view, 'unknown'));
  });
  return badge;
}

/* `shows({size, root, origin})`: whether the page shows this very checkpoint, or one that it continues. */
export function checkpointBadge(view, shows) {
  return badgeOf(view, () => verifyCheckpoint(), (found) => shows(found.checkpoint), view.href('/log'));
}

/* `shows(found)`: whether the page shows what `found` (verify.js, verifyEntry()) says, and of whom. */
export function entryBadge(view, index, shows) {
  return badgeOf(view, () => verifyEntry(index), (found) => Boolean(found.statement) && shows(found), view.href(`/log/${index}`));
}
