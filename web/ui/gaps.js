/* gaps.js: what this assessment does not say: what was not assessed and why, and what is waived. */
import { el, on, visible } from '../dom.js';
import { reasonWord } from './reason.js';
import { statusBadge } from './status.js';

function reasonItem(view, reason, entries) {
  const hint = `hint.${reason}`;
  const list = el('ul', { class: 'links' });
  const details = el('details', { class: 'group' },
    el('summary', {}, `${reasonWord(view, reason)} (${view.format.number(entries.size)})`),
    view.i18n.has(hint) && el('p', { class: 'quiet' }, view.i18n.t(hint)), list);
  return on(details, 'toggle', () => {
    if (!details.open || list.children.length > 0) return;
    list.append(...[...entries].map((entry) => {
      const title = view.i18n.pick(entry.meta.title);
      return el('li', {}, el('a', { href: `#m-${entry.id}`, lang: title.lang }, visible(title.text || entry.id)));
    }));
  });
}

export function unmeasuredSection(view) {
  const reasons = view.model.unmeasuredByReason();
  if (reasons.length === 0) return null;
  return el('section', { class: 'card', 'aria-labelledby': 'h-gaps' },
    el('h2', { id: 'h-gaps' }, view.i18n.t('gaps.title')),
    el('p', { class: 'card-lead' }, view.i18n.t('gaps.lead')),
    reasons.map(([reason, entries]) => reasonItem(view, reason, entries)));
}

function waiverRow(view, { entry, finding }) {
  const title = view.i18n.pick(entry.meta.title);
  const { waiver } = finding;
  return el('tr', {}, el('th', { scope: 'row' }, el('a', { href: `#m-${entry.id}`, lang: title.lang }, visible(title.text || entry.id))),
    el('td', {}, visible(view.model.asset(finding).name ?? '?')),
    el('td', {}, statusBadge(view, finding.outcome)),
    el('td', {}, el('time', { datetime: waiver.until }, view.format.shortDay(waiver.until)), waiver.expired && ` ${view.i18n.t('waiver.is-expired')}`),
    el('td', {}, visible(waiver.by ?? '—')), el('td', {}, visible(waiver.reason ?? '—')));
}

const WAIVERS_SHOWN = 100;

/* Null when nothing is waived. */
export function waiverSection(view) {
  const waived = view.model.waived();
  if (waived.length === 0) return null;
  const head = (key) => el('th', { scope: 'col' }, view.i18n.t(key));
  return el('section', { class: 'card', 'aria-labelledby': 'h-waivers' },
    el('h2', { id: 'h-waivers' }, view.i18n.t('waivers.title')),
    el('p', { class: 'card-lead' }, view.i18n.t('waivers.lead')),
    el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': view.i18n.t('waivers.table') },
      el('table', { class: 'data' },
        el('thead', {}, el('tr', {}, head('waivers.measure'), head('waivers.asset'), head('waivers.outcome'), head('waivers.until'), head('waivers.by'), head('waivers.reason'))),
        el('tbody', {}, waived.slice(0, WAIVERS_SHOWN).map((item) => waiverRow(view, item))))),
    waived.length > WAIVERS_SHOWN && el('p', { class: 'quiet' }, view.i18n.plural('waivers.more', waived.length - WAIVERS_SHOWN)));
}
