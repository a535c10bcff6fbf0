import { Injectable } from '@nestjs/common';
import { ProblemError, saleIdSchema } from '@flux/contracts';
import { RoomClient, type RoomConfig } from '@flux/waiting-room';

/** What is published of a sale's draw, as text piece by piece: the list may have a million tickets. */
@Injectable()
export class DrawService {
  constructor(private readonly client: RoomClient) {}

  /** @throws ProblemError `unknown-sale`, also for a sale without a lobby; GateUnavailableError */
  async find(saleId: string): Promise<AsyncIterable<string>> {
    const config = saleIdSchema.safeParse(saleId).success ? await this.client.config(saleId) : undefined;
    if (config?.draw === undefined)
      throw new ProblemError('unknown-sale', 'No sale with a draw has this id.');
    return this.text(config, config.draw);
  }

  private async *text(
    { saleId, opensAtMs, lobbyOpensAtMs, beacon: beaconName }: RoomConfig,
    { commitment, result }: NonNullable<RoomConfig['draw']>,
  ): AsyncGenerator<string> {
    const head = {
      saleId,
      lobbyOpensAt: new Date(lobbyOpensAtMs).toISOString(),
      opensAt: new Date(opensAtMs).toISOString(),
      commitment,
      ...(beaconName === undefined ? {} : { beaconName }),
      drawn: result !== undefined,
      ...result,
    };
    if (result === undefined) {
      yield JSON.stringify(head);
      return;
    }
    yield `${JSON.stringify(head).slice(0, -1)},"ticketIds":[`;
    let isFirst = true;
    for await (const page of this.client.drawnTickets(saleId)) {
      const ids = page.filter((ticketId) => ticketId !== '').map((ticketId) => `"${ticketId}"`);
      if (ids.length === 0) continue;
      yield `${isFirst ? '' : ','}${ids.join(',')}`;
      isFirst = false;
    }
    yield ']}';
  }
}
