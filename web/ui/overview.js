/* overview.js: the nine principles on one scale, score and coverage side by side. */
import { el, svg, visible } from '../dom.js';
import { barHatch, scoreBar } from '../chart/bars.js';

function scoreCells(view, principle) {
  const scored = typeof principle.score === 'number';
  const covered = typeof principle.coverage === 'number';
  const percent = (value) => view.i18n.t('percent', { n: view.format.number(value) });
  const label = (key) => el('span', { class: 'cell-label', 'aria-hidden': 'true' }, view.i18n.t(key));
  return [
    scored ? el('td', { role: 'cell', class: 'number' }, label('overview.score'), ' ', percent(principle.score))
      : el('td', { role: 'cell', class: 'number is-unassessed' }, label('overview.score'), ' ', view.i18n.t('not-assessed')),
    el('td', { role: 'cell', class: scored ? 'number' : 'number is-unassessed' }, label('overview.coverage'), ' ',
      covered ? percent(principle.coverage) : view.i18n.t('nothing-applies')),
  ];
}

function failingCell(view, principle) {
  const failing = principle.counts?.fail ?? 0;
  const measured = typeof principle.score === 'number';
  return el('td', { role: 'cell', class: failing > 0 ? 'number is-failing' : 'number' },
    el('span', { class: 'cell-label', 'aria-hidden': 'true' }, view.i18n.t('overview.failing')), ' ',
    measured || failing > 0 ? view.format.number(failing) : '—');
}

/* A warning counts half: without this column a score below 100 with nothing failing is a riddle. */
function warningCell(view, principle) {
  const warnings = principle.counts?.warn ?? 0;
  const measured = typeof principle.score === 'number';
  return el('td', { role: 'cell', class: 'number warnings' }, measured || warnings > 0 ? view.format.number(warnings) : '—');
}

function legend(view) {
  const key = (name) => el('li', {}, svg('svg', { class: 'key', width: '20', height: '12', 'aria-hidden': 'true', focusable: 'false' },
    svg('rect', { class: `bar-${name}`, x: '1', y: '1', width: '18', height: '10' }),
    name === 'unmet' ? svg('rect', { class: 'bar-hatch', x: '1', y: '1', width: '18', height: '10' }) : []),
  view.i18n.t(`legend.${name}`));
  return el('ul', { class: 'legend', 'aria-label': view.i18n.t('legend.label') }, key('met'), key('unmet'), key('unassessed'));
}

export function overview(view) {
  const head = (key, name) => el('th', { role: 'columnheader', scope: 'col', class: name }, view.i18n.t(key));
  const rows = view.model.principles.map((principle) => {
    const name = view.i18n.pick(principle.name);
    return el('tr', { role: 'row' },
      el('th', { role: 'rowheader', scope: 'row' }, el('span', { class: 'principle-number', 'aria-hidden': 'true' }, String(principle.n)),
        el('a', { href: `#p-${principle.n}`, lang: name.lang }, visible(name.text))),
      el('td', { role: 'cell', class: 'bar-cell', 'aria-hidden': 'true' }, scoreBar(principle.weights)),
      scoreCells(view, principle), failingCell(view, principle), warningCell(view, principle));
  });
  return el('section', { class: 'card', 'aria-labelledby': 'h-overview' },
    el('div', { class: 'card-head' }, el('h2', { id: 'h-overview' }, view.i18n.t('overview.title')), legend(view)),
    barHatch(),
    el('table', { class: 'overview', role: 'table' },
      el('caption', { class: 'hidden-text' }, view.i18n.t('overview.caption')),
      el('thead', { role: 'rowgroup' }, el('tr', { role: 'row' }, head('overview.principle'),
        el('th', { class: 'bar-cell', 'aria-hidden': 'true' }), head('overview.score', 'number'),
        head('overview.coverage', 'number'), head('overview.failing', 'number'), head('overview.warnings', 'number warnings'))),
      el('tbody', { role: 'rowgroup' }, rows)));
}
