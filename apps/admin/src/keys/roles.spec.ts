import { includesRole, ROLES } from './roles';

it('each role of operators includes those before it, and services stay apart', () => {
  const allowed = ROLES.flatMap((role) =>
    ROLES.filter((needed) => includesRole(role, needed)).map((needed) => `${role} as ${needed}`),
  );
  expect(allowed).toEqual([
    'viewer as viewer',
    'operator as viewer',
    'operator as operator',
    'owner as viewer',
    'owner as operator',
    'owner as owner',
    'service as service',
  ]);
});
