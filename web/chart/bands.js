/* bands.js: a published score is one of five bands: five cells, filled up to it. */
import { svg } from '../dom.js';

const BANDS = 5;
const CELL = 14;
const HEIGHT_OF_CELL = 12;

/* `band` null: nothing was measured, drawn as an empty dashed outline, never as zero. */
export function bandBar(band) {
  const drawing = svg('svg', { class: 'bands', viewBox: `0 0 ${BANDS * CELL + 1} ${HEIGHT_OF_CELL + 1}`, width: BANDS * CELL + 1, height: HEIGHT_OF_CELL + 1, 'aria-hidden': 'true', focusable: 'false' });
  if (typeof band !== 'number') {
    drawing.append(svg('rect', { class: 'band-none', x: 0.5, y: 0.5, width: BANDS * CELL - 2, height: HEIGHT_OF_CELL }));
    return drawing;
  }
  for (let cell = 0; cell < BANDS; cell++) {
    drawing.append(svg('rect', { class: cell < band ? 'band-on' : 'band-off', x: cell * CELL + 0.5, y: 0.5, width: CELL - 2, height: HEIGHT_OF_CELL }));
  }
  return drawing;
}
