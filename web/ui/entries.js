/* entries.js: entries of the log as rows of a table, found by bundles of 256, newest first. */
import { el, visible } from '../dom.js';
import { kindName, kindOf } from './statement.js';
import { parseEnvelope, statementOf } from '../verify/dsse.js';
import { BUNDLE_WIDTH } from '../verify/tiles.js';

/* What a row shows of an entry; an entry that cannot be read is one all the same. */
export function entryFacts(index, bytes) {
  try {
    const envelope = parseEnvelope(bytes);
    const statement = statementOf(envelope);
    const { time, ended } = statement.predicate ?? {};
    return {
      index,
      kind: kindOf(statement),
      signers: [...new Set(envelope.signatures.map(({ keyid }) => keyid))],
      subject: statement.subject[0].name ?? '',
      time: typeof (time ?? ended) === 'string' ? time ?? ended : '',
    };
  } catch {
    return { index, kind: '', signers: [], subject: '', time: '' };
  }
}

export function entryMatches({ kind, signers, subject }, { text, kind: wanted }) {
  const needle = text.toLowerCase();
  return (!wanted || kind === wanted) && (!needle || [...signers, subject].some((each) => each.toLowerCase().includes(needle)));
}

function entryRow(view, { index, kind, signers, subject, time }) {
  const names = signers.map((hint) => hint.split('+')[0]);
  return el('tr', {},
    el('th', { scope: 'row' }, el('a', { href: view.href(`/log/${index}`) }, view.format.number(index))),
    el('td', {}, kind ? kindName(view, kind) : view.t('entries.unread')),
    el('td', { class: 'names' }, visible(view.format.list([...new Set(names)]))),
    el('td', { class: 'names' }, visible(subject)),
    el('td', {}, time && el('time', { datetime: time }, view.format.shortDay(time))));
}

export function entryTable(view, rows, caption) {
  const head = ['index', 'kind', 'signer', 'subject', 'time'].map((name) => el('th', { scope: 'col' }, view.t(`entries.${name}`)));
  return el('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': caption },
    el('table', { class: 'data entries' }, el('caption', { class: 'hidden-text' }, caption), el('thead', {}, el('tr', {}, head)),
      el('tbody', {}, rows.map((row) => entryRow(view, row)))));
}

/* The facts of a bundle, newest first. `read(number)` gives its entries. */
export async function bundleFacts(read, number) {
  const entries = await read(number);
  return entries.map((bytes, at) => entryFacts(number * BUNDLE_WIDTH + at, bytes)).reverse();
}

/*
 * Looks through bundles from `number` down for rows that match, until there are `enough`; gives
 * {rows, next (the bundle to go on with; -1: none)}.
 */
export async function findEntries(read, number, wanted, enough, onProgress) {
  const rows = [];
  let at = number;
  for (; at >= 0 && rows.length < enough; at--) {
    rows.push(...(await bundleFacts(read, at)).filter((facts) => entryMatches(facts, wanted)));
    onProgress(at);
  }
  return { rows, next: at };
}
