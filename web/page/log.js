/* log.js: the log: its checkpoint, checked here and by group, and its entries, newest first. */
import { code, el, on, visible } from '../dom.js';
import { bundleFacts, entryTable, findEntries } from '../ui/entries.js';
import { card, notice, pageHead, summaryList } from '../ui/page.js';
import { goTo } from '../ui/search.js';
import { kindName } from '../ui/statement.js';
import { timeOf, verdictClaim, verificationPart } from '../ui/verification.js';
import { toHex } from '../verify/bytes.js';
import { parseCheckpoint } from '../verify/checkpoint.js';
import { parseNote } from '../verify/note.js';
import { predicateNames } from '../verify/predicates.js';
import { BUNDLE_WIDTH, TileReader } from '../verify/tiles.js';
import { pageVerifier } from '../verify/verify.js';

const LEAF_DIGITS = /^[0-9a-f]{64}$/;
const INDEX_DIGITS = /^[0-9]{1,15}$/;

function marginRow(view, { group, needed, have, members, margin, youngest }) {
  const number = (value) => view.format.number(value);
  return el('tr', {}, el('th', { scope: 'row' }, view.i18n.has(`group.${group}`) ? view.t(`group.${group}`) : visible(group)),
    el('td', { class: 'number' }, number(have)), el('td', { class: 'number' }, number(needed)), el('td', { class: 'number' }, number(members)),
    el('td', { class: margin < 0 ? 'number is-failing' : 'number' }, number(margin)), el('td', {}, youngest ? timeOf(view, youngest) : view.t('nothing')));
}

function marginTable(view, margins) {
  const columns = ['group', 'have', 'needed', 'members', 'margin', 'youngest'];
  return el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': view.t('margins.caption') },
    el('table', { class: 'data margins' }, el('caption', {}, view.t('margins.caption')),
      el('thead', {}, el('tr', {}, columns.map((name) => el('th', { scope: 'col', class: name === 'group' || name === 'youngest' ? null : 'number' }, view.t(`margins.${name}`))))),
      el('tbody', {}, margins.map((margin) => marginRow(view, margin)))));
}

function checkpointFacts(view, found) {
  if (!found.checkpoint) return [];
  const { origin, size, root } = found.checkpoint;
  return [
    summaryList([
      [view.t('input.origin'), code(origin)],
      [view.t('input.size'), view.format.number(size)],
      [view.t('input.root'), code(toHex(root))],
      [view.t('log.time'), found.logTime ? timeOf(view, found.logTime) : null],
    ]),
    ...(found.margins?.length ? [marginTable(view, found.margins)] : []),
  ];
}

function searchPart(view) {
  const kind = view.query.get('kind') ?? '';
  const form = el('form', { class: 'filter log-search', role: 'search' },
    el('div', { class: 'field field-q' }, el('label', { for: 'log-q' }, view.t('log.search')),
      el('input', { type: 'search', id: 'log-q', name: 'q', value: view.query.get('q') ?? '', autocomplete: 'off', spellcheck: 'false' })),
    el('div', { class: 'field' }, el('label', { for: 'log-kind' }, view.t('entries.kind')),
      el('select', { id: 'log-kind', name: 'kind' }, el('option', { value: '' }, view.t('log.all-kinds')),
        predicateNames().filter((name) => view.i18n.has(`kind.${name}`)).map((name) => el('option', { value: name, selected: name === kind }, kindName(view, name))))),
    el('div', { class: 'filter-actions' }, el('button', { type: 'submit', class: 'button button-primary' }, view.t('log.find'))));
  return on(form, 'submit', (event) => {
    event.preventDefault();
    goTo(view, '/log', form);
  });
}

/* An index or a leaf hash leads to its entry. */
async function jumpTo(view, text) {
  if (INDEX_DIGITS.test(text)) return view.href(`/log/${Number(text)}`);
  if (!LEAF_DIGITS.test(text)) return null;
  const answer = await fetch(`${location.origin}/api/v1/proofs/${text}`);
  const index = answer.ok ? /^index ([0-9]+)$/m.exec(await answer.text()) : null;
  return index ? view.href(`/log/${index[1]}`) : null;
}

