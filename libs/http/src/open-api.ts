import { applyDecorators } from '@nestjs/common';
import { ERRORS, ProblemError, problemOf, type ErrorCode } from '@flux/contracts';
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
  const statuses = [...new Set(codes.map((code) => ERRORS[code].status))];
  return applyDecorators(
    ...statuses.map((status) => {
      const ofStatus = codes.filter((code) => ERRORS[code].status === status);
      return ApiResponse({
        status,
        description: ofStatus.map((code) => `\`${code}\`: ${ERRORS[code].title}`).join('<br>'),
        content: {
          'application/problem+json': {
            schema: problemSchema,
            examples: Object.fromEntries(ofStatus.map((code) => [code, { value: exampleOf(code) }])),
          },
        },
      });
    }),
  );
}

interface DocsDescription extends Omit<OpenAPIObject, 'paths' | 'openapi'> {
  /** Changes the document at each request, for examples that follow the data. */
  readonly patch?: (document: OpenAPIObject) => OpenAPIObject | Promise<OpenAPIObject>;
}

/** Swagger UI at `/docs` and the document at `/docs/openapi.json`. Call it before the app listens. */
export function serveDocs(app: NestFastifyApplication, { patch, ...description }: DocsDescription): void {
  const document = SwaggerModule.createDocument(
    app,
    { openapi: '3.0.3', ...description },
    // Controllers name their tag themselves; the one that Nest makes of the class would come on top.
    { autoTagControllers: false },
  );
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

function exampleOf(code: ErrorCode) {
  return problemOf(new ProblemError(code, `${ERRORS[code].title}.`), '6f1c2f0e-3a55-4f0b-9d58-0f4f4f3d2a11');
}
