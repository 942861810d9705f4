/*
 * section.js: one principle: its numbers, the measures that ask for something, and groups of the
 * others, built when opened.
 */
import { el, on, visible } from '../dom.js';
import { asksAttention, isFiltering } from '../model.js';
import { measureRow } from './measure.js';

/* Rows built before "Show all": keeps the page light however many measures fail. */
const ROWS_SHOWN = 25;
const QUIET_GROUPS = ['not-measured', 'pass', 'not-applicable'];

function countsLine(view, principle) {
  const parts = ['fail', 'warn', 'error', 'pass', 'not-measured', 'not-applicable']
    .filter((outcome) => principle.counts?.[outcome] > 0)
    .map((outcome) => view.i18n.plural(`count.${outcome}`, principle.counts[outcome], { n: view.format.number(principle.counts[outcome]) }));
  return parts.length > 0 ? el('p', { class: 'principle-counts' }, parts.join(' · ')) : null;
}

function numbers(view, principle) {
  const scored = typeof principle.score === 'number';
  return el('p', { class: scored ? 'principle-numbers' : 'principle-numbers is-unassessed' },
    scored ? view.i18n.t('principle.numbers', { score: view.format.number(principle.score), coverage: view.format.number(principle.coverage ?? 0) })
      : view.i18n.t('not-assessed'));
}

export class PrincipleSection {
  /* `principle` null: findings that belong to none of the nine (imported). */
  constructor(view, principle) {
    this.view = view;
    this.entries = view.model.ofPrinciple(principle ? principle.n : null);
    this.rows = new Map();
    this.body = el('div', { class: 'measures' });
    this.isEmpty = this.entries.length === 0;
    const name = principle ? view.i18n.pick(principle.name) : { text: view.i18n.t('principle.other') };
    this.node = el('section', { class: 'principle', id: principle ? `p-${principle.n}` : 'p-other', 'aria-labelledby': principle ? `h-${principle.n}` : 'h-other' },
      el('div', { class: 'principle-head' },
        el('h3', { id: principle ? `h-${principle.n}` : 'h-other', lang: name.lang },
          principle && el('span', { class: 'principle-number' }, String(principle.n)), ' ', visible(name.text)),
        principle && numbers(view, principle)),
      principle && countsLine(view, principle), this.body);
  }

  /* Shows what `filter` lets through; the number of measures and findings shown. */
  update(filter) {
    const filtering = isFiltering(filter);
    const shown = this.entries.map((entry) => ({ entry, findings: filtering ? this.view.model.match(entry, filter) : entry.findings }))
      .filter(({ findings }) => findings.length > 0);
    this.rows.clear();
    this.pending = new Map();
    this.body.replaceChildren();
    if (filtering) {
      this.append(this.body, shown);
    } else {
      this.append(this.body, shown.filter(({ entry }) => asksAttention(entry.worst)));
      for (const outcome of QUIET_GROUPS) this.appendGroup(outcome, shown.filter(({ entry }) => entry.worst === outcome));
    }
    if (this.isEmpty) this.body.append(el('p', { class: 'quiet' }, this.view.i18n.t('principle.nothing')));
    this.node.hidden = filtering ? shown.length === 0 : false;
    return { measures: shown.length, findings: shown.reduce((sum, { findings }) => sum + findings.length, 0) };
  }

  append(parent, items) {
    const build = ({ entry, findings }) => {
      const row = measureRow(this.view, entry, findings);
      this.rows.set(entry.id, row);
      return row.node;
    };
    parent.append(...items.slice(0, ROWS_SHOWN).map(build));
    if (items.length <= ROWS_SHOWN) return;
    const rest = items.slice(ROWS_SHOWN);
    const more = el('button', { type: 'button', class: 'button show-all' }, this.view.i18n.plural('measures.more', rest.length));
    const showRest = () => {
      if (!more.isConnected) return [];
      const nodes = rest.map(build);
      more.replaceWith(...nodes);
      return nodes;
    };
    on(more, 'click', () => showRest()[0]?.querySelector('summary').focus());
    for (const { entry } of rest) this.pending.set(entry.id, showRest);
    parent.append(more);
  }

  appendGroup(outcome, items) {
    if (items.length === 0) return;
    const label = this.view.i18n.plural(`group.${outcome}`, items.length, { n: this.view.format.number(items.length) });
    const inner = el('div', { class: 'group-body' });
    const group = el('details', { class: 'group' }, el('summary', {}, label), inner);
    let filled = false;
    const fill = () => {
      if (filled) return;
      filled = true;
      this.append(inner, items);
    };
    on(group, 'toggle', () => group.open && fill());
    for (const { entry } of items) {
      this.pending.set(entry.id, () => {
        group.open = true;
        fill();
      });
    }
    this.body.append(group);
  }

  /* Builds and opens the row of measure `id`; its node, or undefined when it is not here. */
  reveal(id) {
    if (!this.entries.some((entry) => entry.id === id)) return undefined;
    for (let tries = 0; tries < 2 && !this.rows.has(id); tries++) this.pending.get(id)?.();
    const row = this.rows.get(id);
    row?.open();
    return row?.node;
  }

  /* Opens every failing measure; gives those that were closed. */
  openFailing() {
    const closed = [];
    for (const entry of this.entries) {
      if (entry.worst !== 'fail') continue;
      if (!this.rows.has(entry.id)) this.pending.get(entry.id)?.();
      const row = this.rows.get(entry.id);
      if (row && !row.node.open) {
        row.open();
        closed.push(row.node);
      }
    }
    return closed;
  }
}
