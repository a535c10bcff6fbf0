import { ApiProblems, openApiSchema, parseInput } from '@flux/http';
import { Body, Delete, Get, HttpCode, Param, Post, Query, Res } from '@nestjs/common';
import { ApiBody, ApiOperation, ApiParam, ApiResponse } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Operator, OperatorController } from '../keys/operator-controller';
import { NeedsRole } from '../keys/roles';
import { ApiPage, nextCursor, numberCursor, pageQuery } from '../page-query';
import {
  ACCESS_RULE_EXAMPLE,
  NEW_NETWORK_EXAMPLE,
  NEW_SHOPPER_EXAMPLE,
  accessRuleAnswer,
  accessRuleAnswerSchema,
  accessRulePageSchema,
  newAccessRuleSchema,
  type AccessRuleAnswer,
} from './access-rule-docs';
import { AccessRules } from './access-rules.service';

const listQuery = pageQuery(numberCursor);
const params = z.strictObject({ id: z.string().regex(/^\d{1,18}$/, 'is not the id of a rule') });

@OperatorController('access-rules', 'access rules')
export class AccessRulesController {
  constructor(private readonly rules: AccessRules) {}

  @Get()
  @ApiOperation({ summary: 'Whom owners have denied or allowed; newest first' })
  @ApiPage()
  @ApiResponse({
    status: 200,
    description: 'A page',
    standardSchema: accessRulePageSchema,
    example: { rules: [ACCESS_RULE_EXAMPLE], next: null },
  })
  @ApiProblems('invalid-request', 'temporarily-unavailable')
  async list(@Query() query: unknown): Promise<z.infer<typeof accessRulePageSchema>> {
    const page = parseInput(listQuery, query);
    const rules = await this.rules.list(page);
    return { rules: rules.map(accessRuleAnswer), next: nextCursor(rules, page.limit) };
  }

  @Post()
  @NeedsRole('owner')
  @ApiOperation({
    summary: 'Deny or allow a network, an address or a shopper',
    description:
      'Needs the role `owner`. `deny` refuses with 403: an address everything, a shopper buying and joining a line. ' +
      '`allow` spares rate limits and challenges. Of the networks that an address is in, the smallest decides, and between two ' +
      'rules on the same one, `deny`. Gateways follow within two seconds. The same list, kind and value is the same ' +
      'rule: a repeat changes nothing, another reason or end replaces what it had.',
  })
  @ApiBody({
    schema: openApiSchema(newAccessRuleSchema, 'input'),
    examples: { network: { value: NEW_NETWORK_EXAMPLE }, shopper: { value: NEW_SHOPPER_EXAMPLE } },
  })
  @ApiResponse({
    status: 201,
    description: 'A new rule',
    standardSchema: accessRuleAnswerSchema,
    example: ACCESS_RULE_EXAMPLE,
  })
  @ApiResponse({
    status: 200,
    description: 'The rule was there',
    standardSchema: accessRuleAnswerSchema,
    example: ACCESS_RULE_EXAMPLE,
  })
  @ApiProblems('invalid-request', 'payload-too-large', 'unsupported-media-type', 'temporarily-unavailable')
  async put(
    @Operator() operator: string,
    @Body() body: unknown,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<AccessRuleAnswer> {
    const { outcome, rule } = await this.rules.put(operator, parseInput(newAccessRuleSchema, body));
    void reply.status(outcome === 'created' ? 201 : 200);
    return accessRuleAnswer(rule);
  }

  @Delete(':id')
  @HttpCode(204)
  @NeedsRole('owner')
  @ApiOperation({
    summary: 'Remove a rule',
    description: 'Needs the role `owner`. Gateways follow within two seconds. A repeat is answered 404.',
  })
  @ApiParam({ name: 'id', example: ACCESS_RULE_EXAMPLE.id })
  @ApiResponse({ status: 204, description: 'Removed' })
  @ApiProblems('invalid-request', 'unknown-rule', 'temporarily-unavailable')
  async remove(@Operator() operator: string, @Param() given: unknown): Promise<void> {
    await this.rules.remove(operator, parseInput(params, given).id);
  }
}
