/*
 * area.js: series over time: stacked areas with gaps between them, steps, and lines. The scale
 * stands as text beside the drawing, which stretches with the page; the numbers are in the table.
 */
import { el, svg } from '../dom.js';

const AREA_WIDTH = 600;
const AREA_HEIGHT = 200;

/* A round even number not below `value`: the top of a scale whose middle is a number too. */
export function niceTop(value) {
  const power = 10 ** Math.floor(Math.log10(Math.max(value, 1)));
  return [1, 2, 4, 10].map((factor) => factor * power).find((top) => top >= value && top % 2 === 0);
}

function areaX(index, count) {
  return count > 1 ? (index / (count - 1)) * AREA_WIDTH : AREA_WIDTH / 2;
}

function areaY(value, top) {
  return AREA_HEIGHT - (value / top) * AREA_HEIGHT;
}

function point(x, y) {
  return `${x.toFixed(1)} ${y.toFixed(1)}`;
}

function frame(top, count) {
  const drawing = svg('svg', { class: 'area', viewBox: `0 0 ${AREA_WIDTH} ${AREA_HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false' });
  for (const part of [0, 0.5, 1]) drawing.append(svg('line', { class: 'line-grid', x1: 0, x2: AREA_WIDTH, y1: areaY(part * top, top), y2: areaY(part * top, top) }));
  drawing.dataset.top = top;
  drawing.dataset.count = count;
  return drawing;
}

/* One value is no line: it is drawn as a level over the whole width. */
function widened(values) {
  return values.length === 1 ? [values[0], values[0]] : values;
}

/* `series`: [{name, values}], the first lowest; returns the drawing with its top in data-top. */
export function stackedArea(series) {
  const count = widened(series[0].values).length;
  const sums = widened(series[0].values).map((_, index) => series.reduce((sum, { values }) => sum + widened(values)[index], 0));
  const top = niceTop(Math.max(...sums));
  const drawing = frame(top, count);
  let below = new Array(count).fill(0);
  for (const { name, values } of series) {
    const above = widened(values).map((value, index) => below[index] + value);
    const upper = above.map((value, index) => point(areaX(index, count), areaY(value, top)));
    const lower = below.map((value, index) => point(areaX(index, count), areaY(value, top))).reverse();
    drawing.append(svg('path', { class: `area-part area-${name}`, d: `M${upper.join('L')}L${lower.join('L')}Z` }));
    below = above;
  }
  return drawing;
}

/* A quantity that only grows: level until it changes. */
export function stepLine(values) {
  const all = widened(values);
  const top = niceTop(Math.max(...all));
  const drawing = frame(top, all.length);
  const path = all.map((value, index) => {
    const x = areaX(index, all.length);
    const before = index > 0 ? `L${point(x, areaY(all[index - 1], top))}L` : 'M';
    return `${before}${point(x, areaY(value, top))}`;
  }).join('');
  drawing.append(svg('path', { class: 'area-line', d: path }));
  return drawing;
}

/* The drawing between its scale and its first and last time. */
export function chartFrame(view, drawing, first, last) {
  const top = Number(drawing.dataset.top);
  return el('div', { class: 'chart', 'aria-hidden': 'true' },
    el('div', { class: 'chart-scale' }, [top, top / 2, 0].map((value) => el('span', {}, view.format.number(value)))),
    drawing,
    el('div', { class: 'chart-times' }, el('span', {}, first), el('span', {}, last)));
}
