/* followup.js: how the community grew and what it does, over time; a table under every drawing. */
import { el } from '../dom.js';
import { chartFrame, stackedArea, stepLine } from '../chart/area.js';
import { ApiProblem } from '../ui/api.js';
import { card, pageHead } from '../ui/page.js';
import { groupText, nameText, principleName, typeText } from '../ui/register.js';
import { dataTable, foldedTable } from '../ui/table.js';

const STACK = ['state', 'private-sector', 'civil-society'];
const AGES = ['fresh', 'ageing', 'stale', 'none'];
const DAY_SECONDS = 86400;

/* The end of a step: a day, or also its time where steps are shorter. */
function stepTime(view, growth, bucket) {
  return growth.step_s < DAY_SECONDS ? view.format.time(bucket.time) : view.format.shortDay(bucket.time);
}

function figureOf(view, growth, caption, drawing, legend, table) {
  const { buckets } = growth;
  return el('figure', { class: 'followup' }, el('figcaption', {}, caption), legend,
    chartFrame(view, drawing, stepTime(view, growth, buckets[0]), stepTime(view, growth, buckets.at(-1))), foldedTable(view, table));
}

function keys(view, names, prefix, label) {
  return el('ul', { class: 'legend' }, names.map((name) => el('li', {}, el('span', { class: `swatch area-${prefix}${name}`, 'aria-hidden': 'true' }), label(name))));
}

function overTime(view, growth, caption, names, value, label) {
  return dataTable(view, caption, [{ label: view.t('followup.when') }, ...names.map((name) => ({ label: label(name), class: 'number' }))],
    growth.buckets.map((bucket) => [stepTime(view, growth, bucket), ...names.map((name) => view.format.number(value(bucket, name)))]), { hideCaption: true });
}

function stackCard(view, growth, id, names, member) {
  const label = (name) => (id === 'groups' ? view.t(`group.${name}`) : view.t(`freshness.${name}`));
  const prefix = id === 'groups' ? '' : 'age-';
  const drawing = stackedArea(names.map((name) => ({ name: prefix + name, values: growth.buckets.map((bucket) => bucket[member][name]) })));
  const last = growth.buckets.at(-1)[member];
  const words = view.format.list(names.map((name) => view.t('followup.part', { name: label(name), n: view.format.number(last[name]) })));
  return card(id, view.t(`followup.${id}`), figureOf(view, growth, view.t('followup.now', { words }), drawing, keys(view, [...names].reverse(), prefix, label),
    overTime(view, growth, view.t(`followup.${id}`), names, (bucket, name) => bucket[member][name], label)));
}

function growthCard(view, growth) {
  const last = growth.buckets.at(-1).size;
  return card('growth', view.t('followup.growth'), figureOf(view, growth,
    view.i18n.plural('followup.size', last, { n: view.format.number(last) }), stepLine(growth.buckets.map((bucket) => bucket.size)), null,
    overTime(view, growth, view.t('followup.growth'), ['size'], (bucket) => bucket.size, () => view.t('checkpoint.size'))));
}

function principlesCardOverTime(view, growth, summary) {
  const first = growth.buckets[0];
  const last = growth.buckets.at(-1);
  const change = (now, before) => (now === before ? view.format.number(now) : view.t('followup.change', { n: view.format.number(now), from: view.format.number(before) }));
  return card('statements', view.t('followup.statements'), el('p', { class: 'card-lead' }, view.t('followup.statements-lead', { since: stepTime(view, growth, first) })),
    dataTable(view, view.t('followup.statements'), [{ label: view.t('column.principle') }, { label: view.t('followup.endorsed'), class: 'number' },
      { label: view.t('followup.commitments'), class: 'number' }, { label: view.t('followup.assessed'), class: 'number' }],
    summary.principles.map((principle, index) => [el('span', { class: 'principle-cell' }, principleName(view, principle)), view.format.number(principle.endorsed),
      change(last.commitments[index], first.commitments[index]), change(last.assessed[index], first.assessed[index])]), { hideCaption: true }));
}

function witnessesCard(view, growth) {
  const rows = growth.witnesses.map((witness) => [nameText(witness.name), groupText(view, witness.group),
    witness.checkpoints > 0 ? view.t('followup.share', { n: view.format.number(witness.cosigned), total: view.format.number(witness.checkpoints), percent: view.format.number(Math.floor((100 * witness.cosigned) / witness.checkpoints)) }) : view.t('followup.no-checkpoint'),
    el('span', { class: 'days' }, witness.days.map((day) => el('span', { class: `day day-${Math.ceil((4 * day.cosigned) / day.checkpoints)}`, 'aria-hidden': 'true' })))]);
  return card('witnesses', view.t('followup.witnesses'), el('p', { class: 'card-lead' }, view.t('followup.witnesses-lead')),
    rows.length > 0 ? dataTable(view, view.t('followup.witnesses'), [{ label: view.t('followup.witness') }, { label: view.t('column.group') },
      { label: view.t('followup.cosigned') }, { label: view.t('followup.days') }], rows, { hideCaption: true })
      : el('p', {}, view.t('followup.no-witness')));
}

/* Kinds of statements, most frequent first; drills are named even when there are none. */
function kindsCard(view, summary) {
  const kinds = Object.entries(summary.types).sort((a, b) => b[1] - a[1]);
  const drills = kinds.filter(([type]) => /drill|exercise/.test(type));
  return card('kinds', view.t('followup.kinds'),
    dataTable(view, view.t('followup.kinds'), [{ label: view.t('text.kind') }, { label: view.t('followup.number'), class: 'number' }],
      kinds.map(([type, count]) => [typeText(view, type), view.format.number(count)]), { hideCaption: true }),
    el('h3', {}, view.t('followup.drills')),
    el('p', {}, drills.length > 0 ? view.i18n.plural('followup.drills-done', drills.reduce((sum, [, count]) => sum + count, 0)) : view.t('followup.drills-none')));
}

export async function pageFollowup(main, view) {
  const [growth, summary] = await Promise.all([view.api('/api/v1/followup'), view.api('/api/v1/summary')]);
  main.append(pageHead(view, view.t('page.followup.title'), view.t('followup.lead')));
  if (growth.buckets.length === 0) throw new ApiProblem(503, '', null);
  main.append(
    el('p', { class: 'exports-line' }, el('a', { href: `${location.origin}/api/v1/followup` }, 'JSON')),
    stackCard(view, growth, 'groups', STACK, 'by_group'),
    principlesCardOverTime(view, growth, summary),
    stackCard(view, growth, 'freshness', AGES, 'freshness'),
    witnessesCard(view, growth),
    growthCard(view, growth),
    kindsCard(view, summary));
}
