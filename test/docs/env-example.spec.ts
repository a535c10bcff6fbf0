import { describeSettings } from '@flux/config';
import { readFileSync } from 'node:fs';
import { adminSettings } from '../../apps/admin/src/admin-settings';
import { gatewaySettings } from '../../apps/gateway/src/gateway.config';
import { ordersSettings } from '../../apps/orders/src/orders.config';
import { relaySettings } from '../../apps/relay/src/relay.config';

const settings = new Map(
  [gatewaySettings, relaySettings, ordersSettings, adminSettings]
    .flatMap((schema) => describeSettings(schema))
    .map((setting) => [setting.name, setting]),
);

/** Blocks of a comment `description (unit)` and a line `NAME=default`. */
function documentedSettings(): Map<string, { comment: string; default: string }> {
  const documented = new Map<string, { comment: string; default: string }>();
  let comment = '';
  for (const line of readFileSync('.env.example', 'utf8').split('\n')) {
    const [, name, value] = /^([A-Z0-9_]+)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) documented.set(name, { comment, default: value ?? '' });
    comment = line.startsWith('# ') ? line.slice(2) : '';
  }
  return documented;
}

describe('.env.example', () => {
  const documented = documentedSettings();

  it('has every variable of every process, and no other', () => {
    expect([...documented.keys()].sort()).toEqual([...settings.keys()].sort());
  });

  it.each([...settings.values()])('gives the default, the unit and the meaning of $name', (setting) => {
    expect(documented.get(setting.name)).toEqual({
      comment: `${setting.description} (${setting.unit})`,
      default: setting.default,
    });
    expect(setting.unit).not.toBe('');
    expect(setting.description).not.toBe('');
  });
});
