import { choiceSetting, flagSetting, integerSetting, portSetting, textSetting } from '@flux/config';
import { captchaProblems, captchaSettings } from '@flux/challenge';
import { redisSettings } from '@flux/gate';
import { proxySettings } from '@flux/http';
import { rateLimitSettings } from '@flux/rate-limit';
import { telemetrySettings } from '@flux/telemetry';
import { tokenSettings } from '@flux/tokens';
import { z } from 'zod';
import { checkIdentitySettings, identitySettings } from './guards/identity.settings';

/** Everything the gateway reads from its environment. */
export const gatewaySettings = z
  .object({
    ...telemetrySettings.shape,
    ...redisSettings.shape,
    ...tokenSettings.shape,
    FLUX_GATEWAY_HOST: textSetting({
      default: '127.0.0.1',
      unit: 'address',
      description: 'Where the shop API listens',
    }),
    FLUX_GATEWAY_PORT: portSetting({ default: 3000, description: 'Port of the shop API' }),
    FLUX_GATEWAY_MANAGEMENT_PORT: portSetting({
      default: 9400,
      description: "Port of the gateway's /metrics and /health",
    }),
    ...identitySettings.shape,
    FLUX_CORS_ORIGINS: textSetting({
      default: '',
      unit: 'origins, separated by commas',
      description: 'Web origins whose pages may call the shop API; empty: none',
    }),
    FLUX_DOCS: flagSetting({
      default: false,
      description: 'Serve Swagger UI in production too; elsewhere it always is',
    }),
    FLUX_WAITING_ROOM_URL: textSetting({
      default: '/waiting-room/{saleId}/',
      unit: 'address with {saleId}',
      description:
        'Where browsers are sent while a waiting room is on; the gateway itself serves the default',
    }).refine((text) => text.includes('{saleId}'), 'must have {saleId} in it'),
    FLUX_WAITING_ROOM_CONFIG: textSetting({
      default: '',
      unit: 'file',
      description: "JSON with the looks and texts of the waiting room's page; empty: those that come with it",
    }),
    ...proxySettings.shape,
    ...rateLimitSettings.shape,
    FLUX_GATEWAY_CONNECTIONS: integerSetting({
      default: 15_000,
      min: 1,
      max: 1_000_000,
      unit: 'connections',
      description:
        'Connections that one gateway keeps open, event streams included; fewer where the limit of open files is lower',
    }),
    FLUX_ADDRESS_CONNECTIONS: integerSetting({
      default: 500,
      min: 1,
      max: 1_000_000,
      unit: 'connections',
      description:
        'Connections that one IPv4 address or IPv6 /64 may have to one gateway; proxies have no such limit',
    }),
    FLUX_EVENT_STREAMS: integerSetting({
      default: 10_000,
      min: 1,
      max: 1_000_000,
      unit: 'streams',
      description: 'Event streams that one gateway keeps open; each takes a file descriptor and about 15 kB',
    }),
    FLUX_SHOPPER_EVENT_STREAMS: integerSetting({
      default: 30,
      min: 1,
      max: 1_000,
      unit: 'streams',
      description: "Of these, the most that follow one shopper's orders",
    }),
    FLUX_CONCENTRATION_ADDRESSES: choiceSetting({
      choices: ['hashed', 'clear'],
      default: 'hashed',
      description:
        "How a sale's report on concentration names buyers' addresses; clear ones can be denied, and are personal data",
    }),
    ...captchaSettings.shape,
  })
  .superRefine((config, context) => {
    const problem = (variable: string, message: string): void => {
      context.addIssue({ code: 'custom', path: [variable], message });
    };
    checkIdentitySettings(config, problem);
    if (config.FLUX_TOKEN_KEYS.length === 0 && config.NODE_ENV === 'production') {
      problem('FLUX_TOKEN_KEYS', 'is needed when NODE_ENV is production');
    }
    for (const { variable, message } of captchaProblems(config)) problem(variable, message);
    for (const origin of originsOf(config.FLUX_CORS_ORIGINS)) {
      if (!isOrigin(origin)) problem('FLUX_CORS_ORIGINS', 'must be origins such as https://shop.example');
    }
  });
export type GatewayConfig = z.output<typeof gatewaySettings>;

/** Injection token of the parsed configuration. */
export const GATEWAY_CONFIG = Symbol('gateway.config');

export function originsOf(list: string): readonly string[] {
  return list
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '');
}

function isOrigin(text: string): boolean {
  return URL.canParse(text) && new URL(text).origin === text;
}
