/* home.js: what this node is, and the doors: ask, report, find, verify. */
import { el, visible } from '../dom.js';
import { card, pageHead } from '../ui/page.js';
import { searchForm } from '../ui/search.js';

const DOORS = [
  ['help', '/report/assistance'],
  ['vulnerability', '/report/disclosure'],
  ['verify', '/verify'],
];

function doors(view) {
  return el('ul', { class: 'doors' }, DOORS.map(([name, path]) => el('li', {},
    el('a', { href: view.href(path) }, view.t(`door.${name}.title`)), el('p', {}, view.t(`door.${name}.text`)))));
}

export async function pageHome(main, view) {
  main.append(pageHead(view, view.t('home.heading'), view.log ? view.t('home.lead', { log: visible(view.log) }) : view.t('home.no-log')),
    doors(view), card('find', view.t('home.find'), searchForm(view, '')));
}
