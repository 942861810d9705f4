/* fixfirst.js: the ten measures worth most to fix, by severity times assets. */
import { el, visible } from '../dom.js';
import { severityBadge } from './status.js';

const FIXES_SHOWN = 10;

function fixItem(view, entry) {
  const title = view.i18n.pick(entry.meta.title);
  const many = view.model.isFleet;
  return el('li', {},
    el('div', { class: 'fix-item' },
      el('a', { href: `#m-${entry.id}`, lang: title.lang }, visible(title.text || entry.id)),
      el('span', { class: 'fix-facts' }, severityBadge(view, entry.meta.severity),
        many && el('span', {}, view.i18n.plural('assets', entry.open, { n: view.format.number(entry.open) })),
        el('span', {}, view.i18n.t('fix.principle', { n: entry.meta.principle ?? '—' })),
        el('span', {}, view.i18n.t(entry.meta.fixable ? 'fix.automatic' : 'fix.by-hand')))));
}

export function fixFirst(view) {
  const entries = view.model.fixFirst(FIXES_SHOWN);
  const fixable = entries.some((entry) => entry.meta.fixable);
  return el('section', { class: 'card', 'aria-labelledby': 'h-fix' },
    el('h2', { id: 'h-fix' }, view.i18n.t('fix.title')),
    entries.length > 0 ? el('p', { class: 'card-lead' }, view.i18n.t(fixable ? 'fix.lead-fixable' : 'fix.lead')) : el('p', { class: 'quiet' }, view.i18n.t('fix.nothing')),
    entries.length > 0 && el('ol', { class: 'fix-list' }, entries.map((entry) => fixItem(view, entry))));
}
