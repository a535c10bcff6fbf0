/** `fetch` that gives up after so many ms. Rejects as `fetch` does. */
export async function timedFetch<Result>(
  url: string,
  init: RequestInit & { readonly timeoutMs: number },
  read: (response: Response) => Promise<Result>,
): Promise<Result> {
  const timeout = new AbortController();
  const timer = setTimeout(() => {
    timeout.abort();
  }, init.timeoutMs);
  try {
    return await read(await fetch(url, { ...init, signal: timeout.signal }));
  } finally {
    clearTimeout(timer);
  }
}
