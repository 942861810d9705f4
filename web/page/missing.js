/* missing.js: there is no page at this path: says what was looked for, and offers the search. */
import { code, el } from '../dom.js';
import { pageHead } from '../ui/page.js';
import { searchForm } from '../ui/search.js';

export async function pageMissing(main, view) {
  main.append(pageHead(view, view.t('page.missing.title'), view.t('missing.lead')),
    el('p', {}, view.t('missing.path'), ' ', code(view.parameter)),
    searchForm(view, ''),
    el('p', {}, el('a', { href: view.href('/') }, view.t('problem.home'))));
}
