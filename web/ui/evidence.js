/* evidence.js: what was looked at, line by line, by type; a type we do not know is shown as JSON. */
import { code, el, hidden, on, visible } from '../dom.js';
import { outcomeRank } from '../model.js';
import { statusMark, statusWord } from './status.js';

/* Lines shown before "Show more": the worst first. */
const LINES_SHOWN = 12;

function place(line) {
  if (!line.path) return null;
  const address = typeof line.line === 'number' && line.line > 0 ? `${line.path}:${line.line}` : line.path;
  return el('span', { class: 'evidence-place' }, code(address));
}

function pair(view, key, value, name) {
  if (value === undefined || value === null) return null;
  return el('span', { class: `evidence-${name}` }, el('span', { class: 'evidence-label' }, view.i18n.t(key)), ' ', code(value));
}

const EVIDENCE_TYPES = {
  setting: (view, line) => [
    el('span', { class: 'evidence-values' },
      line.key !== undefined && el('span', { class: 'evidence-key' }, code(line.key)), ' ',
      line.found === undefined || line.found === null
        ? (line.wanted !== undefined && el('span', { class: 'evidence-absent' }, view.i18n.t('evidence.not-set')))
        : pair(view, 'evidence.found', line.found, 'found'), ' ',
      pair(view, 'evidence.wanted', line.wanted, 'wanted')),
    place(line),
  ],
  text: (view, line) => [el('span', { class: 'evidence-text' }, visible(line.found ?? '')), place(line)],
  redacted: (view, line) => [
    el('span', { class: 'evidence-values' }, el('span', { class: 'evidence-label' }, view.i18n.t('evidence.redacted')), ' ',
      line.key !== undefined && code(line.key), ' ', line.found !== undefined && code(line.found)),
    place(line),
  ],
};

function unknownEvidence(view, line) {
  return [el('span', { class: 'evidence-label' }, view.i18n.t('evidence.raw')),
    el('pre', { class: 'evidence-unknown', translate: 'no' }, visible(JSON.stringify(line, null, 2)))];
}

function evidenceLine(view, line) {
  const show = EVIDENCE_TYPES[line?.type] ?? unknownEvidence;
  const outcome = line?.outcome ?? 'not-applicable';
  return el('li', { class: `evidence evidence-is-${outcome}` }, statusMark(outcome), hidden(`${statusWord(view, outcome)}${view.i18n.t('colon')}`),
    el('div', { class: 'evidence-body' }, show(view, line)));
}

/* The list of evidence of one finding, or null when it has none. */
export function evidenceList(view, finding) {
  const lines = Array.isArray(finding.evidence) ? finding.evidence : [];
  if (lines.length === 0 && !finding.omitted) return null;
  const sorted = [...lines].sort((a, b) => outcomeRank(a?.outcome) - outcomeRank(b?.outcome));
  const list = el('ul', { class: 'evidence-list' }, sorted.slice(0, LINES_SHOWN).map((line) => evidenceLine(view, line)));
  const omitted = finding.omitted ? el('li', { class: 'evidence-omitted' }, view.i18n.plural('evidence.omitted', finding.omitted)) : '';
  if (sorted.length <= LINES_SHOWN) {
    list.append(omitted);
    return list;
  }
  const rest = sorted.slice(LINES_SHOWN);
  const more = el('button', { type: 'button', class: 'button button-small' }, view.i18n.plural('evidence.more', rest.length));
  on(more, 'click', () => {
    const nodes = rest.map((line) => evidenceLine(view, line));
    list.append(...nodes, omitted);
    more.remove();
    nodes[0].setAttribute('tabindex', '-1');
    nodes[0].focus();
  });
  return [list, more];
}
