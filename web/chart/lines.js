/*
 * lines.js: one series over time on a scale of 0 to 100. What was not measured is a gap, never a
 * zero. Small, meant to stand in multiples; its words stand beside it.
 */
import { svg } from '../dom.js';

const WIDTH = 240;
const HEIGHT = 72;
const MARGIN = 4;

/* Points of `values` (0..100 or null), evenly spaced, oldest first. */
export function linePoints(values) {
  const step = values.length > 1 ? (WIDTH - 2 * MARGIN) / (values.length - 1) : 0;
  return values.map((value, index) => (typeof value === 'number'
    ? { x: MARGIN + index * step, y: MARGIN + ((100 - value) / 100) * (HEIGHT - 2 * MARGIN) } : null));
}

function linePath(points) {
  let pen = 'M';
  let path = '';
  for (const point of points) {
    if (!point) {
      pen = 'M';
    } else {
      path += `${pen}${point.x.toFixed(1)} ${point.y.toFixed(1)}`;
      pen = 'L';
    }
  }
  return path;
}

/* A zero-length line with round ends is a dot that no stretching can flatten. */
function lineDot(point, name) {
  return svg('path', { class: name, d: `M${point.x.toFixed(1)} ${point.y.toFixed(1)}h0` });
}

export function trendLine(scores, coverage) {
  const drawing = svg('svg', { class: 'line', viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true', focusable: 'false' });
  for (const value of [0, 50, 100]) {
    const y = MARGIN + ((100 - value) / 100) * (HEIGHT - 2 * MARGIN);
    drawing.append(svg('line', { class: 'line-grid', x1: '0', x2: WIDTH, y1: y, y2: y }));
  }
  const covered = linePoints(coverage);
  const points = linePoints(scores);
  if (covered.some(Boolean)) drawing.append(svg('path', { class: 'line-coverage', d: linePath(covered) }));
  drawing.append(svg('path', { class: 'line-score', d: linePath(points) }));
  points.forEach((point, index) => {
    const alone = point && !points[index - 1] && !points[index + 1];
    if (alone || (point && index === points.length - 1)) drawing.append(lineDot(point, 'line-dot'));
  });
  return drawing;
}
