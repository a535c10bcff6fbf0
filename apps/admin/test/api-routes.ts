import type { OpenAPIObject } from '@nestjs/swagger';
import type { AdminWorld } from './admin.world';

const METHODS = ['get', 'post', 'delete', 'put', 'patch'] as const;

export interface ApiRoute {
  readonly method: string;
  readonly path: string;
  readonly statuses: readonly string[];
}

export async function openApiOf(world: AdminWorld): Promise<OpenAPIObject> {
  return (await world.call('GET', '/docs/openapi.json', { key: null })).body as OpenAPIObject;
}

/** Every route that the document has, with the statuses of its answers. */
export function routesOf({ paths }: OpenAPIObject): readonly ApiRoute[] {
  return Object.entries(paths).flatMap(([path, operations]) =>
    METHODS.flatMap((method) => {
      const operation = operations[method];
      return operation === undefined ? [] : [{ method, path, statuses: Object.keys(operation.responses) }];
    }),
  );
}

/** The route with ids that nothing has: whoever gets past the guard is told so, and changes nothing. */
export function urlOf({ path }: ApiRoute): string {
  return path.replaceAll(/\{\w+\}/g, 'no:id');
}
