/* page.js: what pages of the portal are made of: their head, cards, notices. */
import { el, visible } from '../dom.js';
import { searchForm } from './search.js';
import { CheckpointMemory } from '../verify/memory.js';

/* The page's one h1, and a sentence under it. */
export function pageHead(view, title, lead, kicker) {
  return el('div', { class: 'page-head' },
    kicker && el('p', { class: 'kicker' }, kicker),
    el('h1', { tabindex: '-1' }, title),
    lead && el('p', { class: 'lead' }, lead));
}

/* A section with its heading; `id` names it for links. */
export function card(id, title, ...children) {
  return el('section', { class: 'card', id, 'aria-labelledby': `h-${id}` }, el('h2', { id: `h-${id}` }, title), ...children);
}

/* A remark that stands out; `kind`: "info", "warn". */
export function notice(kind, ...children) {
  return el('div', { class: `notice notice-${kind}` }, ...children);
}

/* Terms and what they stand for; rows without a value are left out. */
export function summaryList(rows) {
  return el('dl', { class: 'summary-list' }, rows.filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false)
    .map(([term, value]) => el('div', {}, el('dt', {}, term), el('dd', {}, value))));
}

const PROBLEMS = { 0: 'offline', 404: 'missing', 410: 'gone', 429: 'busy', 503: 'unavailable' };

/* When a node shows nothing, what this browser verified before is still known. */
function lastVerified(view, problem) {
  const last = problem.status === 0 || problem.status === 503 ? new CheckpointMemory().recall(view.log) : null;
  if (!last || !Number.isFinite(last.time)) return null;
  const time = new Date(last.time).toISOString();
  return el('p', {}, view.t('problem.last', { size: view.format.number(last.size), time: view.format.time(time) }));
}

/* A page in place of the one that could not be drawn: what happened and what to do now. */
export function problemNotice(view, problem) {
  const kind = PROBLEMS[problem.status] ?? 'other';
  const title = view.t(`problem.${kind}.title`);
  view.title(title);
  return [pageHead(view, title, view.t(`problem.${kind}.text`)),
    problem.detail && el('p', { class: 'quiet' }, view.t('problem.detail'), ' ', el('span', { lang: 'en' }, visible(problem.detail))),
    lastVerified(view, problem),
    problem.status === 404 && searchForm(view, ''),
    el('ul', { class: 'plain-links' },
      el('li', {}, el('a', { href: view.here({}) }, view.t('problem.again'))),
      el('li', {}, el('a', { href: view.href('/signatories') }, view.t('problem.search'))),
      el('li', {}, el('a', { href: view.href('/') }, view.t('problem.home'))))].filter(Boolean);
}
