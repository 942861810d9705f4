/*
 * bars.js: the weight of a principle on a scale of 0 to 100 %, in three parts: met, unmet, not
 * assessed. An 86 on a coverage of 20 % so looks as small as it is. The numbers stand in text
 * beside it; the drawing is not for screen readers.
 */
import { svg } from '../dom.js';

const QUARTERS = [25, 50, 75];

/* The three parts in percent of the whole; null when there is no weight at all. */
export function barParts(weights) {
  const met = Number(weights?.met) || 0;
  const unmet = Number(weights?.unmet) || 0;
  const unassessed = Number(weights?.unassessed) || 0;
  const whole = met + unmet + unassessed;
  if (whole <= 0) return null;
  return { met: (100 * met) / whole, unmet: (100 * unmet) / whole, unassessed: (100 * unassessed) / whole };
}

function barPart(name, start, width) {
  return svg('rect', { class: `bar-${name}`, x: `${start.toFixed(2)}%`, y: '1', width: `${width.toFixed(2)}%`, height: '14' });
}

export function scoreBar(weights) {
  const parts = barParts(weights);
  const drawing = svg('svg', { class: 'bar', height: '16', 'aria-hidden': 'true', focusable: 'false' });
  if (!parts) drawing.append(barPart('unassessed', 0, 100));
  if (parts) {
    if (parts.met > 0) drawing.append(barPart('met', 0, parts.met));
    if (parts.unassessed > 0) drawing.append(barPart('unassessed', parts.met + parts.unmet, parts.unassessed));
    if (parts.unmet > 0) drawing.append(barPart('unmet', parts.met, parts.unmet), barPart('hatch', parts.met, parts.unmet));
  }
  for (const at of QUARTERS) drawing.append(svg('line', { class: 'bar-tick', x1: `${at}%`, x2: `${at}%`, y1: '1', y2: '15' }));
  return drawing;
}

/* The hatching that all bars share; stands once in the page. */
export function barHatch() {
  return svg('svg', { class: 'sprite', width: '0', height: '0', 'aria-hidden': 'true', focusable: 'false' },
    svg('defs', {}, svg('pattern', { id: 'hatch', width: '6', height: '6', patternUnits: 'userSpaceOnUse', patternTransform: 'rotate(45)' },
      svg('line', { class: 'bar-stripe', x1: '0', y1: '0', x2: '0', y2: '6' }))));
}
