/* filter.js: a form over the findings; its state stands in the address. */
import { el, on } from '../dom.js';
import { OUTCOMES, SEVERITIES, isFiltering } from '../model.js';

const FIELDS = ['q', 'principle', 'severity', 'outcome'];

function select(view, name, options) {
  const control = el('select', { id: `f-${name}`, name }, el('option', { value: '' }, view.i18n.t(`filter.any-${name}`)),
    options.map(([value, label]) => el('option', { value, selected: view.state[name] === value }, label)));
  return el('div', { class: `field field-${name}` }, el('label', { for: `f-${name}` }, view.i18n.t(`filter.${name}`)), control);
}

export class FilterBar {
  /* `changed` is called with the filter; it answers with the text for the status line. */
  constructor(view, changed, openFailing) {
    this.view = view;
    this.changed = changed;
    this.status = el('p', { class: 'filter-status', role: 'status' });
    const { t } = { t: (key, values) => view.i18n.t(key, values) };
    const search = el('input', { type: 'search', id: 'f-q', name: 'q', value: view.state.q, autocomplete: 'off', spellcheck: 'false' });
    this.clear = el('button', { type: 'reset', class: 'button' }, t('filter.clear'));
    this.form = el('form', { class: 'filter', role: 'search', 'aria-label': t('filter.label') },
      el('div', { class: 'field field-q' }, el('label', { for: 'f-q' }, t('filter.q')), search),
      select(view, 'principle', view.model.principles.map((principle) => [String(principle.n), `${principle.n}. ${view.i18n.pick(principle.name).text}`])),
      select(view, 'severity', SEVERITIES.map((severity) => [severity, t(`severity.${severity}`)])),
      select(view, 'outcome', OUTCOMES.map((outcome) => [outcome, t(`outcome.${outcome}`)])),
      el('div', { class: 'filter-actions' }, this.clear,
        on(el('button', { type: 'button', class: 'button' }, t('filter.open-failing')), 'click', openFailing)));
    this.node = el('div', { class: 'filter-bar' }, this.form, this.status);
    on(this.form, 'submit', (event) => event.preventDefault());
    on(search, 'focus', () => view.model.prepareSearch(view.i18n));
    on(this.form, 'input', () => this.read());
    on(this.form, 'change', () => this.read());
    on(this.form, 'reset', (event) => {
      event.preventDefault();
      this.set({});
      search.focus();
    });
  }

  read() {
    for (const name of FIELDS) this.view.state[name] = this.form.elements[name].value.trim();
    this.apply();
  }

  /* Sets all fields; those not given become empty. */
  set(values) {
    for (const name of FIELDS) {
      this.view.state[name] = values[name] ?? '';
      this.form.elements[name].value = this.view.state[name];
    }
    this.apply();
  }

  apply() {
    this.status.textContent = this.changed(this.view.state);
    this.clear.disabled = !isFiltering(this.view.state);
  }
}
