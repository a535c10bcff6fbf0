import type { Provider, Type } from '@nestjs/common';
import type { ApiKey } from './api-keys';
import { ENVIRONMENT_KEYS, Keyring } from './keyring';
import { KeysController } from './keys.controller';
import { Keys } from './keys.service';

export const KEY_CONTROLLERS: readonly Type[] = [KeysController];

interface EnvironmentKeys {
  readonly FLUX_OPERATOR_KEYS: readonly ApiKey[];
  readonly FLUX_SERVICE_KEYS: readonly ApiKey[];
}

export function keyProviders({
  FLUX_OPERATOR_KEYS: operators,
  FLUX_SERVICE_KEYS: services,
}: EnvironmentKeys): readonly Provider[] {
  return [{ provide: ENVIRONMENT_KEYS, useValue: [...operators, ...services] }, Keyring, Keys];
}
