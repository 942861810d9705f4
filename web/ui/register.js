/* register.js: facts about signatories as words and marks. They are what a node says: none is green. */
import { el, svg, visible } from '../dom.js';

const TYPE_PREFIX = /^urn:entente:predicate:([\w-]+):(\d+)$/;
const FRESHNESS_MARKS = { fresh: 4, ageing: 2, stale: 1, none: 0 };

/* A name from outside, with its own direction. */
export function nameText(text) {
  return el('bdi', {}, visible(text ?? ''));
}

export function signatoryLink(view, signatory) {
  return el('a', { href: view.href(`/signatories/${encodeURIComponent(signatory.id)}`) }, nameText(signatory.name ?? signatory.domain ?? signatory.id));
}

export function groupText(view, group) {
  if (!group) return view.t('unknown');
  const key = `group.${group}`;
  return el('span', { class: `group-name group-${group}` }, el('span', { class: 'group-mark', 'aria-hidden': 'true' }),
    view.i18n.has(key) ? view.t(key) : visible(group));
}

export function standingText(view, standing) {
  const key = `standing.${standing}`;
  return view.i18n.has(key) ? view.t(key) : visible(standing);
}

/* How old the evidence is: as many strokes as it is fresh, and the word. */
export function freshnessMark(view, freshness) {
  const strokes = FRESHNESS_MARKS[freshness] ?? 0;
  return el('span', { class: 'freshness' },
    svg('svg', { viewBox: '0 0 20 10', width: '20', height: '10', 'aria-hidden': 'true', focusable: 'false' },
      [0, 1, 2, 3].map((index) => svg('rect', { class: index < strokes ? 'is-on' : 'is-off', x: index * 5 + 0.5, y: 0.5, width: 3.5, height: 9 }))),
    view.t(`freshness.${freshness in FRESHNESS_MARKS ? freshness : 'none'}`));
}

export function timeText(view, time) {
  return time ? el('time', { datetime: time }, view.format.shortDay(time)) : view.t('time.unknown');
}

export function entryLink(view, index) {
  return el('a', { href: view.href(`/log/${index}`) }, view.t('entry.link', { index: view.format.number(index) }));
}

/* What kind of statement an entry is. */
export function typeText(view, type) {
  const found = TYPE_PREFIX.exec(type ?? '');
  const key = found && `type.${found[1]}`;
  if (key && view.i18n.has(key)) return view.t(key);
  return found ? visible(found[1]) : view.t('type.unknown');
}

/* The entries of a log, the newest first, as a list of what was said by whom. */
export function entryList(view, entries, withName) {
  return el('ol', { class: 'entry-list' }, entries.map((entry) => el('li', {},
    el('span', { class: 'entry-what' }, entryLink(view, entry.index), ' ', typeText(view, entry.type),
      entry.counts ? null : el('span', { class: 'tag' }, view.t('entry.not-counted')),
      entry.disputed ? el('span', { class: 'tag' }, view.t('entry.disputed')) : null),
    withName && entry.signatory ? el('span', { class: 'entry-who' }, signatoryLink(view, { id: entry.signatory, name: entry.name, domain: entry.domain })) : null,
    el('span', { class: 'entry-when' }, timeText(view, entry.time)))));
}

/* Number and name of a principle in the page's language. */
export function principleName(view, principle) {
  const name = view.i18n.pick(principle.name);
  return [el('span', { class: 'principle-number' }, String(principle.n)), ' ', el('span', { lang: name.lang }, visible(name.text))];
}
