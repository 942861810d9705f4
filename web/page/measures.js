/* measures.js: the catalogue of measures: what is looked at, why, and how to mend it. */
import { code, download, el, on, prose, visible } from '../dom.js';
import { SEVERITIES, fold } from '../model.js';
import { pageHead } from '../ui/page.js';
import { referenceList } from '../ui/reference.js';
import { goTo } from '../ui/search.js';
import { severityBadge } from '../ui/status.js';

const MEASURE_FILTERS = ['q', 'principle', 'severity', 'function'];
const FUNCTIONS = ['govern', 'identify', 'protect', 'detect', 'respond', 'recover'];

function textOf(view, texts) {
  const { text, lang } = view.i18n.pick(texts);
  return el('p', { lang }, prose(text));
}

function matches(view, measure, wanted) {
  if (wanted.principle && String(measure.principle) !== wanted.principle) return false;
  if (wanted.severity && measure.severity !== wanted.severity) return false;
  if (wanted.function && measure.function !== wanted.function) return false;
  const text = fold([measure.id, measure.catalogue_id ?? '', view.i18n.pick(measure.title).text, view.i18n.pick(measure.why).text, ...measure.references].join('\n'));
  return fold(wanted.q).split(/\s+/).filter(Boolean).every((word) => text.includes(word));
}

function measureSelect(view, name, label, options, value) {
  return el('div', { class: 'field' }, el('label', { for: `f-${name}` }, label), el('select', { id: `f-${name}`, name }, el('option', { value: '' }, view.t('filter.any')),
    options.map(([word, text]) => el('option', { value: word, selected: word === value }, text))));
}

function measureForm(view, wanted) {
  const form = el('form', { class: 'filter filter-register filter-measures', role: 'search', 'aria-label': view.t('measures.filter') },
    el('div', { class: 'field field-q' }, el('label', { for: 'f-q' }, view.t('measures.search')),
      el('input', { type: 'search', id: 'f-q', name: 'q', value: wanted.q, autocomplete: 'off', spellcheck: 'false' })),
    measureSelect(view, 'principle', view.t('column.principle'), [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [String(n), String(n)]), wanted.principle),
    measureSelect(view, 'severity', view.t('filter.severity'), SEVERITIES.map((severity) => [severity, view.t(`severity.${severity}`)]), wanted.severity),
    measureSelect(view, 'function', view.t('facts.function'), FUNCTIONS.map((name) => [name, view.t(`function.${name}`)]), wanted.function),
    el('div', { class: 'filter-actions' }, el('button', { type: 'submit', class: 'button button-primary' }, view.t('register.show')),
      MEASURE_FILTERS.some((name) => wanted[name]) && el('a', { class: 'button', href: view.href('/measures') }, view.t('filter.clear'))));
  return on(form, 'submit', (event) => {
    event.preventDefault();
    goTo(view, '/measures', form);
  });
}

/* Built when it is first opened: a few hundred of them would be slow at once. */
function catalogueRow(view, measure) {
  const title = view.i18n.pick(measure.title);
  const node = el('details', { class: 'measure catalogue-measure', id: `m-${measure.id}` },
    el('summary', {}, el('span', { class: 'catalogue-id' }, visible(measure.catalogue_id ?? '')), el('span', { class: 'measure-title', lang: title.lang }, prose(title.text)), severityBadge(view, measure.severity)));
  return on(node, 'toggle', () => {
    if (!node.open || node.children.length > 1) return;
    node.append(el('div', { class: 'measure-body' },
      el('dl', { class: 'facts' }, [[view.t('facts.id'), code(measure.id)], [view.t('column.principle'), String(measure.principle)], [view.t('facts.function'), view.t(`function.${measure.function}`)], [view.t('facts.version'), String(measure.version)]]
        .map(([term, value]) => el('div', {}, el('dt', {}, term), el('dd', {}, value)))),
      el('div', {}, el('h3', {}, view.t('measure.why')), textOf(view, measure.why)),
      el('div', {}, el('h3', {}, view.t('measure.fix')), textOf(view, measure.fix)),
      measure.references.length > 0 && el('div', {}, el('h3', {}, view.t('measure.references')), referenceList(measure.references))));
  });
}

/* RFC 4180; what a spreadsheet would take for a formula gets an apostrophe. */
function csvOf(view, measures) {
  const field = (text) => `"${String(text ?? '').replace(/^(?=[=+\-@\t\r])/, "'").replace(/"/g, '""')}"`;
  const rows = measures.map((measure) => [measure.id, measure.catalogue_id, measure.principle, measure.severity, measure.function, view.i18n.pick(measure.title).text, view.i18n.pick(measure.why).text, view.i18n.pick(measure.fix).text]);
  return [['id', 'catalogue_id', 'principle', 'severity', 'function', 'title', 'why', 'fix'], ...rows].map((row) => row.map(field).join(',')).join('\r\n');
}

export async function pageMeasures(main, view) {
  const catalogue = await view.api('/api/v1/measures');
  const wanted = Object.fromEntries(MEASURE_FILTERS.map((name) => [name, view.query.get(name) ?? '']));
  const found = catalogue.measures.filter((measure) => matches(view, measure, wanted));
  const csv = on(el('button', { type: 'button', class: 'button button-small' }, 'CSV'), 'click',
    () => download('measures.csv', new Blob([csvOf(view, found)], { type: 'text/csv' })));
  main.append(pageHead(view, view.t('page.measures.title'), view.t('measures.lead')), measureForm(view, wanted),
    el('div', { class: 'list-head' },
      el('p', { role: 'status' }, view.i18n.plural('measures.found', found.length, { n: view.format.number(found.length), total: view.format.number(catalogue.measures.length) })),
      el('ul', { class: 'exports', 'aria-label': view.t('export.label') }, el('li', {}, csv), el('li', {}, el('a', { href: `${location.origin}/api/v1/measures` }, 'JSON')))),
    el('h2', { class: 'hidden-text' }, view.t('nav.measures')),
    el('div', { class: 'principle catalogue' }, found.map((measure) => catalogueRow(view, measure))),
    el('p', { class: 'quiet' }, view.t('measures.version', { version: catalogue.version }), ' ', code(catalogue.digest)));
  const linked = location.hash.startsWith('#m-') && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (linked) linked.open = true;
}
