import { type CustomDecorator, SetMetadata } from '@nestjs/common';

/** What an operator may do: look; run sales as well; give out keys and lock people out as well. */
export const OPERATOR_ROLES = ['viewer', 'operator', 'owner'] as const;
export type OperatorRole = (typeof OPERATOR_ROLES)[number];

/** `service`: the shop-service API, and nothing of the operators'. */
export const ROLES = [...OPERATOR_ROLES, 'service'] as const;
export type Role = (typeof ROLES)[number];

/** The role that a route of the operator API needs, where it is another one than its method says. */
export const NeedsRole = (role: OperatorRole): CustomDecorator => SetMetadata(NEEDED_ROLE, role);
export const NEEDED_ROLE = 'neededRole';

/** Whoever looks changes nothing: reading needs `viewer`, everything else `operator`. */
export function roleOfMethod(method: string): OperatorRole {
  return method === 'GET' || method === 'HEAD' ? 'viewer' : 'operator';
}

/** Each role of operators includes those before it; services and operators stay apart. */
export function includesRole(role: Role, needed: Role): boolean {
  if (role === 'service' || needed === 'service') return role === needed;
  return OPERATOR_ROLES.indexOf(role) >= OPERATOR_ROLES.indexOf(needed);
}
