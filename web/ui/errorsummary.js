/*
 * errorsummary.js: what is wrong with a form, said first: a list of links to the fields, focused
 * when it appears; the page's title says it too.
 */
import { el } from '../dom.js';

/* Puts the summary of `errors` ([{id, text}]) first into `main`, or takes it away when there are none. */
export function showErrors(view, main, errors) {
  main.querySelector(':scope > .error-summary')?.remove();
  document.title = document.title.replace(view.t('form.error-prefix'), '');
  if (!errors.length) return;
  const summary = el('div', { class: 'error-summary', role: 'alert', tabindex: '-1', 'aria-labelledby': 'h-errors' },
    el('h2', { id: 'h-errors' }, view.t('form.problem')),
    el('ul', {}, errors.map(({ id, text }) => el('li', {}, el('a', { href: `#${id}` }, text)))));
  main.prepend(summary);
  document.title = view.t('form.error-prefix') + document.title;
  summary.focus();
}
