import {
  challengeAnswerSchema,
  type ChallengeAction,
  type ChallengeAnswer,
  type ItemRef,
} from '@flux/contracts';
import type { RoomConfig } from '@flux/waiting-room';
import { solved } from '@flux/testing';
import type { Shop } from './world';

/** Quickly solved. */
export const BITS = 8;

/** A sale that asks for proof of work, and has no room in front of it unless told otherwise. */
export async function openChallenged(
  shop: Shop,
  options: Partial<RoomConfig> = {},
  stock = 100,
): Promise<ItemRef> {
  const item = await shop.open({ stock, perShopperLimit: 100 });
  await shop.putRoom(item, { mode: 'off', challenge: 'pow', challengeBits: BITS, ...options });
  return item;
}

interface Base {
  readonly base: string;
}

interface Asker {
  readonly saleId: string;
  readonly shopper: string;
  readonly action?: ChallengeAction;
}

export type PowAnswer = Extract<ChallengeAnswer, { type: 'pow' }>;

export function askFor({ base }: Base, { saleId, shopper, action = 'purchase' }: Asker): Promise<Response> {
  const headers = { 'x-shopper-id': shopper };
  return fetch(`${base}/v1/sales/${saleId}/challenge?action=${action}`, { headers });
}

export async function challengeOf(gateway: Base, asker: Asker): Promise<ChallengeAnswer> {
  const response = await askFor(gateway, asker);
  if (response.status !== 200) throw new Error(`the challenge is answered ${response.status}`);
  return challengeAnswerSchema.parse(await response.json());
}

export async function powOf(gateway: Base, asker: Asker): Promise<PowAnswer> {
  const answer = await challengeOf(gateway, asker);
  if (answer.type !== 'pow') throw new Error(`the challenge is ${answer.type}`);
  return answer;
}

/** The header of somebody who has done what was asked. */
export async function proofOf(gateway: Base, asker: Asker): Promise<Readonly<Record<string, string>>> {
  return { 'x-challenge': solved(await powOf(gateway, asker)) };
}
