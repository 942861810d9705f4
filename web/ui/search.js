/* search.js: the search for a signatory, on any page: a form that leads to the register. */
import { el, on } from '../dom.js';

/* Goes to `path` with what the form holds; empty fields leave no trace in the address. */
export function goTo(view, path, form, more) {
  const values = { ...more };
  for (const [name, value] of new FormData(form)) if (String(value).trim()) values[name] = String(value).trim();
  location.assign(view.href(path, values));
}

export function searchForm(view, value) {
  const form = el('form', { class: 'search', role: 'search' },
    el('label', { for: 'search-q' }, view.t('search.label')),
    el('div', { class: 'search-row' },
      el('input', { type: 'search', id: 'search-q', name: 'q', value, autocomplete: 'off', spellcheck: 'false' }),
      el('button', { type: 'submit', class: 'button button-primary' }, view.t('search.button'))));
  return on(form, 'submit', (event) => {
    event.preventDefault();
    goTo(view, '/signatories', form);
  });
}
