import { ApiProblems, openApiSchema, parseInput } from '@flux/http';
import { Body, Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import { z } from 'zod';
import {
  CREATED_KEY_EXAMPLE,
  KEY_EXAMPLE,
  NEW_KEY_EXAMPLE,
  createdKeySchema,
  keyAnswer,
  keyListSchema,
  newKeySchema,
  type CreatedKey,
} from './key-docs';
import { Keys } from './keys.service';
import { Operator, OperatorController } from './operator-controller';
import { NeedsRole } from './roles';

const params = z.strictObject({
  id: z.string().regex(/^(key_[A-Za-z0-9_-]{16}|environment-\d{1,4})$/, 'is not the id of a key'),
});

@OperatorController('keys', 'keys')
export class KeysController {
  constructor(private readonly keys: Keys) {}

  @Get()
  @ApiOperation({ summary: 'List the keys of operators and services', description: 'None that was revoked.' })
  @ApiResponse({
    status: 200,
    description: 'All of them, without the keys themselves',
    standardSchema: keyListSchema,
    example: { keys: [KEY_EXAMPLE] },
  })
  @ApiProblems('temporarily-unavailable')
  async list(): Promise<z.infer<typeof keyListSchema>> {
    return { keys: (await this.keys.list()).map(keyAnswer) };
  }

  @Post()
  @NeedsRole('owner')
  @ApiOperation({
    summary: 'Give out a key',
    description:
      'Needs the role `owner`. The key is in this answer and nowhere else; a repeat makes another one. To replace a key, ' +
      'give out a second one of the same name, put it to use, and revoke the first.',
  })
  @ApiBody({
    schema: openApiSchema(newKeySchema, 'input'),
    examples: { key: { value: NEW_KEY_EXAMPLE } },
  })
  @ApiResponse({
    status: 201,
    description: 'Given out; good on every process within two seconds',
    standardSchema: createdKeySchema,
    example: CREATED_KEY_EXAMPLE,
  })
  @ApiProblems('invalid-request', 'payload-too-large', 'unsupported-media-type', 'temporarily-unavailable')
  async create(@Operator() operator: string, @Body() body: unknown): Promise<CreatedKey> {
    const { key, ...record } = await this.keys.create(operator, parseInput(newKeySchema, body));
    return { ...keyAnswer(record), key };
  }

  @Delete(':id')
  @HttpCode(204)
  @NeedsRole('owner')
  @ApiOperation({
    summary: 'Revoke a key',
    description:
      'Needs the role `owner`. Stops on every process within two seconds; may be repeated. Keys of the environment end ' +
      'where the environment changes.',
  })
  @ApiParam({ name: 'id', example: KEY_EXAMPLE.id })
  @ApiResponse({ status: 204, description: 'Revoked' })
  @ApiProblems('invalid-request', 'unknown-key', 'temporarily-unavailable')
  async revoke(@Operator() operator: string, @Param() given: unknown): Promise<void> {
    await this.keys.revoke(operator, parseInput(params, given).id);
  }
}
