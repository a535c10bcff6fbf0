import type { Provider, Type } from '@nestjs/common';
import { AccessPublisher } from './access-publisher';
import { AccessRulesController } from './access-rules.controller';
import { AccessRules } from './access-rules.service';

export const ACCESS_CONTROLLERS: readonly Type[] = [AccessRulesController];
export const ACCESS_PROVIDERS: readonly Provider[] = [AccessPublisher, AccessRules];
