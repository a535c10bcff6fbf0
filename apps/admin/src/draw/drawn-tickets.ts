import { ListHash } from '@flux/waiting-room';

/** The list as it is hashed and kept: the ids in byte order, joined by line feeds. */
export interface DrawnTickets {
  readonly tickets: number;
  readonly ticketIds: string;
  readonly listHash: string;
}

/** @param ticketIds in byte order */
export function drawnTicketsOf(ticketIds: readonly string[]): DrawnTickets {
  const hash = new ListHash();
  hash.add(ticketIds);
  return { tickets: ticketIds.length, ticketIds: ticketIds.join('\n'), listHash: hash.digest() };
}

export function ticketIdsOf({ ticketIds }: Pick<DrawnTickets, 'ticketIds'>): readonly string[] {
  return ticketIds === '' ? [] : ticketIds.split('\n');
}
