/* hunts.js: which logs were searched for what partners warn of, and hits over time. */
import { el, svg, visible } from '../dom.js';

const HUNT_STATES = ['current', 'older-tables', 'never'];
const DAY_MS = 86400000;

function objects(value) {
  return Array.isArray(value) ? value.filter((one) => one !== null && typeof one === 'object') : [];
}

function dayNumber(text) {
  const time = Date.parse(text);
  return Number.isFinite(time) ? Math.floor(time / DAY_MS) : null;
}

function huntHead(view, keys) {
  return el('thead', {}, el('tr', {}, keys.map(([key, kind]) => el('th', { scope: 'col', class: kind }, view.i18n.t(key)))));
}

function huntRegion(view, label, table) {
  return el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': view.i18n.t(label) }, table);
}

function huntLog(view, log) {
  const state = HUNT_STATES.includes(log.state) ? view.i18n.t(`hunts.${log.state}`) : visible(log.state ?? '?');
  return el('tr', {}, el('th', { scope: 'row' }, visible(log.name ?? '?')), el('td', {}, state),
    el('td', {}, log.searched ? el('time', { datetime: log.searched }, view.format.shortDay(log.searched)) : '—'),
    el('td', { class: 'number' }, typeof log.unread === 'number' ? view.format.number(log.unread) : '—'));
}

function huntLogs(view, logs) {
  return huntRegion(view, 'hunts.logs', el('table', { class: 'data' },
    huntHead(view, [['hunts.log'], ['hunts.state'], ['hunts.searched'], ['hunts.unread', 'number']]),
    el('tbody', {}, logs.map((log) => huntLog(view, log)))));
}

/* One mark a day, its height by the hits; the numbers stand in the columns beside it. */
function dayLine(days, first, last) {
  const most = Math.max(...days.map(({ hits }) => hits), 1);
  const whole = last - first + 1;
  const drawing = svg('svg', { class: 'bar', height: '16', 'aria-hidden': 'true', focusable: 'false' },
    svg('rect', { class: 'bar-unassessed', x: '0', y: '1', width: '100%', height: '14' }));
  for (const { day, hits } of days) {
    const height = 3 + 11 * (Math.log1p(hits) / Math.log1p(most));
    drawing.append(svg('rect', { class: 'bar-unmet', x: `${((100 * (day - first)) / whole).toFixed(2)}%`, y: (15 - height).toFixed(2),
      width: `${Math.max(100 / whole, 1).toFixed(2)}%`, height: height.toFixed(2) }));
  }
  return drawing;
}

/* An indicator that may not go further is a number of them. */
function indicatorCell(view, row) {
  if (typeof row.indicator === 'string') return el('th', { scope: 'row' }, el('code', {}, visible(row.indicator)));
  return el('th', { scope: 'row', class: 'quiet' }, view.i18n.plural('hunts.withheld', row.indicators ?? 1));
}

function huntHit(view, row, first, last) {
  const days = objects(row.days).map(({ day, hits }) => ({ day: dayNumber(day), hits: Number(hits) || 0 })).filter(({ day, hits }) => day !== null && hits > 0);
  return el('tr', {}, indicatorCell(view, row), el('td', {}, visible(row.log ?? '?')), el('td', {}, `TLP:${visible(row.tlp ?? '?').toUpperCase()}`),
    el('td', { class: 'number' }, view.format.number(Number(row.hits) || 0)),
    el('td', {}, el('time', { datetime: row.first }, view.format.shortDay(row.first))),
    el('td', {}, el('time', { datetime: row.last }, view.format.shortDay(row.last))),
    el('td', {}, dayLine(days, first, last)));
}

function huntHits(view, rows) {
  const days = rows.flatMap((row) => objects(row.days).map(({ day }) => dayNumber(day))).filter((day) => day !== null);
  const first = days.reduce((a, b) => Math.min(a, b), Infinity);
  const last = days.reduce((a, b) => Math.max(a, b), -Infinity);
  return huntRegion(view, 'hunts.hits', el('table', { class: 'data' },
    huntHead(view, [['hunts.indicator'], ['hunts.log'], ['hunts.tlp'], ['hunts.count', 'number'], ['hunts.first'], ['hunts.last'], ['hunts.time']]),
    el('tbody', {}, rows.map((row) => huntHit(view, row, first, last)))));
}

/* Null when the assessment says nothing of hunts. */
export function huntsSection(view) {
  const { hunts } = view.model.data;
  if (!hunts || typeof hunts !== 'object') return null;
  const logs = objects(hunts.logs);
  const rows = objects(hunts.hits);
  return el('section', { class: 'card', 'aria-labelledby': 'h-hunts' },
    el('h2', { id: 'h-hunts' }, view.i18n.t('hunts.title')),
    el('p', { class: 'card-lead' }, view.i18n.t('hunts.lead')),
    logs.length > 0 && huntLogs(view, logs),
    rows.length > 0 ? huntHits(view, rows) : el('p', {}, view.i18n.t('hunts.none')),
    hunts.omitted > 0 && el('p', { class: 'quiet' }, view.i18n.plural('hunts.more', hunts.omitted)));
}
