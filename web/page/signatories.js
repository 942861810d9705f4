/* signatories.js: the register: search, filters, sorting and pages, all in the address. */
import { el, on } from '../dom.js';
import { card, pageHead } from '../ui/page.js';
import { freshnessMark, groupText, nameText, signatoryLink, standingText, timeText } from '../ui/register.js';
import { goTo } from '../ui/search.js';
import { dataTable, pager } from '../ui/table.js';

const GROUPS = ['state', 'private-sector', 'civil-society'];
const STANDINGS = ['policy', 'attested', 'self-declared'];
const CLASSES = ['fresh', 'ageing', 'stale', 'none'];
const ROWS_OF_A_PAGE = 50;
const FILTERS = ['q', 'group', 'country', 'principle', 'attested', 'freshness', 'sort'];

/* The query of the API: what the address says, and nothing else of it. */
function askedFor(view) {
  const query = new URLSearchParams();
  for (const name of FILTERS) if (view.query.get(name)) query.set(name, view.query.get(name));
  return query;
}

function choice(view, name, label, options) {
  const value = view.query.get(name) ?? '';
  return el('div', { class: `field field-${name}` }, el('label', { for: `f-${name}` }, label),
    el('select', { id: `f-${name}`, name }, el('option', { value: '' }, view.t('filter.any')),
      options.map(([word, text]) => el('option', { value: word, selected: word === value }, text))));
}

function filterForm(view, summary) {
  const countries = Object.keys(summary.countries).map((country) => [country, view.format.country(country)]).sort((a, b) => view.format.collator.compare(a[1], b[1]));
  const form = el('form', { class: 'filter filter-register', role: 'search', 'aria-label': view.t('register.filter') },
    el('div', { class: 'field field-q' }, el('label', { for: 'f-q' }, view.t('search.label')),
      el('input', { type: 'search', id: 'f-q', name: 'q', value: view.query.get('q') ?? '', autocomplete: 'off', spellcheck: 'false' })),
    choice(view, 'group', view.t('column.group'), GROUPS.map((group) => [group, view.t(`group.${group}`)])),
    choice(view, 'country', view.t('column.country'), countries),
    choice(view, 'principle', view.t('column.principle'), summary.principles.map((principle) => [String(principle.n), `${principle.n}. ${view.i18n.pick(principle.name).text}`])),
    choice(view, 'attested', view.t('column.standing'), STANDINGS.map((standing) => [standing, view.t(`standing.${standing}`)])),
    choice(view, 'freshness', view.t('column.evidence'), CLASSES.map((name) => [name, view.t(`freshness.${name}`)])),
    el('div', { class: 'filter-actions' },
      el('button', { type: 'submit', class: 'button button-primary' }, view.t('register.show')),
      FILTERS.some((name) => view.query.get(name)) && el('a', { class: 'button', href: view.href('/signatories') }, view.t('filter.clear'))));
  return on(form, 'submit', (event) => {
    event.preventDefault();
    goTo(view, '/signatories', form, { sort: view.query.get('sort') });
  });
}

function registerRow(view, row) {
  return [
    [signatoryLink(view, row), el('span', { class: 'under' }, nameText(row.domain))],
    groupText(view, row.group),
    row.country ? view.format.country(row.country) : view.t('unknown'),
    standingText(view, row.attested),
    row.joined ? timeText(view, row.joined.time) : view.t('joined.founder'),
    [freshnessMark(view, row.freshness), row.assessment && el('span', { class: 'under' }, view.format.ago(row.assessment.age_s))],
    view.format.number(row.principles.length),
    view.format.number(row.statements),
  ];
}

function registerTable(view, list) {
  const column = (key, sort, name) => ({ label: view.t(`column.${key}`), sort, class: name });
  return dataTable(view, view.t('register.table'), [
    column('name', 'name'), column('group', 'group'), column('country', 'country'), column('standing'), column('joined', 'joined'),
    column('evidence', 'evidence'), column('endorsed', null, 'number'), column('statements', null, 'number'),
  ], list.signatories.map((row) => registerRow(view, row)), { class: 'register', hideCaption: true });
}

function exportLinks(view, query) {
  const link = (path, text) => el('li', {}, el('a', { href: `${location.origin}${path}?${query}` }, text));
  return el('ul', { class: 'exports', 'aria-label': view.t('export.label') }, link('/api/v1/signatories.csv', 'CSV'), link('/api/v1/signatories', 'JSON'));
}

export async function pageSignatories(main, view) {
  const query = askedFor(view);
  const offset = Math.max(0, Number.parseInt(view.query.get('offset') ?? '0', 10) || 0);
  const [summary, list] = await Promise.all([view.api('/api/v1/summary'), view.api(`/api/v1/signatories?${query}&offset=${offset}&limit=${ROWS_OF_A_PAGE}`)]);
  main.append(pageHead(view, view.t('page.signatories.title'), view.t('register.lead')), filterForm(view, summary),
    el('div', { class: 'list-head' },
      el('p', { role: 'status' }, view.i18n.plural(query.size > 0 ? 'register.found' : 'register.all', list.total, { n: view.format.number(list.total) })),
      exportLinks(view, query)),
    list.signatories.length > 0 ? registerTable(view, list) : card('none', view.t('register.none'), el('p', {}, view.t('register.none-text'))),
    pager(view, offset, ROWS_OF_A_PAGE, list.total) ?? '');
}
