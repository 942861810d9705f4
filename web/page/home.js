/* home.js: what this node is, how its log stands, the nine principles, and the doors. */
import { code, el, visible } from '../dom.js';
import { ApiProblem } from '../ui/api.js';
import { checkpointBadge } from '../ui/badge.js';
import { card, notice, pageHead, summaryList } from '../ui/page.js';
import { entryList, groupText, principleName } from '../ui/register.js';
import { searchForm } from '../ui/search.js';
import { dataTable } from '../ui/table.js';
import { toHex } from '../verify/bytes.js';

const DOORS = [
  ['help', '/report/assistance'],
  ['vulnerability', '/report/disclosure'],
  ['find', '/signatories'],
  ['verify', '/verify'],
];

function doors(view) {
  return el('ul', { class: 'doors' }, DOORS.map(([name, path]) => el('li', {},
    el('a', { href: view.href(path) }, view.t(`door.${name}.title`)), el('p', {}, view.t(`door.${name}.text`)))));
}

/* The checkpoint as the node judges it now, group by group. */
function checkpointCard(view, checkpoint, summary) {
  const age = checkpoint.log_time ? Math.max(0, (Date.now() - Date.parse(checkpoint.log_time)) / 1000) : null;
  const rows = checkpoint.margins.map((margin) => [groupText(view, margin.group), view.format.number(margin.have), view.format.number(margin.needed),
    view.t(margin.margin < 0 ? 'margin.short' : 'margin.spare', { n: view.format.number(Math.abs(margin.margin)) })]);
  return card('checkpoint', view.t('checkpoint.title'),
    checkpointBadge(view, ({ origin, size, root }) => origin === checkpoint.origin && (Number(size) > checkpoint.size || toHex(root) === checkpoint.root)),
    checkpoint.witnessed ? null : notice('warn', el('p', {}, view.t(checkpoint.reason === 'stale' ? 'checkpoint.stale' : 'checkpoint.unwitnessed',
      { limit: view.format.number(Math.round(summary.checkpoint_max_age_s / 3600)) }))),
    summaryList([
      [view.t('checkpoint.log'), code(checkpoint.origin)],
      [view.t('checkpoint.operator'), summary.operator && el('bdi', {}, visible(summary.operator))],
      [view.t('checkpoint.size'), view.i18n.plural('entries', checkpoint.size, { n: view.format.number(checkpoint.size) })],
      [view.t('checkpoint.root'), code(checkpoint.root)],
      [view.t('checkpoint.time'), checkpoint.log_time ? [el('time', { datetime: checkpoint.log_time }, view.format.time(checkpoint.log_time)), ` (${view.format.ago(age)})`] : view.t('time.unknown')],
    ]),
    rows.length > 0 && dataTable(view, view.t('checkpoint.groups'), [
      { label: view.t('column.group') },
      { label: view.t('column.cosigned'), class: 'number' },
      { label: view.t('column.needed'), class: 'number' },
      { label: view.t('column.margin') },
    ], rows),
    el('p', { class: 'more' }, el('a', { href: view.href('/log') }, view.t('checkpoint.more'))));
}

function groupsCard(view, summary) {
  const rows = Object.entries(summary.groups).map(([group, counts]) => [
    el('a', { href: view.href('/signatories', { group }) }, groupText(view, group)),
    view.format.number(counts.signatories), view.format.number(counts.attested), view.format.number(counts.fresh)]);
  return card('groups', view.i18n.plural('home.signatories', summary.signatories, { n: view.format.number(summary.signatories) }),
    el('p', { class: 'card-lead' }, view.t('home.groups-lead')),
    dataTable(view, view.t('home.groups-table'), [
      { label: view.t('column.group') },
      { label: view.t('column.signatories'), class: 'number' },
      { label: view.t('column.attested'), class: 'number' },
      { label: view.t('column.fresh'), class: 'number' },
    ], rows, { hideCaption: true }),
    searchForm(view, ''));
}

function principlesCard(view, summary) {
  return card('principles', view.t('home.principles'),
    el('p', { class: 'card-lead' }, view.t('home.principles-lead')),
    el('ol', { class: 'principles-list' }, summary.principles.map((principle) => {
      const text = view.i18n.pick(principle.text);
      return el('li', {}, el('h3', {}, principleName(view, principle)), el('p', { lang: text.lang }, visible(text.text)),
        el('p', { class: 'quiet' }, el('a', { href: view.href('/signatories', { principle: principle.n }) },
          view.i18n.plural('home.endorsed', principle.endorsed, { n: view.format.number(principle.endorsed) })), ' · ',
        view.i18n.plural('home.assessed', principle.assessed, { n: view.format.number(principle.assessed) }), ' · ',
        el('a', { href: view.href('/measures', { principle: principle.n }) }, view.t('home.measures'))));
    })));
}

function latestCard(view, summary) {
  return card('latest', view.t('home.latest'),
    summary.latest.length > 0 ? entryList(view, summary.latest, true) : el('p', {}, view.t('home.nothing')),
    el('p', { class: 'more' }, el('a', { href: view.href('/log') }, view.t('home.all-entries'))));
}

/* A node without a log has no register: that is said, and is no failure. */
async function readRegister(view) {
  try {
    return await Promise.all([view.api('/api/v1/summary'), view.api('/api/v1/checkpoint')]);
  } catch (problem) {
    if (problem instanceof ApiProblem && problem.status === 404) return [null, null];
    throw problem;
  }
}

export async function pageHome(main, view) {
  const [summary, checkpoint] = await readRegister(view);
  main.append(pageHead(view, view.t('home.heading'), summary ? view.t('home.lead', { log: visible(summary.log) }) : view.t('home.no-log')), doors(view));
  if (!summary) return;
  main.append(el('div', { class: 'columns' }, el('div', {}, groupsCard(view, summary), latestCard(view, summary)), checkpointCard(view, checkpoint, summary)),
    principlesCard(view, summary));
}
