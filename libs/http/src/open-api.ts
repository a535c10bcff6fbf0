import { applyDecorators } from '@nestjs/common';
import { ERRORS, problemOf, type ErrorCode, type Problem } from '@flux/contracts';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ApiResponse, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';

type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;
export type OpenApiSchema = Schemas[string];

/** A zod schema as OpenAPI 3.0 writes it: what callers send (`input`) or what they get (`output`). */
export function openApiSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): OpenApiSchema {
  // The target makes it OpenAPI's dialect; zod types it as JSON Schema's.
  return z.toJSONSchema(schema, { target: 'openapi-3.0', io, unrepresentable: 'any' }) as OpenApiSchema;
}

const problemSchema: OpenApiSchema = {
  type: 'object',
  required: ['type', 'title', 'status', 'code', 'detail', 'requestId'],
  properties: {
    type: { type: 'string', format: 'uri' },
    title: { type: 'string' },
    status: { type: 'integer' },
    code: { type: 'string', enum: Object.keys(ERRORS) },
    detail: { type: 'string' },
    requestId: { type: 'string' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        properties: { pointer: { type: 'string' }, detail: { type: 'string' } },
      },
    },
  },
};

/** Documents the refusals of an operation: one answer for each status, with an example for each code. */
export function ApiProblems(...codes: readonly ErrorCode[]): MethodDecorator & ClassDecorator {
  const responses = Object.entries(problemResponses(...codes));
  return applyDecorators(
    ...responses.map(([status, response]) => ApiResponse({ status: Number(status), ...response })),
  );
}

interface ProblemResponse {
  readonly description: string;
  readonly content: Record<string, { schema: OpenApiSchema; examples: Record<string, { value: Problem }> }>;
}

/** The same as an operation's `responses`, for a route that has no controller. */
export function problemResponses(...codes: readonly ErrorCode[]): Record<string, ProblemResponse> {
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))];
  return Object.fromEntries(
    statuses.map((status) => {
      const ofStatus = codes.filter((code) => ERRORS[code].status === status);
      const description = ofStatus.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('<br>');
      const examples = Object.fromEntries(ofStatus.map((code) => [code, { value: exampleOf(code) }]));
      return [
        status,
        { description, content: { 'application/problem+json': { schema: problemSchema, examples } } },
      ];
    }),
  );
}

interface DocsDescription extends Omit<OpenAPIObject, 'paths' | 'openapi'> {
  /** What no controller has. Stands before what they have. */
  readonly paths?: OpenAPIObject['paths'];
  /** Changes the document at each request, for examples that follow the data. */
  readonly patch?: (document: OpenAPIObject) => OpenAPIObject | Promise<OpenAPIObject>;
}

/** Swagger UI at `/docs` and the document at `/docs/openapi.json`. Call it before the app listens. */
export function serveDocs(
  app: NestFastifyApplication,
  { patch, paths, ...description }: DocsDescription,
): void {
  const ofControllers = SwaggerModule.createDocument(
    app,
    { openapi: '3.0.3', ...description },
    // Controllers name their tag themselves; the one that Nest makes of the class would come on top.
    { autoTagControllers: false },
  );
  const document = { ...ofControllers, paths: { ...paths, ...ofControllers.paths } };
  SwaggerModule.setup('docs', app, document, {
    jsonDocumentUrl: 'docs/openapi.json',
    raw: ['json'],
    ...(patch === undefined
      ? {}
      : {
          patchDocumentOnRequest: (_request: unknown, _reply: unknown, built: OpenAPIObject) => patch(built),
        }),
    customSiteTitle: description.info.title,
    swaggerOptions: { tryItOutEnabled: true, displayRequestDuration: true },
  });
}

function exampleOf(code: ErrorCode): Problem {
  return problemOf(
    { code, detail: `${ERRORS[code].title}.`, extra: {} },
    '6f1c2f0e-3a55-4f0b-9d58-0f4f4f3d2a11',
  );
}
