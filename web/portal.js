/*
 * portal.js: the entry of every page of the portal. The node says in the shell which page it is
 * (src/node/service_portal.c has the paths); here each has its module, loaded when it is wanted.
 *
 * A page is one file web/page/NAME.js with one exported function, `page` and its name, unique over
 * all files:
 *
 *     export async function pageLog(main, view) { main.append(pageHead(view, …), …); }
 *
 * It fills `main` (empty) with one h1, made by pageHead() of ui/page.js, and what follows. What it
 * throws is shown as a problem in its place. `view` is what all parts of a page share, the same
 * that the report's parts take:
 *
 *     i18n, t(key, values)   texts; `texts` of the row below names files i18n/NAME.LANG.json beside
 *                            those of the portal and of the report
 *     format                 dates and numbers (format.js)
 *     log                    the origin of the log that this node says it shows; may be ''
 *     parameter              of the path ("/log/{index}"), decoded; '' when it has none
 *     query                  URLSearchParams of the address: the state of a page lives there
 *     href(path, query)      the address of a page of this node; a chosen language stays chosen
 *     here(changes)          this address with members of its query changed; null removes one
 *     api(path)              JSON of this node; throws an ApiProblem {status, detail, retryAfter}
 *     title(text)            of the document, where the page's own name is not enough
 *     claim(node)            puts something in place of the sentence "as this node says"; only what
 *                            the browser computed itself may look green (class "is-computed")
 *     announce(text)         said to those who hear the page
 *
 * Pages are real: a link loads the next one. Nothing here is kept but the language and the colours.
 */
import { el } from './dom.js';
import { Formatter } from './format.js';
import { LANGUAGES, Translator } from './i18n.js';
import { ApiProblem, fetchJson } from './ui/api.js';
import { problemNotice } from './ui/page.js';
import { shellFooter, shellHeader } from './ui/shell.js';

const PAGES = {
  home: { file: 'home', draw: 'pageHome', texts: ['verify'] },
  about: { file: 'about', draw: 'pageAbout' },
  accessibility: { file: 'about', draw: 'pageAccessibility' },
  compare: { file: 'compare', draw: 'pageCompare' },
  entry: { file: 'entry', draw: 'pageEntry', texts: ['verify'] },
  followup: { file: 'followup', draw: 'pageFollowup' },
  log: { file: 'log', draw: 'pageLog', texts: ['verify'] },
  measures: { file: 'measures', draw: 'pageMeasures' },
  missing: { file: 'missing', draw: 'pageMissing' },
  privacy: { file: 'about', draw: 'pagePrivacy' },
  reply: { file: 'reply', draw: 'pageReply', texts: ['intake'] },
  report: { file: 'report', draw: 'pageReport', texts: ['intake'] },
  signatories: { file: 'signatories', draw: 'pageSignatories' },
  signatory: { file: 'signatory', draw: 'pageSignatory', texts: ['verify'] },
  triage: { file: 'triage', draw: 'pageTriage' },
  verify: { file: 'verify', draw: 'pageVerify', texts: ['verify'] },
  view: { file: 'view', draw: 'pageView', texts: ['verify'] },
};
const KEPT_LANGUAGE = 'entente.language';
const KEPT_THEME = 'entente.theme';

/* Some private windows refuse storage: then nothing is kept. */
function kept(name, value) {
  try {
    if (value !== undefined) localStorage.setItem(name, value);
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/* What the address says, else what was chosen before, else what the node read in the request. */
function chooseLanguage(query) {
  const asked = query.get('lang');
  if (asked in LANGUAGES) kept(KEPT_LANGUAGE, asked);
  return [asked, kept(KEPT_LANGUAGE), document.documentElement.lang].find((language) => language in LANGUAGES) ?? 'en';
}

async function readTexts(base, row, language) {
  const names = [language, ...['portal', ...(row.texts ?? [])].map((name) => `${name}.${language}`)];
  const parts = await Promise.all(names.map((name) => fetchJson(`${base}i18n/${name}.json`)));
  return { [language]: Object.assign({}, ...parts) };
}

/* An address of this node, absolute: links lead to http and https only. */
function addressOf(path, query, language) {
  const url = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== null && value !== undefined && value !== '') url.searchParams.set(name, value);
  }
  if (language) url.searchParams.set('lang', language);
  return url.href;
}

function makePortalView(name, catalogues, language, query) {
  const { dataset } = document.documentElement;
  const i18n = new Translator(catalogues, language);
  const live = el('div', { class: 'hidden-text', 'aria-live': 'polite' });
  const claim = el('aside', { class: 'claim', 'aria-label': i18n.t('claim.label') });
  const site = dataset.log || 'Entente';
  const view = {
    name,
    i18n,
    t: (key, values) => i18n.t(key, values),
    format: new Formatter(language),
    log: dataset.log ?? '',
    parameter: dataset.parameter ?? '',
    query,
    live,
    claimNode: claim,
    href: (path, values) => addressOf(path, values, query.get('lang')),
    here: (changes) => addressOf(location.pathname, { ...Object.fromEntries(query), ...changes }),
    api: (path) => fetchJson(path),
    title: (text) => { document.title = `${text} — ${site}`; },
    claim: (node) => claim.replaceChildren(node),
    announce: (text) => { live.textContent = text; },
    keepTheme: () => kept(KEPT_THEME, document.documentElement.dataset.theme),
  };
  claim.append(el('p', {}, view.t('claim.node'), ' ', el('a', { href: view.href('/verify') }, view.t('claim.verify'))));
  view.title(i18n.has(`page.${name}.title`) ? view.t(`page.${name}.title`) : site);
  return view;
}

async function drawPage(row, main, view) {
  try {
    const module = await import(`./page/${row.file}.js`);
    await module[row.draw](main, view);
  } catch (problem) {
    if (!(problem instanceof ApiProblem)) console.error(problem);
    main.replaceChildren(...problemNotice(view, problem));
  }
}

/* "#part" of an address was not there yet when the browser looked for it. */
function followAnchor() {
  const id = decodeURIComponent(location.hash.slice(1));
  if (id) document.getElementById(id)?.scrollIntoView();
}

async function startPortal() {
  const { documentElement } = document;
  const name = documentElement.dataset.page;
  const row = PAGES[name] ?? PAGES.missing;
  const query = new URLSearchParams(location.search);
  const language = chooseLanguage(query);
  const theme = kept(KEPT_THEME);
  if (theme === 'dark' || theme === 'light') documentElement.dataset.theme = theme;
  const view = makePortalView(name, await readTexts(documentElement.dataset.base, row, language), language, query);
  const main = el('main', { id: 'main', tabindex: '-1', 'aria-busy': 'true' });
  documentElement.lang = language;
  const root = document.getElementById('portal');
  root.className = 'page portal';
  root.replaceChildren(shellHeader(view), view.claimNode, main, shellFooter(view));
  root.before(el('a', { class: 'skip', href: '#main' }, view.t('skip.main')));
  root.after(view.live);
  await drawPage(row, main, view);
  main.removeAttribute('aria-busy');
  followAnchor();
}

startPortal();
