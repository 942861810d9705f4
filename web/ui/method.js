/* method.js: how the numbers came about, the document itself, and how to check it. */
import { code, download, el, on, prose, visible } from '../dom.js';
import { SEVERITIES, SEVERITY_WEIGHTS } from '../model.js';
import { commandLine, copyButton } from './copy.js';

export function methodSection(view) {
  const { run = {} } = view.model.data;
  const t = (key, values) => view.i18n.t(key, values);
  return el('section', { class: 'card', 'aria-labelledby': 'h-method' },
    el('h2', { id: 'h-method' }, t('method.title')),
    ['method.score', 'method.coverage', 'method.not-measured', 'method.waiver', 'method.imported'].map((key) => el('p', {}, prose(t(key)))),
    el('h3', {}, t('method.weights')),
    el('dl', { class: 'facts' }, SEVERITIES.map((severity) =>
      el('div', {}, el('dt', {}, t(`severity.${severity}`)), el('dd', {}, view.format.number(SEVERITY_WEIGHTS[severity]))))),
    (run.catalogue || run.catalogue_version) && el('dl', { class: 'facts' },
      run.catalogue_version && el('div', {}, el('dt', {}, t('method.catalogue-version')), el('dd', {}, visible(run.catalogue_version))),
      run.catalogue && el('div', {}, el('dt', {}, t('method.catalogue')), el('dd', {}, code(run.catalogue))),
      run.id && el('div', {}, el('dt', {}, t('method.run')), el('dd', {}, code(run.id)))));
}

export function verifySection(view) {
  const t = (key, values) => view.i18n.t(key, values);
  const { sha256, raw } = view.options;
  const fingerprint = sha256 && code(sha256);
  const save = raw && on(el('button', { type: 'button', class: 'button button-primary' }, t('verify.download')), 'click',
    () => download('assessment.json', new Blob([raw()], { type: 'application/json' })));
  return el('section', { class: 'card', 'aria-labelledby': 'h-verify' },
    el('h2', { id: 'h-verify' }, t('verify.title')),
    el('p', {}, t('verify.lead')),
    save && el('p', {}, save),
    fingerprint && el('h3', {}, t('verify.fingerprint')),
    fingerprint && el('div', { class: 'command' }, fingerprint, copyButton(view, sha256, fingerprint, t('verify.fingerprint'))),
    el('h3', {}, t('verify.commands')),
    el('p', {}, t('verify.hash')), commandLine(view, 'sha256sum assessment.json', t('verify.commands')),
    el('p', {}, t('verify.signature')), commandLine(view, 'entente verify assessment.dsse.json --key KEY', t('verify.commands')),
    el('p', { class: 'quiet' }, t('verify.limits')));
}
