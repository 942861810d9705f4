/* shell.js: what stands around every page of the portal: header, navigation, languages, footer. */
import { el, on } from '../dom.js';
import { LANGUAGES } from '../i18n.js';
import { themeButton, wordmark } from './header.js';

const MAIN_PAGES = [
  ['signatories', '/signatories'],
  ['compare', '/compare'],
  ['followup', '/followup'],
  ['log', '/log'],
  ['measures', '/measures'],
  ['verify', '/verify'],
];
const SMALL_PAGES = [
  ['about', '/about'],
  ['accessibility', '/accessibility'],
  ['privacy', '/privacy'],
];
/* Which entry of the navigation a page stands under. */
const UNDER = { signatory: 'signatories', entry: 'log', view: 'verify' };

function pageLink(view, [name, path], prefix) {
  const current = view.name === name ? 'page' : UNDER[view.name] === name ? 'true' : null;
  return el('li', {}, el('a', { href: view.href(path), 'aria-current': current }, view.t(`${prefix}.${name}`)));
}

function otherLanguages(view) {
  return Object.entries(LANGUAGES).filter(([language]) => language !== view.i18n.language)
    .map(([language, name]) => el('a', { class: 'control', href: view.here({ lang: language }), lang: language, hreflang: language }, name));
}

export function shellHeader(view) {
  const theme = on(themeButton(view), 'click', () => view.keepTheme());
  return el('header', { class: 'portal-header' },
    el('div', { class: 'bar-top' },
      el('a', { class: 'home-link', href: view.href('/'), 'aria-current': view.name === 'home' ? 'page' : null },
        wordmark(), view.log && el('span', { class: 'site', translate: 'no' }, view.log)),
      el('div', { class: 'controls', role: 'group', 'aria-label': view.t('controls') }, otherLanguages(view), theme)),
    el('nav', { class: 'portal-nav', 'aria-label': view.t('nav.label') },
      el('ul', {}, MAIN_PAGES.map((row) => pageLink(view, row, 'nav')),
        el('li', { class: 'nav-help' }, el('a', { href: view.href('/report'), 'aria-current': view.name === 'report' ? 'page' : null }, view.t('nav.report'))))));
}

export function shellFooter(view) {
  return el('footer', { class: 'page-footer portal-footer' },
    el('nav', { 'aria-label': view.t('footer.label') },
      el('ul', {}, SMALL_PAGES.map((row) => pageLink(view, row, 'nav')),
        el('li', {}, el('a', { href: `${location.origin}/openapi.json` }, view.t('footer.api'))))),
    el('p', {}, view.t('footer.text')));
}
