/* about.js: pages of text: what this is, how it can be used by everybody, what is kept of a visit. */
import { el, prose } from '../dom.js';
import { card, pageHead } from '../ui/page.js';

/* Where "NAME.N.link" leads. */
const LINKS = { 'about.5': '/triage' };

/* Sections "NAME.1.title", "NAME.1.text", "NAME.1.text2" … as long as there are texts. */
function sectionsOf(view, name) {
  const cards = [];
  for (let number = 1; view.i18n.has(`${name}.${number}.title`); number++) {
    const texts = ['text', 'text2', 'text3'].map((part) => `${name}.${number}.${part}`).filter((key) => view.i18n.has(key));
    cards.push(card(`${name}-${number}`, view.t(`${name}.${number}.title`), texts.map((key) => el('p', {}, prose(view.t(key)))), sectionLink(view, `${name}.${number}`)));
  }
  return cards;
}

function sectionLink(view, section) {
  return LINKS[section] && el('p', {}, el('a', { href: view.href(LINKS[section]) }, view.t(`${section}.link`)));
}

function drawTexts(main, view, name) {
  main.append(pageHead(view, view.t(`page.${name}.title`), view.t(`${name}.lead`)), ...sectionsOf(view, name));
}

export async function pageAbout(main, view) {
  drawTexts(main, view, 'about');
}

export async function pageAccessibility(main, view) {
  drawTexts(main, view, 'accessibility');
}

export async function pagePrivacy(main, view) {
  drawTexts(main, view, 'privacy');
}
