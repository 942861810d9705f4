/* status.js: an outcome or a severity as mark and word; colour only adds to them. */
import { el, svg } from '../dom.js';

const MARKS = {
  pass: 'M3 8.5l3.2 3.2L13 4.8',
  warn: 'M8 2.5L14.5 13.5H1.5ZM8 6.5v3.2M8 11.6v.1',
  fail: 'M4 4l8 8M12 4l-8 8',
  error: 'M5.6 6.2a2.4 2.4 0 1 1 3.4 2.2c-.7.4-1 .8-1 1.6M8 12.6v.1',
  'not-applicable': 'M3.5 8h9',
  'not-measured': 'M3 8h.1M8 8h.1M13 8h.1',
};

/* The mark alone, for where the word stands beside it or is said in hidden text. */
export function statusMark(outcome) {
  return svg('svg', { class: 'mark', viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: MARKS[outcome] ?? MARKS.error }));
}

export function statusWord(view, outcome) {
  const key = `outcome.${outcome}`;
  return view.i18n.has(key) ? view.i18n.t(key) : String(outcome);
}

export function statusBadge(view, outcome) {
  const name = MARKS[outcome] ? outcome : 'error';
  return el('span', { class: `status status-${name}` }, statusMark(outcome), statusWord(view, outcome));
}

export function severityBadge(view, severity) {
  const key = `severity.${severity}`;
  if (!view.i18n.has(key)) return null;
  return el('span', { class: `severity severity-${severity}` }, view.i18n.t(key));
}

/* A fact about a finding: where it comes from, that it is waived. */
export function tag(text, name) {
  return el('span', { class: `tag tag-${name}` }, text);
}
