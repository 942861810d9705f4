/* signatory.js: one signatory: who it is, with which keys, what it said and how old that is. */
import { code, el, visible } from '../dom.js';
import { bandBar } from '../chart/bands.js';
import { trendLine } from '../chart/lines.js';
import { entryBadge } from '../ui/badge.js';
import { card, notice, pageHead, summaryList } from '../ui/page.js';
import { entryLink, entryList, freshnessMark, groupText, nameText, principleName, signatoryLink, standingText, timeText } from '../ui/register.js';
import { dataTable, foldedTable } from '../ui/table.js';

const BAND_STEP = 20; /* a band is a fifth of the scale */
const LAST_ENTRIES = 12;
const KINDS = { commitments: 'commitment', legal_positions: 'legal-position', norm_reports: 'norm-report' };

function wordOr(view, key, word) {
  return view.i18n.has(key) ? view.t(key) : visible(word);
}

function identityCard(view, signatory) {
  const endorsed = signatory.endorsement;
  return card('identity', view.t('signatory.identity'), summaryList([
    [view.t('signatory.domain'), signatory.domain && nameText(signatory.domain)],
    [view.t('signatory.id'), code(signatory.id)],
    [view.t('column.group'), groupText(view, signatory.group)],
    [view.t('column.standing'), standingText(view, signatory.attested)],
    [view.t('column.country'), signatory.country && view.format.country(signatory.country)],
    [view.t('column.joined'), signatory.joined ? [timeText(view, signatory.joined.time), ' · ', entryLink(view, signatory.joined.index)] : view.t('joined.founder')],
    [view.t('signatory.endorses'), endorsed ? [view.format.list(endorsed.principles.map((n) => view.format.number(n))), ' · ', entryLink(view, endorsed.index)] : view.t('signatory.endorses-none')],
    [view.t('signatory.reviewer'), endorsed && view.t(endorsed.reviewer ? 'yes' : 'no')],
  ]),
  signatory.attestations.length > 0 && dataTable(view, view.t('signatory.attestations'), [
    { label: view.t('signatory.by') }, { label: view.t('column.group') }, { label: view.t('signatory.checked') }, { label: view.t('signatory.when') }, { label: view.t('signatory.counts') },
  ], signatory.attestations.map((row) => [signatoryLink(view, { id: row.by, name: row.by_domain }), groupText(view, row.by_group),
    view.format.list(row.checked.map((word) => wordOr(view, `checked.${word}`, word))),
    [timeText(view, row.time), ' · ', entryLink(view, row.index)], row.withdrawn ? view.t('signatory.withdrawn') : view.t(row.counts ? 'yes' : 'no')])));
}

function bandsTable(view, assessment, names) {
  return dataTable(view, view.t('signatory.bands'), [
    { label: view.t('column.principle') }, { label: view.t('signatory.band') }, { label: view.t('overview.coverage'), class: 'number' },
  ], assessment.principles.map((principle) => [
    el('span', { class: 'principle-cell' }, principleName(view, { n: principle.n, name: names[principle.n - 1].name })),
    el('span', { class: 'band-cell' }, bandBar(principle.band), typeof principle.band === 'number' ? view.t('band.of', { n: principle.band }) : view.t('not-assessed')),
    typeof principle.coverage === 'number' ? view.t('percent', { n: view.format.number(principle.coverage) }) : view.t('nothing-applies'),
  ]), { hideCaption: true });
}

/* Whether the statement in the log is this signatory's and says what stands here. */
function saysTheSame(signatory, { statement, signer }) {
  const { ended, principles, catalogue } = statement.predicate;
  const shown = signatory.assessment;
  return signer?.id === signatory.id && ended === shown.ended && catalogue?.version === shown.catalogue.version &&
    shown.principles.every(({ n, band, coverage }) => principles[n - 1].band === band && principles[n - 1].coverage === coverage);
}

