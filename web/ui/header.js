/* header.js: whose assessment this is, when and by what it was made, and in one sentence how it stands. */
import { code, el, on, svg, visible } from '../dom.js';
import { LANGUAGES } from '../i18n.js';
import { stateQuery } from '../url.js';

/* Three groups of three: the nine principles, and the three groups that answer for them. */
export function wordmark() {
  const dots = [];
  for (let row = 0; row < 3; row++) {
    for (let column = 0; column < 3; column++) dots.push(svg('circle', { cx: 4 + column * 8, cy: 4 + row * 8, r: 2.6 }));
  }
  return el('span', { class: 'wordmark' }, svg('svg', { viewBox: '0 0 24 24', width: '20', height: '20', 'aria-hidden': 'true', focusable: 'false' }, dots), 'Entente');
}

function languageLinks(view) {
  return Object.entries(LANGUAGES).filter(([language]) => language !== view.i18n.language)
    .map(([language, name]) => on(el('a', { class: 'control', href: stateQuery({ ...view.state, lang: language }), lang: language, hreflang: language }, name),
      'click', (event) => {
        event.preventDefault();
        view.setLanguage(language);
      }));
}

function isDark() {
  const { theme } = document.documentElement.dataset;
  return theme ? theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
}

export function themeButton(view) {
  const button = el('button', { type: 'button', class: 'control' });
  const label = () => { button.textContent = view.i18n.t(isDark() ? 'theme.light' : 'theme.dark'); };
  label();
  return on(button, 'click', () => {
    document.documentElement.dataset.theme = isDark() ? 'light' : 'dark';
    label();
  });
}

function summarySentence(view) {
  const totals = view.model.totals();
  const number = (value) => view.format.number(value);
  const assessed = view.i18n.plural('summary.assessed', totals.assessed, { n: number(totals.assessed), total: number(totals.principles) });
  if (totals.assessed === 0) return assessed;
  const failing = view.i18n.plural('summary.failing', totals.fail, { n: number(totals.fail) });
  const critical = totals.critical > 0 ? view.i18n.plural('summary.critical', totals.critical, { n: number(totals.critical) }) : '';
  return view.i18n.t(critical ? 'summary.with-critical' : 'summary.sentence', { assessed, failing, critical });
}

function whoRow(label, value) {
  return value ? el('div', {}, el('dt', {}, label), el('dd', {}, value)) : null;
}

function who(view) {
  const { signatory = {}, run = {}, proof } = view.model.data;
  const t = (key, values) => view.i18n.t(key, values);
  const group = signatory.group && (view.i18n.has(`group.${signatory.group}`) ? t(`group.${signatory.group}`) : visible(signatory.group));
  const place = [group, signatory.country && view.format.country(signatory.country)].filter(Boolean).join(', ');
  return el('dl', { class: 'who' },
    whoRow(t('who.when'), run.started && el('time', { datetime: run.started }, view.format.time(run.started))),
    whoRow(t('who.group'), place),
    whoRow(t('who.domain'), signatory.domain && el('bdi', {}, visible(signatory.domain))),
    whoRow(t('who.root'), run.root && run.root !== '/' && code(run.root)),
    whoRow(t('who.version'), run.version && t('who.program', { version: visible(run.version) })),
    whoRow(t('who.signer'), run.signer ? code(run.signer) : t('who.signed-beside')),
    whoRow(t('who.log'), proof && proof.index !== undefined ? t('who.logged', { index: visible(proof.index) }) : t('who.not-logged')));
}

export function pageHeader(view) {
  const name = view.model.subject();
  const printer = on(el('button', { type: 'button', class: 'control' }, view.i18n.t('print')), 'click', () => print());
  return el('header', { class: 'page-header' },
    el('div', { class: 'bar-top' }, wordmark(), el('nav', { class: 'controls', 'aria-label': view.i18n.t('controls') }, languageLinks(view), themeButton(view), printer)),
    el('p', { class: 'kicker' }, view.i18n.t('kicker')),
    el('h1', { tabindex: '-1' }, el('bdi', {}, visible(name ?? view.i18n.t('unnamed')))),
    el('p', { class: 'lead' }, summarySentence(view)),
    who(view));
}
