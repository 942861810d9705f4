/*
 * triage.js: in which order calls for help are answered: the inputs and their weights, the formula,
 * what is no input, and the check over the calls that this node's signatory closed.
 */
import { code, el, visible } from '../dom.js';
import { card, notice, pageHead } from '../ui/page.js';
import { dataTable } from '../ui/table.js';

const QUESTION = 0.01; /* below it a difference is a question to the desk */
const LEAST_P = 0.0001; /* the node rounds to this */
const HOURS_OF_A_DAY = 24;
const UNTESTED = {
  'fewer than two groups': 'triage.untested.groups',
  'all calls were decided alike': 'triage.untested.alike',
};

function pickedText(view, title) {
  const { text, lang } = view.i18n.pick(title);
  return el('span', { lang }, visible(text));
}

function inputTable(view, input) {
  const head = [{ label: view.t('triage.answer') }, { label: view.t('triage.weight'), class: 'number' }];
  const rows = [...input.choices].sort((left, right) => right.weight - left.weight)
    .map((choice) => [pickedText(view, choice.title), view.format.number(choice.weight)]);
  return [el('h3', {}, pickedText(view, input.title), ' ', code(input.field)),
    dataTable(view, visible(view.i18n.pick(input.title).text), head, rows, { hideCaption: true }),
    el('p', { class: 'quiet' }, view.t('triage.unanswered', { n: view.format.number(input.unanswered) }))];
}

function formulaCard(view, kind) {
  const product = kind.inputs.map(({ field }) => field).join(' × ');
  const days = (points) => view.format.number(Math.ceil(points * kind.waiting_hours / HOURS_OF_A_DAY));
  const greatest = kind.inputs.reduce((sum, { choices }) => sum * Math.max(...choices.map(({ weight }) => weight)), 1);
  const least = kind.inputs.reduce((sum, { choices }) => sum * Math.min(...choices.map(({ weight }) => weight)), 1);
  return card(`formula-${kind.kind}`, view.t('triage.formula', { kind: visible(view.i18n.pick(kind.title).text) }),
    el('p', {}, code(view.t('triage.score', { product, hours: kind.waiting_hours }))),
    el('p', {}, view.t('triage.waiting', { hours: view.format.number(kind.waiting_hours) }), ' ',
      view.t('triage.starves', { least: view.format.number(least), greatest: view.format.number(greatest), days: days(greatest - least) })),
    kind.inputs.flatMap((input) => inputTable(view, input)));
}

function othersCard(view, kind) {
  return card(`others-${kind.kind}`, view.t('triage.others'),
    el('p', {}, view.t('triage.others-text')),
    el('p', {}, view.t('triage.others-asked')),
    el('ul', { class: 'points' }, kind.not_inputs.map(({ title }) => el('li', {}, pickedText(view, title)))));
}

/* What a group is called: a country, a language, or a choice of the form. */
function groupName(view, kinds, dimension, value) {
  if (dimension === 'country') return visible(view.format.country(value));
  if (dimension === 'language') return visible(view.format.language(value));
  const field = kinds.flatMap((kind) => kind.not_inputs).find(({ field: id }) => id === dimension);
  const title = field?.choices?.[value];
  return title ? pickedText(view, title) : visible(value);
}

/* The test in words first; its numbers after them. */
function testWords(view, row) {
  if (typeof row.p !== 'number') return [el('p', {}, view.t(UNTESTED[row.untested] ?? 'triage.untested.unknown'))];
  const numbers = {
    chi: view.format.number(row.chi_square),
    degrees: view.i18n.plural('triage.degrees', row.degrees, { n: view.format.number(row.degrees) }),
    p: row.p < LEAST_P ? `p < ${view.format.decimal(LEAST_P, 4)}` : `p = ${view.format.decimal(row.p, 4)}`,
  };
  return [el('p', {}, view.t(row.p < QUESTION ? 'triage.question' : 'triage.chance'), row.few ? ` ${view.t('triage.few')}` : ''),
    el('p', { class: 'quiet' }, view.t('triage.chi', numbers))];
}

function dimensionPart(view, kinds, bias, row) {
  const title = view.t(`triage.by.${row.dimension}`);
  const least = view.format.number(bias.least_calls_shown);
  const head = [{ label: view.t(`triage.dimension.${row.dimension}`) }, ...['calls', 'accepted', 'wait'].map((name) => ({ label: view.t(`triage.${name}`), class: 'number' }))];
  const rows = row.groups.map((group) => [groupName(view, kinds, row.dimension, group.value), view.format.number(group.calls),
    view.format.number(group.accepted), view.format.decimal(group.mean_wait_hours, 1)]);
  return [el('h3', {}, title),
    rows.length > 0 ? dataTable(view, title, head, rows, { hideCaption: true }) : el('p', {}, view.t('triage.none', { least })),
    row.suppressed_groups > 0 && el('p', { class: 'quiet' }, view.i18n.plural('triage.suppressed', row.suppressed_groups, { n: view.format.number(row.suppressed_groups), least })),
    ...testWords(view, row)];
}

function biasCard(view, kinds, bias) {
  if (!bias) return card('bias', view.t('triage.bias'), notice('info', el('p', {}, view.t('triage.no-bias'))));
  const { format } = view;
  return card('bias', view.t('triage.bias'),
    el('p', {}, view.t('triage.bias-text')),
    el('p', { class: 'quiet' }, view.t('triage.period', { from: format.day(bias.from), until: format.day(bias.until) })),
    bias.dimensions.flatMap((row) => dimensionPart(view, kinds, bias, row)));
}

export async function pageTriage(main, view) {
  const { formula, bias } = await view.api('/api/v1/triage');
  main.append(pageHead(view, view.t('page.triage.title'), view.t('triage.lead')),
    ...formula.kinds.flatMap((kind) => [formulaCard(view, kind), othersCard(view, kind)]),
    biasCard(view, formula.kinds, bias));
}
