/* table.js: tables of data: real ones at every width, wide ones in a region that scrolls by itself. */
import { el, svg } from '../dom.js';

/*
 * `head`: [{label, class, sort}], `rows`: arrays of cells (nodes or texts), the first one names the
 * row. With `sort` a heading is a link that sorts by that word of the address.
 */
export function dataTable(view, caption, head, rows, options = {}) {
  const table = el('table', { class: `data ${options.class ?? ''}` },
    el('caption', { class: options.hideCaption ? 'hidden-text' : null }, caption),
    el('thead', {}, el('tr', {}, head.map((column) => headCell(view, column)))),
    el('tbody', {}, rows.map((cells) => el('tr', {}, cells.map((cell, index) => bodyCell(head[index], cell, index))))));
  return el('div', { class: 'table-region', role: 'region', 'aria-label': view.t('table.region', { caption }), tabindex: '0' }, table);
}

function bodyCell(column, cell, index) {
  return index === 0 ? el('th', { scope: 'row', class: column.class }, cell) : el('td', { class: column.class }, cell);
}

function sortMark(descending) {
  return svg('svg', { class: 'sort-mark', viewBox: '0 0 8 8', width: 8, height: 8, 'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: descending ? 'M0 1h8L4 7Z' : 'M0 7h8L4 1Z' }));
}

function headCell(view, column) {
  if (!column.sort) return el('th', { scope: 'col', class: column.class }, column.label);
  const now = view.query.get('sort') ?? 'name';
  const descending = now === `-${column.sort}`;
  const sorted = descending || now === column.sort;
  const next = now === column.sort ? `-${column.sort}` : column.sort;
  return el('th', { scope: 'col', class: column.class, 'aria-sort': sorted ? (descending ? 'descending' : 'ascending') : null },
    el('a', { class: 'sort', href: view.here({ sort: next === 'name' ? null : next, offset: null }) }, column.label,
      sorted && sortMark(descending)));
}

/* Previous and next of `total` rows, `limit` at a time from `offset`. */
export function pager(view, offset, limit, total) {
  if (total <= limit && offset === 0) return null;
  const number = (value) => view.format.number(value);
  const link = (to, key, rel) => el('li', {}, el('a', { href: view.here({ offset: to || null }), rel, class: 'button' }, view.t(key)));
  return el('nav', { class: 'pager', 'aria-label': view.t('pager.label') },
    el('p', {}, view.t('pager.range', { from: number(Math.min(offset + 1, total)), to: number(Math.min(offset + limit, total)), total: number(total) })),
    el('ul', {}, offset > 0 ? link(Math.max(offset - limit, 0), 'pager.previous', 'prev') : null,
      offset + limit < total ? link(offset + limit, 'pager.next', 'next') : null));
}

/* Numbers behind a drawing, folded away until they are wanted. */
export function foldedTable(view, table) {
  return el('details', { class: 'numbers' }, el('summary', {}, view.t('numbers')), table);
}
