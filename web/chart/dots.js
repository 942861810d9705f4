/* dots.js: several signatories on one scale of five bands; each has a shape, low coverage is hollow. */
import { svg } from '../dom.js';

const DOT_WIDTH = 260;
const DOT_HEIGHT = 34;
const DOT_MARGIN = 14;
const SHAPES = [
  (x, y) => `M${x - 6} ${y}a6 6 0 1 0 12 0a6 6 0 1 0 -12 0Z`,
  (x, y) => `M${x - 5.5} ${y - 5.5}h11v11h-11Z`,
  (x, y) => `M${x} ${y - 7}l6.5 12h-13Z`,
  (x, y) => `M${x} ${y - 7.5}l7 7.5l-7 7.5l-7 -7.5Z`,
];
const LOW_COVERAGE = 50;

function dotPath(index, x, y, hollow) {
  return svg('path', { class: `dot dot-${index}${hollow ? ' is-hollow' : ''}`, d: SHAPES[index % SHAPES.length](x, y) });
}

/* The shape of signatory `index`, for legends and headings. */
export function dotKey(index) {
  return svg('svg', { class: 'dot-key', viewBox: '0 0 18 18', width: 18, height: 18, 'aria-hidden': 'true', focusable: 'false' }, dotPath(index, 9, 9, false));
}

/* `marks`: [{band, coverage} or null] by signatory; those of one band stand side by side. */
export function dotRow(marks) {
  const drawing = svg('svg', { class: 'dots', viewBox: `0 0 ${DOT_WIDTH} ${DOT_HEIGHT}`, width: DOT_WIDTH, height: DOT_HEIGHT, 'aria-hidden': 'true', focusable: 'false' });
  const step = (DOT_WIDTH - 2 * DOT_MARGIN) / 5;
  const middle = DOT_HEIGHT / 2;
  drawing.append(svg('line', { class: 'dot-axis', x1: DOT_MARGIN, x2: DOT_WIDTH - DOT_MARGIN, y1: middle, y2: middle }));
  for (let tick = 0; tick <= 5; tick++) {
    const x = DOT_MARGIN + tick * step;
    drawing.append(svg('line', { class: 'dot-axis', x1: x, x2: x, y1: middle - 6, y2: middle + 6 }));
  }
  for (let band = 1; band <= 5; band++) {
    const there = marks.map((mark, index) => ({ mark, index })).filter(({ mark }) => mark && mark.band === band);
    there.forEach(({ mark, index }, place) => {
      const x = DOT_MARGIN + (band - 0.5) * step + (place - (there.length - 1) / 2) * 12;
      drawing.append(dotPath(index, x, middle, (mark.coverage ?? 0) < LOW_COVERAGE));
    });
  }
  return drawing;
}
