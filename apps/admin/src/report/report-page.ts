import { hash } from 'node:crypto';
import { count, money, time } from './formats';
import { type Markup, markup, trusted } from './markup';
import type { SaleReport, Units } from './report-answer';
import { timelinePicture } from './timeline-picture';

const STYLE = `
  @page { margin: 16mm; }
  body { color: #1d1d1f; font: 14px/1.45 system-ui, sans-serif; margin: 32px auto; max-width: 820px; padding: 0 16px; }
  h1 { font-size: 24px; margin: 0; }
  h2 { font-size: 16px; margin: 28px 0 8px; }
  p { margin: 4px 0; }
  .quiet { color: #6e6e73; }
  .verdict { border-left: 4px solid; margin: 16px 0; padding: 6px 12px; }
  .proved { border-color: #2e7d32; }
  .refuted { border-color: #c62828; }
  .not-at-rest { border-color: #b26a00; }
  .verdict strong { text-transform: uppercase; }
  code { font-size: 12px; overflow-wrap: anywhere; }
  table { border-collapse: collapse; page-break-inside: avoid; width: 100%; }
  th, td { border-bottom: 1px solid #e3e3e6; padding: 4px 8px; text-align: right; vertical-align: top; }
  th:first-child, td:first-child { padding-left: 0; text-align: left; }
  .texts th, .texts td { text-align: left; }
  th { font-weight: 600; }
  tfoot td { border-bottom: 0; font-weight: 600; }
  svg { height: auto; page-break-inside: avoid; width: 100%; }
  svg line { stroke: #e3e3e6; }
  svg .columns { fill: #2f5fd0; }
  svg .axis { fill: #6e6e73; font-size: 11px; }
  svg .value { text-anchor: end; }
`;

/** What the page may load and run: its own style sheet, and nothing else. */
export const PAGE_POLICY = [
  "default-src 'none'",
  `style-src 'sha256-${hash('sha256', STYLE, 'base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The report as a page that can be printed: without scripts, and without anything from elsewhere. */
export function reportPage(report: SaleReport): string {
  const { name, saleId, opensAt, closesAt, closedAt, writtenAt } = report;
  const orders = report.orders.map((row) => [
    row.status === 'accepted' ? 'accepted (parked)' : row.status,
    ...[row.orders, row.units].map(count),
  ]);
  const revenue = report.revenue.map(({ currency, paidMinor, refundsDueMinor, refundsDoneMinor }) => [
    currency,
    ...[paidMinor, refundsDueMinor, refundsDoneMinor].map((minor) => money(minor, currency)),
  ]);
  return markup`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Report of sale ${name}</title>
<style>${trusted(STYLE)}</style>
</head>
<body>
<h1>${name}</h1>
<p class="quiet">Sale <code>${saleId}</code>, ${time(opensAt)} to ${time(closedAt ?? closesAt)}. Written ${time(writtenAt)}.</p>
${verdict(report)}
<h2>Units</h2>
${unitsTable(report)}
<h2>Orders</h2>
${table({ head: ['Status', 'Orders', 'Units'], rows: orders })}
<h2>Revenue</h2>
${table({ head: ['Currency', 'Paid orders', 'Refunds due', 'Refunds done'], rows: revenue })}
<h2>Sales over time</h2>
${timelinePicture(report.timeline)}
<h2>Refused</h2>
${refusedTable(report)}
<h2>Audit</h2>
${auditTable(report)}
</body>
</html>
`.text;
}

const VERDICTS: Readonly<Record<SaleReport['audit']['verdict'], string>> = {
  proved: 'the accounts were checked against the gate, the messages and the ledger.',
  refuted: 'the accounts do not agree; the lines that fail are below.',
  'not-at-rest': 'orders were still under way while this was written, so nothing is proved.',
};

function verdict({ audit: { verdict: found, fingerprint, auditedAt } }: SaleReport): Markup {
  return markup`<div class="verdict ${found}">
<p><strong>${found.replaceAll('-', ' ')}</strong>: ${VERDICTS[found]}</p>
<p class="quiet">Fingerprint of the evidence, ${time(auditedAt)}: <code>${fingerprint}</code></p>
</div>`;
}

function unitsTable({ items, units }: SaleReport): Markup {
  const cells = ({ initial, sold, held, parked, free }: Units) =>
    [initial, sold, held, parked, free].map(count);
  const rows = items.map((item) => [
    `${item.name} (${item.productId}), ${money(item.priceMinor, item.currency)}`,
    ...cells(item.units),
  ]);
  const head = ['Item', 'On sale', 'Sold', 'Held', 'Parked', 'Free'];
  return table({ head, rows, foot: ['All', ...cells(units)] });
}

function refusedTable({ refusals, rejections }: SaleReport): Markup {
  const atTheGate = Object.entries(refusals)
    .sort(([, one], [, other]) => other - one)
    .map(([kind, times]) => [kind, 'at the gate', count(times)]);
  const byTheLedger = rejections
    .filter(({ orders }) => orders > 0)
    .map(({ reason, orders }) => [reason, 'by the ledger', count(orders)]);
  const rows = [...atTheGate, ...byTheLedger];
  if (rows.length === 0) return markup`<p>Nobody was refused.</p>`;
  return table({ head: ['Kind', 'Where', 'Times'], rows });
}

function auditTable({ audit: { lines } }: SaleReport): Markup {
  const mark = (holds: boolean | 'unchecked') =>
    holds === 'unchecked' ? 'not checked' : holds ? 'holds' : 'FAILS';
  const rows = lines.map(({ name, statement, holds }) => [name, statement, mark(holds)]);
  return markup`<div class="texts">${table({ head: ['Line', 'Statement', ''], rows })}</div>`;
}

type Row = readonly string[];

function table({
  head,
  rows,
  foot,
}: {
  readonly head: Row;
  readonly rows: readonly Row[];
  readonly foot?: Row;
}): Markup {
  const line = (row: Row) => markup`<tr>${row.map((text) => markup`<td>${text}</td>`)}</tr>\n`;
  return markup`<table>
<thead><tr>${head.map((text) => markup`<th>${text}</th>`)}</tr></thead>
<tbody>
${rows.map(line)}</tbody>
${foot === undefined ? '' : markup`<tfoot>${line(foot)}</tfoot>\n`}</table>`;
}
