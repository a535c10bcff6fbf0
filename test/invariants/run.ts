import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { orderIdOf } from '../e2e/support/crowd';
import { History } from './clients/history';
import { Load } from './clients/load';
import type { Fault } from './faults/fault';
import { keepEvidence } from './keep-evidence';
import { notCovered } from './not-covered';
import { BURST_LEAD_MS, makePlan, type PlannedStrike } from './plan';
import { Random } from './random';
import type { RunReport, StrikeReport } from './report';
import { SALES } from './sales';
import { auditSales } from './verdict/audit-sales';
import type { LastWord } from './verdict/evidence';
import { readLedgerRows } from './verdict/ledger-rows';
import { lostOrders } from './verdict/lost';
import { judge } from './verdict/verdict';
import type { Installation, Topology } from './world/installation';
import { comeToRest } from './world/rest';
import { Turns } from './world/turns';
import type { Durability } from './world/redis-servers';

export interface RunOptions<Place extends Installation> {
  readonly seed: number;
  /** How long shoppers come and faults strike. */
  readonly loadMs: number;
  readonly faults: readonly Fault<Place>[];
  readonly topology: Topology;
  readonly durability: Durability;
  /** An empty installation. */
  readonly start: () => Promise<Place>;
}

/** So much longer than the load faults may begin, on a machine that is slow to heal. */
const OVERTIME = 1.5;
/** A rebuild that takes longer is not waited for; at rest it must have ended. */
const REBUILD_MS = 8_000;
const LAST_WORDS_AT_ONCE = 16;
const LAST_WORD_ATTEMPTS = 8;
/** A question to Redis about what is in flight must not wait for a fault to end. */
const LOOK_MS = 300;

/** One seed from an empty installation to the verdict. @throws where the run itself could not be made */
export async function runSeed<Place extends Installation>(options: RunOptions<Place>): Promise<RunReport> {
  const startedAt = Date.now();
  const world = await options.start();
  running.add(world);
  try {
    for (const sale of SALES) {
      await world.operator.createSale(sale);
      const opened = await world.operator.call('POST', `/admin/v1/sales/${sale.saleId}/open`);
      if (opened.status !== 200) throw new Error(`opening was answered ${JSON.stringify(opened)}`);
    }
    return await new Run(world, options, startedAt).run();
  } finally {
    running.delete(world);
    await world.remove();
  }
}

const running = new Set<Installation>();

/** For the end of the whole process in the middle of a run: takes its world away, whatever the run says to that. */
export async function abandonRuns(): Promise<void> {
  await Promise.all([...running].map((world) => world.remove()));
}

class Run<Place extends Installation> {
  private readonly turns = new Turns();
  private readonly history = new History();
  private readonly accusations: string[] = [];
  private readonly load: Load;

  constructor(
    private readonly world: Place,
    private readonly options: RunOptions<Place>,
    private readonly startedAt: number,
  ) {
    const { gatewayUrls, shop } = world;
    const random = new Random(options.seed).fork('clients');
    this.load = new Load({ history: this.history, gatewayUrls, shop, random });
  }

  async run(): Promise<RunReport> {
    const { world, history, options } = this;
    const plan = makePlan(options);
    const delays = monitorEventLoopDelay();
    delays.enable();
    const loadStartedAt = Date.now();
    const [strikes] = await Promise.all([
      Promise.all(plan.strikes.map((planned) => this.strike(planned, loadStartedAt))),
      this.load.send(plan.intents, loadStartedAt),
    ]);

    const unrest = await this.heal();
    await this.load.end();
    delays.disable();
    unrest.push(...(await comeToRest(world)));
    const lastWords = await this.lastWords();
    // A key whose order was lost is judged anew, and may have bought.
    unrest.push(...(await comeToRest(world)));
    const rows = await readLedgerRows(world.database.dataSource);
    const { remaining } = lostOrders(history, rows, world.destructions);
    const audits = await auditSales(world, remaining);
    const invariants = judge({
      history,
      lastWords,
      rows,
      destructions: world.destructions,
      failovers: world.failovers,
      audits,
      unrest,
      accusations: this.accusations,
      stops: {
        count: world.allSeats.reduce((sum, { stops }) => sum + stops, 0),
        cutOff: world.allSeats.reduce((sum, { cutOffStops }) => sum + cutOffStops, 0),
        bad: world.allSeats.flatMap(({ badStops }) => badStops),
      },
      deaths: world.allSeats.flatMap(({ deaths }) => deaths),
    });
    const holds = invariants.every(({ violationsTotal }) => violationsTotal === 0);
    const report: RunReport = {
      seed: options.seed,
      topology: options.topology,
      durability: options.durability,
      tookMs: Date.now() - this.startedAt,
      load: loadOf(history),
      ownDelayMs: Math.round(delays.max / 1e6),
      strikes,
      invariants,
      holds,
      notCovered: notCovered(options),
      folder: undefined,
    };
    return holds ? report : { ...report, folder: await keepEvidence(world, history, report) };
  }

