/*
 * report.js: the report of one assessment, drawn into an element. The report file, and any other
 * page that has a document to show, call render(); nothing here knows where the document is from.
 */
import { el } from './dom.js';
import { Formatter } from './format.js';
import { Translator } from './i18n.js';
import { Model, isFiltering, isKnownSchema } from './model.js';
import { linkedMeasure, writeState } from './url.js';
import { FilterBar } from './ui/filter.js';
import { fixFirst } from './ui/fixfirst.js';
import { unmeasuredSection, waiverSection } from './ui/gaps.js';
import { pageHeader } from './ui/header.js';
import { huntsSection } from './ui/hunts.js';
import { methodSection, verifySection } from './ui/method.js';
import { overview } from './ui/overview.js';
import { PrincipleSection } from './ui/section.js';
import { trendSection } from './ui/trend.js';

function findingsSection(view, sections, filter) {
  return el('section', { class: 'findings-all', 'aria-labelledby': 'h-findings' },
    el('h2', { id: 'h-findings' }, view.i18n.t('findings.title')), filter.node, sections.map((section) => section.node));
}

function statusText(view, filter, sums) {
  const measures = view.i18n.plural('filter.measures', sums.measures, { n: view.format.number(sums.measures) });
  const findings = view.i18n.plural('filter.findings', sums.findings, { n: view.format.number(sums.findings) });
  if (sums.measures === 0) return view.i18n.t('filter.none');
  return view.i18n.t(isFiltering(filter) ? 'filter.matching' : 'filter.all', { measures, findings });
}

function unreadable(root, i18n) {
  root.replaceChildren(el('main', { id: 'main', class: 'page' }, el('h1', {}, i18n.t('unreadable.title')), el('p', {}, i18n.t('unreadable.text'))));
}

/* What all parts of the page share. */
function makeView(root, model, options) {
  const i18n = new Translator(options.catalogues, options.locale);
  const live = el('div', { class: 'hidden-text', 'aria-live': 'polite' });
  const view = {
    model,
    options,
    i18n,
    live,
    format: new Formatter(i18n.language),
    state: options.state,
    opened: options.opened ?? new Set(),
    announce: (text) => { live.textContent = text; },
    setLanguage: (language) => {
      view.state.lang = language;
      writeState(view.state);
      render(root, model.data, { ...options, model, locale: language, opened: view.opened });
      root.querySelector('.controls a')?.focus();
    },
  };
  return view;
}

/* Opens all failing measures for paper, and closes them again. */
function preparePrint(sections, signal) {
  let closed = [];
  addEventListener('beforeprint', () => { closed = sections.flatMap((section) => section.openFailing()); }, { signal });
  addEventListener('afterprint', () => closed.forEach((node) => { node.open = false; }), { signal });
}

let listening = null;

/*
 * Draws `data` ("entente/assessment/1") into `root`. Options: catalogues, locale, state (url.js),
 * sha256 and raw() of the document's bytes, when there are any.
 */
export function render(root, data, options) {
  const i18n = new Translator(options.catalogues, options.locale);
  document.documentElement.lang = i18n.language;
  if (!isKnownSchema(data)) {
    unreadable(root, i18n);
    return;
  }
  const view = makeView(root, options.model ?? new Model(data), options);
  const sections = view.model.principles.map((principle) => new PrincipleSection(view, principle));
  const other = new PrincipleSection(view, null);
  if (!other.isEmpty) sections.push(other);
  const filter = new FilterBar(view, (state) => {
    if (isFiltering(state)) view.model.prepareSearch(view.i18n);
    writeState(state);
    const sums = { measures: 0, findings: 0 };
    for (const section of sections) {
      const shown = section.update(state);
      sums.measures += shown.measures;
      sums.findings += shown.findings;
    }
    return statusText(view, state, sums);
  }, () => sections.forEach((section) => section.openFailing()));
  filter.apply();

  document.title = view.i18n.t('document.title', { name: view.model.subject() ?? view.i18n.t('unnamed'), date: view.format.day(data.run?.started) });
  root.replaceChildren(
    el('a', { class: 'skip', href: '#main' }, view.i18n.t('skip')),
    el('div', { class: 'page' }, pageHeader(view),
      el('main', { id: 'main', tabindex: '-1' }, ...[overview(view), fixFirst(view), findingsSection(view, sections, filter), trendSection(view), huntsSection(view),
        unmeasuredSection(view), waiverSection(view), methodSection(view), verifySection(view)].filter(Boolean)),
      el('footer', { class: 'page-footer' }, el('p', {}, view.i18n.t('footer')))),
    view.live);

  listening?.abort();
  listening = new AbortController();
  preparePrint(sections, listening.signal);
  const follow = () => {
    const id = linkedMeasure();
    if (!id || !view.model.measures.has(id)) return;
    let node = sections.map((section) => section.reveal(id)).find(Boolean);
    if (!node) {
      filter.set({});
      node = sections.map((section) => section.reveal(id)).find(Boolean);
    }
    node?.scrollIntoView({ block: 'start' });
    node?.querySelector('summary').focus({ preventScroll: true });
  };
  addEventListener('hashchange', follow, { signal: listening.signal });
  /* A second click on a link that the address already has is no change of it. */
  root.addEventListener('click', (event) => {
    const link = event.target.closest?.('a[href^="#m-"]');
    if (link && link.getAttribute('href') === location.hash) follow();
  }, { signal: listening.signal });
  follow();
  /* the browser's own jump to the anchor, when the file is loaded, takes the focus away again */
  if (document.readyState !== 'complete') addEventListener('load', () => setTimeout(follow), { signal: listening.signal });
}
