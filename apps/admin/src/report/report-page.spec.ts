import { hash } from 'node:crypto';
import { REPORT_EXAMPLE } from './report-example';
import { PAGE_POLICY, reportPage } from './report-page';

const HOSTILE = `</title><script>alert("1")</script><img src=x onerror='alert(2)'>&`;

describe('the page of a report', () => {
  it('shows the figures, the verdict and the fingerprint', () => {
    const page = reportPage(REPORT_EXAMPLE);
    for (const text of [
      'Autumn drop',
      '48,211',
      'EUR 64,113.00',
      'EUR 129.00',
      'proved',
      REPORT_EXAMPLE.audit.fingerprint,
    ]) {
      expect(page).toContain(text);
    }
    expect(page.match(/<rect /g)).toHaveLength(REPORT_EXAMPLE.timeline.units.length);
  });

  it('lets no text of the sale become markup', () => {
    const [item] = REPORT_EXAMPLE.items;
    const page = reportPage({
      ...REPORT_EXAMPLE,
      name: HOSTILE,
      items: [{ ...item!, name: HOSTILE }],
      refusals: { [HOSTILE]: 3 },
      audit: { ...REPORT_EXAMPLE.audit, lines: [{ name: HOSTILE, statement: HOSTILE, holds: false }] },
    });
    expect(page).not.toMatch(/<script|<img|onerror='/);
    expect(page.split('&lt;/title&gt;&lt;script&gt;')).toHaveLength(7);
  });

  it('loads nothing: its own style sheet is all that its policy allows', () => {
    const page = reportPage(REPORT_EXAMPLE);
    expect(page).not.toMatch(/<script|<link|src=|href=|@import|url\(/);
    expect(page).not.toMatch(/ style=/);
    const [, style = ''] = /<style>([\s\S]*)<\/style>/.exec(page) ?? [];
    expect(PAGE_POLICY).toContain(`style-src 'sha256-${hash('sha256', style, 'base64')}'`);
    expect(PAGE_POLICY).toContain("default-src 'none'");
  });

  it('is a page without any order too', () => {
    const page = reportPage({
      ...REPORT_EXAMPLE,
      closedAt: null,
      timeline: { startsAt: null, bucketSeconds: 1, units: [] },
      refusals: {},
      rejections: [],
      revenue: [],
    });
    expect(page).toContain('No order was accepted');
    expect(page).toContain('Nobody was refused');
  });
});
