/*
 * verifyfiles.js: files that somebody was given, verified on the spot: the page /verify of a node,
 * and the file that does the same without one.
 */
import { code, el, on, visible } from '../dom.js';
import { NoteFault, parseNoteKey } from '../verify/note.js';
import { groupFiles, isFileFault, policyOfFile, readFile } from '../verify/files.js';
import { CheckpointMemory } from '../verify/memory.js';
import { Verifier } from '../verify/verify.js';
import { dropZone } from './dropzone.js';
import { card, notice, summaryList } from './page.js';
import { kindName, kindOf, valueTree } from './statement.js';
import { timeOf, verificationPart } from './verification.js';

/* Trusted keys, one a line; what is none is named. */
async function readKeys(text) {
  const keys = [];
  const faults = [];
  for (const line of text.split('\n').map((each) => each.trim()).filter(Boolean)) {
    try {
      keys.push(await parseNoteKey(line));
    } catch (fault) {
      if (!(fault instanceof NoteFault)) throw fault;
      faults.push(line);
    }
  }
  return { keys, faults };
}

function policyFacts(view, policy, base) {
  if (!policy) return [el('p', {}, view.t('files.no-policy'))];
  return [
    summaryList([[view.t('input.origin'), code(policy.origin)], [view.t('input.genesis'), code(policy.hash)], [view.t('files.log'), view.t(base ? 'files.log.node' : 'files.log.none')]]),
    el('p', {}, view.t('files.policy.compare')),
  ];
}

function saidOf(view, { statement, signer, entryTime }) {
  if (!statement) return [];
  const [subject] = statement.subject;
  return [summaryList([
    [view.t('entry.kind'), kindName(view, kindOf(statement))],
    [view.t('entry.signer'), signer && visible(signer.name)],
    [view.t('entry.log-time'), entryTime ? timeOf(view, entryTime) : null],
    [view.t('entry.subject'), subject.name && visible(subject.name)],
  ]), el('details', {}, el('summary', {}, view.t('entry.said')), valueTree(view, statement.predicate ?? null))];
}

function aloneCard(view, file, number) {
  const wrong = file.says && file.says !== file.digest;
  return card(`alone-${number}`, visible(file.name), el('p', {}, view.t(wrong ? 'files.altered' : 'files.unsigned')),
    summaryList([[view.t('input.file-digest'), code(file.digest)], [view.t('files.says'), wrong && code(file.says)]]));
}

/*
 * The parts of the page: [nodes]. `policy`: the genesis policy of the page or null; `base`: the node's
 * address or null.
 */
export function filesPage(view, { policy, base }) {
  const state = { policy, files: [] };
  const facts = el('div', {}, policyFacts(view, policy, base));
  const results = el('div', { class: 'results', 'aria-live': 'polite' });
  const keyField = el('textarea', { id: 'keys', rows: '3', spellcheck: 'false', autocomplete: 'off', 'aria-describedby': 'keys-hint' });
  const keyFault = el('p', { class: 'field-fault', role: 'alert' });

  const verifyAll = async () => {
    const { keys, faults } = await readKeys(keyField.value);
    keyFault.textContent = faults.length ? view.t('files.keys.fault', { key: visible(faults[0].slice(0, 60)) }) : '';
    if (!state.files.length) return;
    const { jobs, alone } = await groupFiles(state.files);
    const parts = jobs.map((job, number) => {
      const said = el('div', {});
      const verifier = state.policy && new Verifier({ policy: state.policy, base: state.policy === policy ? base : null, memory: base ? undefined : new CheckpointMemory(null) });
      const part = verificationPart(view, (options) => (verifier ? verifier.verifyFiles(job, { ...options, keys }) : { state: 'no-policy', steps: null }),
        { open: false, onDone: (found) => said.replaceChildren(...saidOf(view, found)) });
      return { node: card(`result-${number}`, visible(job.title), part.node, said), start: part.start };
    });
    results.replaceChildren(...parts.map(({ node }) => node), ...alone.map((file, number) => aloneCard(view, file, number)));
    for (const { start } of parts) await start();
  };

  const take = async (given) => {
    const files = await Promise.all(given.map(({ name, bytes }) => readFile(name, bytes)));
    const other = files.find(({ kind }) => kind === 'policy');
    state.files = files.filter((file) => file !== other);
    try {
      if (other) state.policy = await policyOfFile(other);
      facts.replaceChildren(...policyFacts(view, state.policy, state.policy === policy ? base : null));
    } catch (fault) {
      if (!isFileFault(fault)) throw fault;
      results.replaceChildren(notice('warn', el('p', {}, view.t('files.bad-policy')), el('p', { class: 'quiet', lang: 'en' }, visible(fault.message))));
      return;
    }
    await verifyAll();
  };

  return [
    card('drop', view.t('files.title'), dropZone(view, { id: 'files', label: view.t('files.label'), hint: view.t('files.hint'), multiple: true }, take),
      el('details', { class: 'more-fields' }, el('summary', {}, view.t('files.keys.title')),
        el('div', { class: 'field' }, el('label', { for: 'keys' }, view.t('files.keys.label')), el('p', { class: 'quiet', id: 'keys-hint' }, view.t('files.keys.hint')), keyFault, keyField),
        on(el('button', { type: 'button', class: 'button' }, view.t('files.again')), 'click', verifyAll))),
    results,
    card('policy', view.t('files.policy'), facts),
  ];
}