function pagerPart(view, number, last) {
  const link = (to, key) => el('a', { href: view.here({ bundle: to === last ? null : to }) }, view.t(key));
  return el('nav', { class: 'pager', 'aria-label': view.t('log.pager') },
    number < last && link(number + 1, 'log.newer'), number > 0 && link(number - 1, 'log.older'));
}

async function listPart(view, part, read, size) {
  const last = Math.floor((size - 1) / BUNDLE_WIDTH);
  const asked = Number(view.query.get('bundle') ?? last);
  const number = Number.isSafeInteger(asked) && asked >= 0 && asked <= last ? asked : last;
  const rows = await bundleFacts(read, number);
  const caption = view.t('log.shown', { first: view.format.number(rows.at(-1).index), last: view.format.number(rows[0].index), size: view.format.number(size) });
  part.replaceChildren(el('p', { class: 'quiet' }, caption), entryTable(view, rows, caption), pagerPart(view, number, last));
}

async function foundPart(view, part, read, size, wanted) {
  const status = el('p', { class: 'filter-status', role: 'status' });
  const table = el('div', {});
  const more = el('div', {});
  part.replaceChildren(status, table, more);
  const all = [];
  const look = async (from) => {
    const { rows, next } = await findEntries(read, from, wanted, BUNDLE_WIDTH, (at) => {
      status.textContent = view.t('log.looking', { from: view.format.number(at * BUNDLE_WIDTH) });
    });
    all.push(...rows);
    status.textContent = view.i18n.plural('log.found', all.length, { n: view.format.number(all.length) });
    table.replaceChildren(...(all.length ? [entryTable(view, all, status.textContent)] : []));
    more.replaceChildren(...(next >= 0 ? [on(el('button', { type: 'button', class: 'button' }, view.t('log.further')), 'click', () => look(next))] : []));
  };
  await look(Math.floor((size - 1) / BUNDLE_WIDTH));
}

async function drawEntries(view, part, read, size) {
  const wanted = { text: (view.query.get('q') ?? '').trim(), kind: view.query.get('kind') ?? '' };
  try {
    if (!size) part.replaceChildren(el('p', {}, view.t('log.empty')));
    else if (wanted.text || wanted.kind) await foundPart(view, part, read, size, wanted);
    else await listPart(view, part, read, size);
  } catch (fault) {
    part.replaceChildren(notice('warn', el('p', {}, view.t('log.broken')), el('p', { class: 'quiet', lang: 'en' }, visible(fault.message))));
  }
}

/* Without cryptography the entries are shown as served. */
async function unverified(view, part) {
  const reader = new TileReader(new URL('/', location.href).href);
  reader.trust(parseCheckpoint(parseNote(await reader.checkpoint()).text));
  await drawEntries(view, part, (number) => reader.served(number), reader.size);
  part.prepend(notice('warn', el('p', {}, view.t('log.as-served'))));
}

export async function pageLog(main, view) {
  const target = await jumpTo(view, (view.query.get('q') ?? '').trim());
  if (target) {
    location.replace(target);
    return;
  }
  const verifier = await pageVerifier();
  const facts = el('div', {});
  const entries = el('div', { class: 'entries-part' }, el('p', { class: 'quiet' }, view.t('entry.reading')));
  const part = verificationPart(view, (options) => (verifier ? verifier.verifyCheckpoint(options) : { state: 'cannot', steps: null }), { open: false, onDone: (found) => {
    view.claim(verdictClaim(view, found.state));
    facts.replaceChildren(...checkpointFacts(view, found));
  } });
  main.append(pageHead(view, view.t('log.title'), view.log ? view.t('log.lead', { log: visible(view.log) }) : view.t('log.lead.none')),
    card('check', view.t('log.checkpoint'), part.node, facts),
    card('entries', view.t('log.entries'), searchPart(view), entries));
  const found = await part.start();
  if (!verifier) await unverified(view, entries);
  else if (found.checkpoint && found.state !== 'failed') await drawEntries(view, entries, (number) => verifier.reader.bundle(number), verifier.reader.size);
  else entries.replaceChildren(el('p', {}, view.t(found.state === 'failed' ? 'log.not-shown' : 'log.broken')));
}
