import type { Puzzles } from './puzzles';

/** `solver.worker.ts`, bundled: the build fills it in. */
declare const SOLVER_SOURCE: string;

/** Solves in a worker of its own. Rejects where the browser has none. */
export async function solveAside(puzzles: Puzzles): Promise<readonly number[]> {
  const url = URL.createObjectURL(new Blob([SOLVER_SOURCE], { type: 'text/javascript' }));
  const worker = new Worker(url);
  try {
    return await new Promise((resolve, reject) => {
      worker.onmessage = ({ data }: MessageEvent<readonly number[]>) => {
        resolve(data);
      };
      worker.onerror = () => {
        reject(new Error('the solver cannot run'));
      };
      worker.postMessage(puzzles);
    });
  } finally {
    worker.terminate();
    URL.revokeObjectURL(url);
  }
}
