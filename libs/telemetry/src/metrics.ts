import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

interface MetricText<Label extends string> {
  /** Without the prefix `flux_`, with the unit last: `decision_seconds`. */
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly Label[];
}

interface HistogramText<Label extends string> extends MetricText<Label> {
  readonly buckets: readonly number[];
}

interface GaugeText<Label extends string> extends MetricText<Label> {
  /** Called at each scrape, to set the gauge from where its value lives. */
  readonly collect?: (gauge: Gauge<Label>) => void | Promise<void>;
}

/** 100 us to 10 s: from a local refusal to a dead dependency. */
export const SECONDS_BUCKETS = [
  0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
] as const;

/** Sizes of batches, 1 to 10,000. */
export const SIZE_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1_000, 2_500, 5_000, 10_000] as const;

/**
 * One process's Prometheus registry: Node's default metrics and those the process declares, all named `flux_...` and
 * labelled with the process. Labels hold only words of a fixed, small set: never an id, a key or an address.
 */
export class Metrics {
  private readonly registry = new Registry();

  constructor(processName: string) {
    this.registry.setDefaultLabels({ process: processName });
    collectDefaultMetrics({ register: this.registry });
  }

  counter<const Label extends string = never>(text: MetricText<Label>): Counter<Label> {
    return new Counter(this.declaration(text));
  }

  gauge<const Label extends string = never>({ collect, ...text }: GaugeText<Label>): Gauge<Label> {
    return new Gauge<Label>({
      ...this.declaration(text),
      ...(collect === undefined
        ? {}
        : {
            collect(this: Gauge<Label>) {
              return collect(this);
            },
          }),
    });
  }

  histogram<const Label extends string = never>({
    buckets,
    ...text
  }: HistogramText<Label>): Histogram<Label> {
    return new Histogram({ ...this.declaration(text), buckets: [...buckets] });
  }

  /** The registry in Prometheus' text format. */
  async render(): Promise<{ readonly contentType: string; readonly text: string }> {
    return { contentType: this.registry.contentType, text: await this.registry.metrics() };
  }

  private declaration<Label extends string>({ name, help, labels = [] }: MetricText<Label>) {
    return { name: `flux_${name}`, help, labelNames: [...labels], registers: [this.registry] };
  }
}