function assessmentCard(view, signatory, names) {
  const { assessment } = signatory;
  if (!assessment) return card('assessment', view.t('signatory.assessment'), el('p', {}, view.t('signatory.no-assessment')));
  return card('assessment', view.t('signatory.assessment'),
    assessment.status === 'contradicted' && notice('warn', el('p', {}, view.t('signatory.contradicted'))),
    summaryList([
      [view.t('signatory.assessed'), [timeText(view, assessment.ended), ` (${view.format.ago(assessment.age_s)}) · `, entryLink(view, assessment.index)]],
      [view.t('column.evidence'), freshnessMark(view, assessment.freshness)],
      [view.t('signatory.review'), wordOr(view, `review.${assessment.status}`, assessment.status)],
      [view.t('signatory.catalogue'), visible(assessment.catalogue.version)],
      [view.t('signatory.commitments'), view.i18n.plural('signatory.findings', assessment.commitments.count, { n: view.format.number(assessment.commitments.count) })],
    ]),
    entryBadge(view, assessment.index, (found) => saysTheSame(signatory, found)),
    bandsTable(view, assessment, names),
    el('p', { class: 'quiet' }, view.t('signatory.bands-note')),
    assessment.reviews.length > 0 && dataTable(view, view.t('signatory.reviews'), [
      { label: view.t('signatory.by') }, { label: view.t('signatory.verdict') }, { label: view.t('signatory.when') },
    ], assessment.reviews.map((review) => [signatoryLink(view, { id: review.by, name: review.by_domain }), wordOr(view, `verdict.${review.verdict}`, review.verdict),
      [timeText(view, review.time), ' · ', entryLink(view, review.index)]])));
}

/* Small multiples of the principles that were ever measured. */
function trendCard(view, signatory, names) {
  const runs = signatory.trend.filter((run) => !run.disputed);
  const measured = names.filter((principle) => runs.some((run) => typeof run.bands[principle.n - 1] === 'number'));
  if (runs.length < 2 || measured.length === 0) return null;
  const figures = measured.map((principle) => {
    const bands = runs.map((run) => run.bands[principle.n - 1]);
    const last = bands.filter((band) => typeof band === 'number').at(-1);
    return el('figure', { class: 'trend' },
      el('figcaption', {}, el('strong', {}, principleName(view, principle)), view.t('trend.band', { n: last })),
      trendLine(bands.map((band) => (typeof band === 'number' ? band * BAND_STEP : null)), []),
      foldedTable(view, dataTable(view, view.t('trend.of', { n: principle.n }), [{ label: view.t('signatory.assessed') }, { label: view.t('signatory.band'), class: 'number' }],
        runs.map((run, index) => [timeText(view, run.ended), typeof bands[index] === 'number' ? String(bands[index]) : view.t('not-assessed')]), { hideCaption: true })));
  });
  return card('trend', view.t('trend.title'), el('p', { class: 'card-lead' }, view.t('signatory.trend-lead')), el('div', { class: 'trends' }, figures));
}

/* Texts in the languages they were written in; the page's own where there is one. */
function textIn(view, texts) {
  const { text, lang } = view.i18n.pick(texts);
  return el('span', { lang }, visible(text));
}

/* Where a text lies; what is no address of the web is shown, and leads nowhere. */
function outsideLink(uri, language) {
  const link = el('a', { href: uri, rel: 'noreferrer external', hreflang: language }, visible(uri));
  return link.hasAttribute('href') ? link : code(uri);
}

function commitmentRow(view, row) {
  return [textIn(view, row.text), view.format.number(row.principle), wordOr(view, `commitment.${row.status ?? 'pledged'}`, row.status), visible(row.due), visible(row.convening ?? ''), [timeText(view, row.time), ' · ', entryLink(view, row.index)]];
}

function saidCard(view, signatory) {
  const current = signatory.commitments.filter((row) => !row.updated_by && !row.disputed);
  const texts = ['legal_positions', 'norm_reports'].flatMap((kind) => signatory[kind].map((row) => ({ kind, row })));
  if (current.length + texts.length === 0) return card('said', view.t('signatory.said'), el('p', {}, view.t('signatory.said-nothing')));
  return card('said', view.t('signatory.said'),
    current.length > 0 && dataTable(view, view.t('signatory.commitment-table'), [
      { label: view.t('commitment.text') }, { label: view.t('column.principle'), class: 'number' }, { label: view.t('commitment.status') },
      { label: view.t('commitment.due') }, { label: view.t('commitment.convening') }, { label: view.t('signatory.when') },
    ], current.map((row) => commitmentRow(view, row)), { class: 'said' }),
    texts.length > 0 && dataTable(view, view.t('signatory.texts'), [
      { label: view.t('text.title') }, { label: view.t('text.kind') }, { label: view.t('text.where') }, { label: view.t('signatory.when') },
    ], texts.map(({ kind, row }) => [el('bdi', { lang: row.language }, visible(row.title)), view.t(`type.${KINDS[kind]}`),
      outsideLink(row.uri, row.language), [timeText(view, row.time), ' · ', entryLink(view, row.index)]]), { class: 'said' }));
}

