import { randomBytes } from 'node:crypto';
import { type NewSale, ProblemError } from '@flux/contracts';
import { GateUnavailableError } from '@flux/gate';
import { LOG, type Log } from '@flux/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { recordAudit } from '../audit-log/audit-log.repository';
import { type DriveReport, GateDriver } from '../gate-driver/gate-driver.service';
import { OpeningChecks } from '../gate-driver/opening-checks';
import { nextCursor } from '../page-query';
import type { OperatorSale } from './sale-answer';
import { type MoveOutcome, type SaleMove, SaleStateService } from './sale-state.service';
import { SaleView } from './sale-view';
import { type Page, insertSale, listSales, readSale } from './sale.repository';

/** What operators do with sales. PostgreSQL first, then Redis; maintenance completes what is cut in between. */
@Injectable()
export class SalesService {
  constructor(
    private readonly dataSource: DataSource,
    private readonly states: SaleStateService,
    private readonly checks: OpeningChecks,
    private readonly driver: GateDriver,
    private readonly view: SaleView,
    @Inject(LOG) private readonly log: Log,
  ) {}

  /** @throws ProblemError `sale-exists` */
  async create(actor: string, sale: NewSale): Promise<OperatorSale> {
    const id = sale.id ?? `sale-${randomBytes(9).toString('base64url')}`;
    await this.dataSource.transaction(async (manager) => {
      if (!(await insertSale(manager, id, sale))) {
        throw new ProblemError('sale-exists', 'Choose another id, or leave it out.');
      }
      await recordAudit(manager, {
        actor,
        action: 'sale.create',
        subject: id,
        before: null,
        after: { ...sale, id, state: 'scheduled' },
      });
    });
    await this.publishSoon(id);
    return this.get(id);
  }

  /** @throws ProblemError `unknown-sale` */
  async get(saleId: string): Promise<OperatorSale> {
    return this.view.of(await readSale(this.dataSource.manager, saleId));
  }

  async list(page: Page): Promise<{ readonly sales: readonly OperatorSale[]; readonly next: string | null }> {
    const sales = await listSales(this.dataSource.manager, page);
    const views: OperatorSale[] = [];
    for (const sale of sales) views.push(await this.view.of(sale));
    return { sales: views, next: nextCursor(sales, page.limit) };
  }

  /**
   * A transition that was made before answers `invalid-transition`, unless Redis had not followed yet: so a retry
   * after a crash or a 503 completes it.
   * @throws ProblemError of the transition, or 503 where PostgreSQL has the state and Redis does not answer
   */
  async act(move: SaleMove): Promise<OperatorSale> {
    if (move.action === 'open') await this.checks.check(await readSale(this.dataSource.manager, move.saleId));
    const moved = await this.states.move(move);
    refuseUnlessPossible(move, moved);
    const report = await this.follow(move);
    refuseIfUnsafe(report);
    if (moved.outcome === 'reached' && !report.changed) throw invalidTransition(move, moved);
    return this.get(move.saleId);
  }

  private async follow({ saleId, action }: SaleMove): Promise<DriveReport> {
    try {
      return await this.driver.drive(saleId);
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      throw new ProblemError(
        'temporarily-unavailable',
        `The action "${action}" is stored and Redis follows as soon as it answers; repeat it to wait for that.`,
      );
    }
  }

  /** A new sale is shown as soon as Redis answers; that it does not now is no reason to refuse the sale. */
  private async publishSoon(saleId: string): Promise<void> {
    try {
      await this.driver.drive(saleId);
    } catch (error) {
      if (!(error instanceof GateUnavailableError)) throw error;
      this.log.warn({ saleId, reason: error.reason }, 'the new sale is published later');
    }
  }
}

function refuseUnlessPossible(move: SaleMove, moved: MoveOutcome): void {
  switch (moved.outcome) {
    case 'moved':
    case 'reached':
      return;
    case 'wrong':
    case 'over':
      throw invalidTransition(move, moved);
    case 'productOnSale':
      throw new ProblemError(
        'product-on-sale',
        'Close the other sale first, or take the product out of this one.',
      );
  }
}

/** The checks before the opening find almost all of these; this one came in between. */
function refuseIfUnsafe({ problems }: DriveReport): void {
  const unsafe = problems.find(({ problem }) => problem === 'unsafe');
  if (unsafe === undefined) return;
  throw new ProblemError(
    'gate-unsafe',
    `Redis holds foreign data under the keys of product ${unsafe.productId}; it opens once that is removed.`,
  );
}

function invalidTransition(
  { action }: SaleMove,
  moved: Extract<MoveOutcome, { readonly outcome: 'reached' | 'wrong' | 'over' }>,
): ProblemError {
  switch (moved.outcome) {
    case 'reached':
      return new ProblemError('invalid-transition', `The sale is already where "${action}" leads.`);
    case 'wrong':
      return new ProblemError(
        'invalid-transition',
        `"${action}" is not possible in a sale that is ${moved.from}.`,
      );
    case 'over':
      return new ProblemError('invalid-transition', `"${action}" is not possible after closesAt.`);
  }
}
