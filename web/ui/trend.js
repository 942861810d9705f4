/* trend.js: nine small drawings of the same size and scale, one a principle. */
import { el, hidden, on, visible } from '../dom.js';
import { trendLine } from '../chart/lines.js';

function runs(model) {
  const { run = {} } = model.data;
  const column = (key) => model.principles.map((principle) => (typeof principle[key] === 'number' ? principle[key] : null));
  const failing = model.principles.map((principle) => principle.counts?.fail ?? null);
  return [...model.trend, { time: run.started, scores: column('score'), coverage: column('coverage'), failing }];
}

/* The change in words, from the first run that measured this principle to the last. */
function changeText(view, all, index) {
  const measured = all.filter((run) => typeof run.scores?.[index] === 'number');
  if (measured.length === 0) return view.i18n.t('trend.none');
  const first = measured[0].scores[index];
  const last = measured[measured.length - 1].scores[index];
  const values = { from: view.format.number(first), to: view.format.number(last), since: view.format.shortDay(measured[0].time) };
  if (measured.length === 1) return view.i18n.t('trend.once', values);
  return view.i18n.t(last > first ? 'trend.up' : last < first ? 'trend.down' : 'trend.same', values);
}

function trendTable(view, all, index, name) {
  const cell = (value) => el('td', { class: 'number' }, typeof value === 'number' ? view.format.number(value) : '—');
  const head = (key) => el('th', { scope: 'col' }, view.i18n.t(key));
  return el('table', { class: 'data' }, el('caption', { class: 'hidden-text' }, name),
    el('thead', {}, el('tr', {}, head('trend.run'), head('overview.score'), head('overview.coverage'), head('overview.failing'))),
    el('tbody', {}, all.map((run) => el('tr', {}, el('th', { scope: 'row' }, el('time', { datetime: run.time }, view.format.shortDay(run.time))),
      cell(run.scores?.[index]), cell(run.coverage?.[index]), cell(run.failing?.[index])))));
}

function trendFigure(view, all, principle, index) {
  const name = view.i18n.pick(principle.name);
  const values = (key) => all.map((run) => run[key]?.[index] ?? null);
  const table = el('details', { class: 'trend-table' }, el('summary', {}, view.i18n.t('trend.table'), hidden(`${view.i18n.t('colon')}${name.text}`)));
  on(table, 'toggle', () => {
    if (table.open && table.children.length === 1) table.append(trendTable(view, all, index, name.text));
  });
  return el('figure', { class: 'trend' },
    el('figcaption', {}, el('strong', { lang: name.lang }, `${principle.n}. `, visible(name.text)), el('span', {}, changeText(view, all, index))),
    trendLine(values('scores'), values('coverage')), table);
}

/* Null when there is no earlier run. */
export function trendSection(view) {
  const all = runs(view.model);
  if (all.length < 2) return null;
  const shown = view.model.principles.map((principle, index) => ({ principle, index }))
    .filter(({ index }) => all.some((run) => typeof run.scores?.[index] === 'number'));
  return el('section', { class: 'card', 'aria-labelledby': 'h-trend' },
    el('h2', { id: 'h-trend' }, view.i18n.t('trend.title')),
    el('p', { class: 'card-lead' }, view.i18n.t('trend.lead')),
    el('div', { class: 'trends' }, shown.map(({ principle, index }) => trendFigure(view, all, principle, index))));
}
