import { clock, count, duration } from './formats';
import { type Markup, markup } from './markup';
import type { SaleReport } from './report-answer';

/** In the picture's own units; it grows to the width of the page. */
const WIDTH = 760;
const HEIGHT = 220;
const PLOT = { left: 56, right: 752, top: 14, bottom: 182 };
const GRID_LINES = 4;
const TIME_LABELS = 5;

/** Units accepted per bucket, as columns (SVG). */
export function timelinePicture({ startsAt, bucketSeconds, units }: SaleReport['timeline']): Markup {
  if (startsAt === null) return markup`<p>No order was accepted.</p>`;
  const top = axisTop(Math.max(...units));
  const step = (PLOT.right - PLOT.left) / units.length;
  const y = (value: number) => PLOT.bottom - ((PLOT.bottom - PLOT.top) * value) / top;
  const columns = units.map((value, index) => {
    const [x, height] = [PLOT.left + index * step, PLOT.bottom - y(value)];
    // A gap between the columns where they are wide enough for one.
    const width = step > 3 ? step - 1 : step;
    return markup`<rect x="${round(x)}" y="${round(y(value))}" width="${round(width)}" height="${round(height)}"/>\n`;
  });
  return markup`<svg viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="Units accepted over time">
${gridLines(top, y)}<g class="columns">
${columns}</g>
${timeLabels({ startsAt, bucketSeconds, buckets: units.length, step })}<text class="axis" x="${PLOT.left}" y="${HEIGHT - 4}">units accepted per ${duration(bucketSeconds)}, UTC</text>
</svg>`;
}

function gridLines(top: number, y: (value: number) => number): readonly Markup[] {
  return Array.from({ length: GRID_LINES + 1 }, (_, index) => {
    const value = (top / GRID_LINES) * index;
    const at = round(y(value));
    return markup`<line x1="${PLOT.left}" x2="${PLOT.right}" y1="${at}" y2="${at}"/>
<text class="axis value" x="${PLOT.left - 6}" y="${at + 4}">${count(value)}</text>
`;
  });
}

function timeLabels(axis: {
  readonly startsAt: string;
  readonly bucketSeconds: number;
  readonly buckets: number;
  readonly step: number;
}): readonly Markup[] {
  const { startsAt, bucketSeconds, buckets, step } = axis;
  const labels = Math.min(TIME_LABELS, buckets);
  return Array.from({ length: labels }, (_, index) => {
    const bucket = Math.floor((buckets * index) / labels);
    const at = new Date(Date.parse(startsAt) + bucket * bucketSeconds * 1_000).toISOString();
    const x = round(PLOT.left + bucket * step);
    return markup`<text class="axis" x="${x}" y="${PLOT.bottom + 16}">${clock(at, startsAt.slice(0, 10))}</text>\n`;
  });
}

/** The least of 4, 8, 12, 20, 40, 80, 120, 200, ... that has room: a quarter of it is a whole number. */
function axisTop(highest: number): number {
  for (let power = 1; ; power *= 10) {
    for (const digit of [4, 8, 12, 20]) if (digit * power >= highest) return digit * power;
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
