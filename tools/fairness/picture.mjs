/** From empty to full. */
const SHADES = ' .:-=+*#%@';
const TERMINAL = { columns: 64, rows: 24 };
const CELLS = 100;
const SVG = { side: 600, margin: 64 };

/**
 * How many of those who came in each part were admitted in each part, by rank.
 *
 * @param {readonly number[]} sent
 * @param {readonly number[]} admitted those who never were are left out
 * @param {{ columns: number, rows: number }} size
 * @returns {number[][]} rows of columns; the first row is of those admitted first
 */
export function densityOf(sent, admitted, { columns, rows }) {
  const known = sent.map((_, index) => index).filter((index) => Number.isFinite(admitted[index]));
  const [byTime, byTurn] = [sent, admitted].map((times) => ranksOf(known.map((index) => times[index])));
  const density = Array.from({ length: rows }, () => new Array(columns).fill(0));
  known.forEach((_, index) => {
    const column = Math.floor((byTime[index] * columns) / known.length);
    const row = Math.floor((byTurn[index] * rows) / known.length);
    density[row][column] += 1;
  });
  return density;
}

/** For a terminal: a fair line is a diagonal. @param {readonly number[]} sent @param {readonly number[]} admitted */
export function drawText(sent, admitted) {
  const density = densityOf(sent, admitted, TERMINAL);
  const most = Math.max(1, ...density.flat());
  const shade = (/** @type {number} */ count) =>
    count === 0 ? SHADES[0] : SHADES[Math.max(1, Math.round((count / most) * (SHADES.length - 1)))];
  const lines = density.map((row) => `|${row.map(shade).join('')}|`).reverse();
  const edge = `+${'-'.repeat(TERMINAL.columns)}+`;
  const legend = `first${'sent'.padStart(TERMINAL.columns / 2 - 3).padEnd(TERMINAL.columns - 9)}last`;
  return ['admitted: last at the top, first at the bottom', edge, ...lines, edge, ` ${legend}`].join('\n');
}

/** @param {{ title: string, sent: readonly number[], admitted: readonly number[] }} options @returns {string} an SVG file */
export function drawSvg({ title, sent, admitted }) {
  const density = densityOf(sent, admitted, { columns: CELLS, rows: CELLS });
  const most = Math.max(1, ...density.flat());
  const { side, margin } = SVG;
  const cell = side / CELLS;
  const total = side + 2 * margin;
  const cells = density.flatMap((row, y) =>
    row.map((count, x) => {
      if (count === 0) return '';
      const opacity = (0.15 + 0.85 * (count / most)).toFixed(2);
      const at = `x="${(margin + x * cell).toFixed(1)}" y="${(margin + side - (y + 1) * cell).toFixed(1)}"`;
      return `<rect ${at} width="${cell}" height="${cell}" fill-opacity="${opacity}"/>`;
    }),
  );
  const middle = total / 2;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${total} ${total}" role="img" font-family="system-ui, sans-serif" font-size="15">
<title>${escaped(title)}</title>
<style>
  svg { color: #1b1f24; background: #fff; }
  .cells { fill: #0b62d6; }
  @media (prefers-color-scheme: dark) { svg { color: #e6e9ee; background: #14171c; } .cells { fill: #6cabff; } }
</style>
<text x="${middle}" y="${margin / 2 + 5}" text-anchor="middle" fill="currentColor" font-weight="600">${escaped(title)}</text>
<rect x="${margin}" y="${margin}" width="${side}" height="${side}" fill="none" stroke="currentColor" stroke-opacity="0.3"/>
<g class="cells">
${cells.filter((text) => text !== '').join('\n')}
</g>
<text x="${middle}" y="${total - margin / 2 + 5}" text-anchor="middle" fill="currentColor">when they sent, first to last</text>
<text transform="translate(${margin / 2 + 5} ${middle}) rotate(-90)" text-anchor="middle" fill="currentColor">when their pass was good, first to last</text>
</svg>
`;
}

/** @param {readonly number[]} values @returns {number[]} from 0, ties in their order */
function ranksOf(values) {
  const ranks = new Array(values.length);
  values
    .map((_, index) => index)
    .sort((a, b) => values[a] - values[b] || a - b)
    .forEach((index, rank) => (ranks[index] = rank));
  return ranks;
}

/** @param {string} text */
function escaped(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
