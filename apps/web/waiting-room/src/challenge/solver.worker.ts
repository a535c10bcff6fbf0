import { solve, type Puzzles } from './puzzles';

/** Runs beside the page, which goes on meanwhile. The build puts it into the page's own script. */
onmessage = ({ data }: MessageEvent<Puzzles>) => {
  postMessage(solve(data));
};
