/*
 * measure.js: one row a measure; what it found is built when the reader opens it.
 */
import { code, el, hidden, on, prose, visible } from '../dom.js';
import { asksAttention } from '../model.js';
import { evidenceList } from './evidence.js';
import { copyButton, commandLine } from './copy.js';
import { referenceList } from './reference.js';
import { reasonChildren } from './reason.js';
import { severityBadge, statusBadge, tag } from './status.js';

/* Findings shown before "Show all": those that ask for something, at most so many. */
const FINDINGS_SHOWN = 100;
const NAMES_SHOWN = 100;
/* Measures of the organisation, whose outcomes are dated answers of its people. */
const ANSWERED = 'org.';

/* Findings that say the same of several assets become one item. */
function groupFindings(findings) {
  const groups = new Map();
  for (const finding of findings) {
    const { outcome, reason, detail, evidence, omitted, source, waiver, first_seen: since } = finding;
    const key = JSON.stringify([outcome, reason, detail, evidence, omitted, source, waiver, since]);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(finding);
  }
  return [...groups.values()];
}

/* Whether people said so: what no program can see is answered, not measured. */
export function isSelfDeclared(entry, finding) {
  return entry.id.startsWith(ANSWERED) && ['pass', 'warn', 'fail'].includes(finding.outcome);
}

function waiverLine(view, waiver) {
  const values = { until: view.format.day(waiver.until), by: visible(waiver.by ?? '—'), reason: visible(waiver.reason ?? '—') };
  return el('p', { class: 'waiver' }, tag(view.i18n.t(waiver.expired ? 'waiver.expired' : 'waiver.active'), waiver.expired ? 'expired' : 'waived'),
    ' ', view.i18n.t('waiver.line', values));
}

function assetNames(view, group) {
  const names = group.map((finding) => visible(view.model.asset(finding).name ?? '?'));
  if (names.length === 1) return el('span', { class: 'asset-names' }, names[0]);
  const shown = names.slice(0, NAMES_SHOWN);
  const list = el('span', { class: 'asset-names' }, shown.join(', '));
  if (names.length > shown.length) {
    const rest = names.slice(NAMES_SHOWN);
    const more = el('button', { type: 'button', class: 'button button-small' }, view.i18n.plural('assets.more', rest.length));
    on(more, 'click', () => {
      list.append(`, ${rest.join(', ')}`);
      more.remove();
    });
    return [list, ' ', more];
  }
  return list;
}

function findingItem(view, entry, group) {
  const [first] = group;
  const reason = reasonChildren(view, first);
  const source = first.source
    ? tag(view.i18n.t('source.imported', { source: visible(first.source) }), 'source') : null;
  const obvious = entry.findings.length === 1 && !view.model.isFleet && !first.source;
  return el('li', { class: 'finding' },
    !obvious && el('div', { class: 'finding-head' }, statusBadge(view, first.outcome),
      group.length > 1 && el('span', { class: 'finding-count' }, view.i18n.plural('assets', group.length)),
      assetNames(view, group), source),
    reason.length > 0 && el('p', { class: 'finding-reason' }, reason),
    evidenceList(view, first),
    first.waiver && waiverLine(view, first.waiver),
    first.first_seen && el('p', { class: 'finding-since' }, view.i18n.t('finding.since', { date: view.format.day(first.first_seen) })));
}

function findingList(view, entry, findings) {
  const groups = groupFindings(findings);
  const asking = groups.filter(([first]) => asksAttention(first.outcome)).length;
  const shown = Math.min(FINDINGS_SHOWN, asking || groups.length);
  const list = el('ul', { class: 'findings' }, groups.slice(0, shown).map((group) => findingItem(view, entry, group)));
  if (groups.length <= shown) return list;
  const more = el('button', { type: 'button', class: 'button' }, view.i18n.plural('findings.show-all', findings.length, { n: view.format.number(findings.length) }));
  on(more, 'click', () => {
    const rest = groups.slice(shown).map((group) => findingItem(view, entry, group));
    list.append(...rest);
    more.remove();
    rest[0].setAttribute('tabindex', '-1');
    rest[0].focus();
  });
  return [list, more];
}