/* Who said what of an alarm, by name; what is disputed is left out. */
function answersOf(view, alarm) {
  const answers = alarm.sightings.filter((answer) => !answer.disputed);
  if (answers.length === 0) return view.t('routes.no-answer');
  return el('ul', {}, answers.map((answer) => el('li', {}, signatoryLink(view, { id: answer.by, name: answer.by_domain }), ' · ',
    wordOr(view, `routes.${answer.seen}`, answer.seen), ' · ', view.t('routes.peers', { n: answer.peers, of: answer.of }), ' · ', entryLink(view, answer.index))));
}

/* What was done to its networks, as it published, and who sees it too. */
function routesCard(view, signatory) {
  const alarms = signatory.route_alarms.filter((alarm) => !alarm.disputed).slice(-LAST_ENTRIES).reverse();
  if (alarms.length === 0) return null;
  return card('routes', view.t('routes.title'), el('p', { class: 'card-lead' }, view.t('routes.lead')),
    dataTable(view, view.t('routes.table'), [
      { label: view.t('routes.route') }, { label: view.t('routes.network') }, { label: view.t('routes.seen-at') }, { label: view.t('routes.answers') },
    ], alarms.map((alarm) => [[code(alarm.prefix), ` AS${alarm.as} · `, visible(alarm.alarm)], code(alarm.own),
      [timeText(view, alarm.first), ' · ', entryLink(view, alarm.index)], answersOf(view, alarm)]), { class: 'said' }));
}

function keysCard(view, signatory) {
  const rows = signatory.keys.map((row) => [code(row.key), wordOr(view, `role.${row.role}`, row.role), entryLink(view, row.index),
    row.revoked ? entryLink(view, row.revoked.from_index) : row.until ? timeText(view, row.until) : view.t('key.no-end'), wordOr(view, `key.${row.status}`, row.status)]);
  return card('keys', view.t('signatory.keys'),
    signatory.single_key ? notice('warn', el('p', {}, view.t('signatory.single-key'))) : el('p', { class: 'card-lead' }, view.t('signatory.threshold', { n: signatory.root.threshold, total: signatory.root.keys.length })),
    el('h3', {}, view.t('signatory.root')), el('ul', { class: 'code-list' }, signatory.root.keys.map((key) => el('li', {}, code(key)))),
    rows.length > 0 && dataTable(view, view.t('signatory.role-keys'), [
      { label: view.t('key.key') }, { label: view.t('key.role') }, { label: view.t('key.from') }, { label: view.t('key.until') }, { label: view.t('key.status') },
    ], rows, { class: 'keys' }));
}

function contactCard(view, signatory) {
  const { contacts } = signatory;
  return card('contacts', view.t('signatory.contacts'), contacts
    ? [el('ul', { class: 'tags' }, contacts.roles.map((role) => el('li', { class: 'tag' }, wordOr(view, `contact.${role}`, role)))),
      el('p', { class: 'quiet' }, view.t('signatory.contacts-note'), ' ', entryLink(view, contacts.index))]
    : el('p', {}, view.t('signatory.no-contacts')),
  el('p', { class: 'more' }, el('a', { href: view.href('/report', { to: signatory.id }) }, view.t('signatory.write'))));
}

export async function pageSignatory(main, view) {
  const who = encodeURIComponent(view.parameter);
  const [signatory, summary] = await Promise.all([view.api(`/api/v1/signatories/${who}`), view.api('/api/v1/summary')]);
  const { entries } = await view.api(`/api/v1/entries?signatory=${signatory.id}&count=${LAST_ENTRIES}`);
  const name = signatory.name ?? signatory.domain;
  view.title(visible(name));
  main.append(
    pageHead(view, nameText(name), null, [groupText(view, signatory.group), signatory.country ? `, ${view.format.country(signatory.country)}` : '']),
    el('ul', { class: 'actions' },
      el('li', {}, el('a', { class: 'button', href: view.href('/compare', { a: signatory.id }) }, view.t('signatory.compare'))),
      el('li', {}, el('a', { class: 'button', href: `${location.origin}/api/v1/signatories/${signatory.id}` }, 'JSON'))),
    signatory.attested === 'self-declared' ? notice('info', el('p', {}, view.t('signatory.self-declared'))) : '',
    signatory.attested === 'removed' ? notice('warn', el('p', {}, view.t('signatory.removed'), ' ', entryLink(view, signatory.removed_at))) : '',
    assessmentCard(view, signatory, summary.principles),
    trendCard(view, signatory, summary.principles) ?? '',
    saidCard(view, signatory),
    routesCard(view, signatory) ?? '',
    el('div', { class: 'columns' }, identityCard(view, signatory), contactCard(view, signatory)),
    keysCard(view, signatory),
    card('entries', view.t('signatory.entries'), entryList(view, entries, false)));
}
