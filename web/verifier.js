/*
 * verifier.js: the entry of the verifier as one file, which works without a node and without a
 * network: its texts and, of a community, the genesis policy stand in the file.
 */
import { el, on } from './dom.js';
import { Formatter } from './format.js';
import { LANGUAGES, Translator } from './i18n.js';
import { themeButton, wordmark } from './ui/header.js';
import { card, pageHead } from './ui/page.js';
import { verdictLine } from './ui/verification.js';
import { filesPage } from './ui/verifyfiles.js';
import { canVerify } from './verify/ed25519.js';
import { pagePolicy } from './verify/verify.js';

function offlineView(catalogues, language) {
  const i18n = new Translator(catalogues, language);
  const live = el('div', { class: 'hidden-text', 'aria-live': 'polite' });
  return { i18n, t: (key, values) => i18n.t(key, values), format: new Formatter(i18n.language), live, announce: (text) => { live.textContent = text; } };
}

async function drawVerifier(catalogues, language) {
  const view = offlineView(catalogues, language);
  const root = document.getElementById('verifier');
  const others = Object.entries(LANGUAGES).filter(([other]) => other !== view.i18n.language).map(([other, name]) =>
    on(el('button', { type: 'button', class: 'control', lang: other }, name), 'click', () => drawVerifier(catalogues, other)));
  const parts = await canVerify()
    ? filesPage(view, { policy: await pagePolicy(), base: null })
    : [card('cannot', view.t('cannot.title'), verdictLine(view, 'cannot'), el('p', {}, view.t('cannot.instead')))];
  document.documentElement.lang = view.i18n.language;
  document.title = view.t('offline.title');
  root.className = 'page portal';
  root.replaceChildren(
    el('header', { class: 'portal-header' }, el('div', { class: 'bar-top' }, wordmark(),
      el('div', { class: 'controls', role: 'group', 'aria-label': view.t('controls') }, others, themeButton(view)))),
    el('main', { id: 'main' }, pageHead(view, view.t('offline.title'), view.t('files.lead')), ...parts,
      card('limits', view.t('limits.title'), el('p', {}, view.t('offline.limits')), el('p', {}, view.t('limits.text2')))),
    view.live);
}

drawVerifier(JSON.parse(document.getElementById('catalogues').textContent), navigator.languages.map((each) => each.slice(0, 2)).find((each) => each in LANGUAGES) ?? 'en');
