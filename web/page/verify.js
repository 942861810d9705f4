/* verify.js: the page where files are verified; nothing of them leaves the browser. */
import { el } from '../dom.js';
import { card, pageHead } from '../ui/page.js';
import { verdictLine } from '../ui/verification.js';
import { filesPage } from '../ui/verifyfiles.js';
import { viewerPart } from '../ui/viewer.js';
import { canVerify } from '../verify/ed25519.js';
import { pagePolicy, pageVerifier } from '../verify/verify.js';

export async function pageVerify(main, view) {
  main.append(pageHead(view, view.t('files.heading'), view.t('files.lead')));
  if (!await canVerify()) {
    view.claim(verdictLine(view, 'cannot'));
    main.append(card('cannot', view.t('cannot.title'), verdictLine(view, 'cannot'), el('p', {}, view.t('cannot.instead'))));
    return;
  }
  view.claim(el('p', {}, view.t('files.claim')));
  main.append(...filesPage(view, { policy: await pagePolicy(), base: new URL('/', location.href).href }),
    card('limits', view.t('limits.title'), el('p', {}, view.t('limits.text')), el('p', {}, view.t('limits.text2'))));
  const verifier = await pageVerifier();
  if (!verifier) return;
  const { part, drawn } = viewerPart(view, verifier);
  main.append(card('viewer', view.t('viewer.title'), el('p', {}, view.t('viewer.text')), part));
  await drawn;
}
