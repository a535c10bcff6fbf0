import { RedisConnection } from '@flux/gate';
import { LimitBook, Limiter, LimiterStorage, policySetting, shareMs } from '@flux/rate-limit';
import type { DynamicModule, Provider } from '@nestjs/common';
import { APP_GUARD } from '@nestjs/core';
import { ThrottlerModule } from '@nestjs/throttler';
import { z } from 'zod';
import { AddressLimitGuard } from './address-limit.guard';

export const limitSettings = z.object({
  FLUX_ADMIN_ADDRESS_LIMIT: policySetting({
    name: 'admin-address',
    default: '500/1s',
    description: 'Requests of one address to the operator and shop-service APIs',
  }),
});
type LimitConfig = z.output<typeof limitSettings>;

/** Operators' and services' addresses are few. */
const MAX_ADDRESSES = 10_000;
const LEAST_MS = 60_000;
/** What one admin process gives away by itself while Redis cannot be reached. */
const SHARE_ALONE = 0.5;

/** The throttler with a storage of ours; nothing where the limit is off. */
export function limitModules({ FLUX_ADMIN_ADDRESS_LIMIT: policy }: LimitConfig): readonly DynamicModule[] {
  if (policy === undefined) return [];
  const { name, limit, windowMs } = policy;
  return [
    ThrottlerModule.forRootAsync({
      inject: [RedisConnection],
      useFactory: (connection: RedisConnection) => {
        const longestMs = Math.max(LEAST_MS, 2 * shareMs(policy));
        const book = new LimitBook(connection, { maxKeys: MAX_ADDRESSES, longestMs, parts: 1 });
        const limiter = new Limiter(book, { maxMeters: MAX_ADDRESSES, shareAlone: SHARE_ALONE });
        return {
          throttlers: [{ name, limit, ttl: windowMs }],
          storage: new LimiterStorage(limiter, [policy]),
          setHeaders: false,
        };
      },
    }),
  ];
}

export function limitProviders({ FLUX_ADMIN_ADDRESS_LIMIT: policy }: LimitConfig): readonly Provider[] {
  return policy === undefined ? [] : [{ provide: APP_GUARD, useClass: AddressLimitGuard }];
}