  private async strike(
    { fault, atMs, lastsMs, burst }: PlannedStrike<Fault<Place>>,
    loadStartedAt: number,
  ): Promise<StrikeReport> {
    const { world, history, options } = this;
    const named = { id: fault.id, name: fault.name };
    const nothing = { atMs, tookMs: 0, evidence: undefined, unsettled: undefined, openCalls: 0 };
    const impossible = fault.impossible?.(world);
    if (impossible !== undefined) return { ...named, ...nothing, reason: impossible };

    await until(loadStartedAt + atMs - BURST_LEAD_MS);
    // On a slow machine a heal takes longer than planned: what comes next on the same servers waits for it.
    const finished = await this.turns.take(fault.breaks);
    try {
      if (Date.now() > loadStartedAt + options.loadMs * OVERTIME) {
        return { ...named, ...nothing, reason: 'those before it took too long' };
      }
      for (const intent of burst) this.load.begin(intent);
      await pause(BURST_LEAD_MS);
      const unsettled = await Promise.race([world.gate.unsettledCount(), pause(LOOK_MS, undefined)]);
      const openCalls = history.open;
      const struckAt = Date.now();
      const outcome = await this.inject(fault, lastsMs, atMs);
      if (fault.destroysData === true) await this.whenWhole();
      const times = { atMs: struckAt - loadStartedAt, tookMs: Date.now() - struckAt };
      return { ...named, ...times, ...outcome, unsettled, openCalls };
    } finally {
      finished();
    }
  }

  private async inject(
    fault: Fault<Place>,
    lastsMs: number,
    atMs: number,
  ): Promise<Pick<StrikeReport, 'evidence' | 'reason'>> {
    try {
      const evidence = await fault.strike({
        world: this.world,
        history: this.history,
        random: new Random(this.options.seed).fork(`${fault.name} ${atMs}`),
        lastsMs,
        accuse: (what) => {
          this.accusations.push(`${fault.name}: ${what}`);
        },
      });
      return { evidence, reason: undefined };
    } catch (error) {
      return { evidence: undefined, reason: String(error) };
    }
  }

  /** What was destroyed is rebuilt, and sold again for a while, before the next fault takes it away. */
  private async whenWhole(): Promise<void> {
    const deadline = Date.now() + REBUILD_MS;
    while (Date.now() < deadline) {
      const gates = await this.world.gate.counters().catch(() => []);
      if (gates.length > 0 && gates.every(({ watermark }) => watermark !== undefined)) return;
      await pause(100);
    }
  }

  /** @returns why not everything is well again */
  private async heal(): Promise<string[]> {
    try {
      await this.world.heal();
      return [];
    } catch (error) {
      return [`not everything came back: ${String(error)}`];
    }
  }

  private async lastWords(): Promise<LastWord[]> {
    const words: LastWord[] = [];
    const left = [...this.history.accepted().values()];
    const ask = async (): Promise<void> => {
      for (let accepted = left.pop(); accepted !== undefined; accepted = left.pop()) {
        const order = { orderId: orderIdOf(accepted), shopperId: accepted.attempt.shopperId };
        const url = this.world.gatewayUrls[words.length % this.world.gatewayUrls.length] ?? '';
        const look = await known(() => this.history.look(url, order));
        const answer = await known(() => this.history.buy(url, accepted.attempt));
        words.push({ orderId: order.orderId, accepted, look, answer });
      }
    };
    await Promise.all(Array.from({ length: LAST_WORDS_AT_ONCE }, ask));
    return words;
  }
}

/** At rest there is an answer; on a busy machine a replica may be slow to say that it has it, or a timeout too short. */
async function known<Answer extends { readonly status: number }>(
  send: () => Promise<Answer | undefined>,
): Promise<Answer | undefined> {
  for (let attempt = 1; ; attempt += 1) {
    const answer = await send();
    if ((answer !== undefined && answer.status !== 503) || attempt === LAST_WORD_ATTEMPTS) return answer;
    await pause(attempt * 200);
  }
}

async function until(atMs: number): Promise<void> {
  await pause(Math.max(0, atMs - Date.now()));
}

function loadOf(history: History): Record<string, number> {
  const times = history.purchases.map(({ invokedAt, endedAt }) => endedAt - invokedAt).sort((a, b) => a - b);
  return {
    purchases: history.purchases.length,
    accepted: history.accepted().size,
    looks: history.looks.length,
    cancels: history.cancels.length,
    payments: history.payments.length,
    'median ms': times[Math.floor(times.length / 2)] ?? 0,
    'p99 ms': times[Math.floor(times.length * 0.99)] ?? 0,
    'longest ms': times.at(-1) ?? 0,
  };
}