function part(view, key, ...children) {
  return el('section', { class: `part part-${key}` }, el('h4', {}, view.i18n.t(`measure.${key}`)), ...children);
}

function why(view, entry) {
  const { text, lang } = view.i18n.pick(entry.meta.why);
  return text && part(view, 'why', el('p', { lang }, prose(text)));
}

function fix(view, entry) {
  const { text, lang } = view.i18n.pick(entry.meta.fix);
  const title = view.i18n.pick(entry.meta.title).text || entry.id;
  if (!text || !['fail', 'warn'].includes(entry.worst)) return null;
  const words = el('p', { lang }, prose(text));
  return part(view, 'fix', el('div', { class: 'fix-text' }, words, copyButton(view, text.replaceAll('`', ''), words, title)),
    entry.meta.fixable && el('p', { class: 'fix-plan' }, view.i18n.t('fix.plan')),
    entry.meta.fixable && commandLine(view, `entente fix --plan ${entry.id}`, title));
}

function facts(view, entry) {
  const { meta } = entry;
  const rows = [
    ['facts.id', code(entry.id)],
    ['facts.catalogue-id', meta.catalogue_id && code(meta.catalogue_id)],
    ['facts.version', meta.version !== undefined && visible(meta.version)],
    ['facts.function', meta.function && (view.i18n.has(`function.${meta.function}`) ? view.i18n.t(`function.${meta.function}`) : visible(meta.function))],
  ];
  return el('dl', { class: 'facts' }, rows.filter((row) => row[1])
    .map(([key, value]) => el('div', {}, el('dt', {}, view.i18n.t(key)), el('dd', {}, value))));
}

function measureBody(view, entry, findings) {
  const references = Array.isArray(entry.meta.references) ? entry.meta.references : [];
  return [
    part(view, 'found', findingList(view, entry, findings)),
    why(view, entry),
    fix(view, entry),
    references.length > 0 && part(view, 'references', referenceList(references)),
    facts(view, entry),
  ].filter(Boolean);
}

function countText(view, entry, findings) {
  if (!view.model.isFleet) return '';
  const failing = findings.filter((finding) => finding.outcome === entry.worst).length;
  if (entry.findings.length === 1) return visible(view.model.asset(entry.findings[0]).name ?? '?');
  return view.i18n.t('measure.count', { n: view.format.number(failing), total: view.format.number(entry.findings.length) });
}

/* {node, fill, open}: `findings` are those that the filter let through. */
export function measureRow(view, entry, findings) {
  const title = view.i18n.pick(entry.meta.title);
  const waived = entry.worst === 'fail' && entry.open === 0 && entry.findings.some((finding) => finding.waiver);
  const imported = entry.sources.size > 0;
  const summary = el('summary', {}, statusBadge(view, entry.worst),
    el('span', { class: 'measure-title', lang: title.lang }, visible(title.text || entry.id)),
    waived && tag(view.i18n.t('waiver.active'), 'waived'),
    imported && tag(view.i18n.t('source.short'), 'source'),
    isSelfDeclared(entry, findings[0]) && tag(view.i18n.t('source.self-declared'), 'source'),
    el('span', { class: 'measure-count' }, countText(view, entry, findings)),
    severityBadge(view, entry.meta.severity) ?? hidden(''));
  const node = el('details', { class: 'measure', id: `m-${entry.id}` }, summary);
  let filled = false;
  const fill = () => {
    if (filled) return;
    filled = true;
    node.append(el('div', { class: 'measure-body' }, measureBody(view, entry, findings)));
  };
  on(node, 'toggle', () => {
    if (node.open) {
      fill();
      view.opened.add(entry.id);
    } else {
      view.opened.delete(entry.id);
    }
  });
  if (view.opened.has(entry.id)) {
    fill();
    node.open = true;
  }
  return {
    node,
    fill,
    open() {
      fill();
      node.open = true;
    },
  };
}
