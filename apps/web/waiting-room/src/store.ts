/** The part of the browser's storage that the page uses. */
export interface Store {
  get(key: string): string | undefined;
  set(key: string, value: string): void;
  remove(key: string): void;
}

/** A browser's storage; where it forbids that (private windows do), what is stored lasts as long as the page. */
export function storeOf(storage: () => Storage): Store {
  const memory = new Map<string, string>();
  const attempt = <T>(use: (storage: Storage) => T): T | undefined => {
    try {
      return use(storage());
    } catch {
      return undefined;
    }
  };
  return {
    get: (key) => attempt((kept) => kept.getItem(key)) ?? memory.get(key),
    set: (key, value) => {
      memory.set(key, value);
      attempt((kept) => {
        kept.setItem(key, value);
      });
    },
    remove: (key) => {
      memory.delete(key);
      attempt((kept) => {
        kept.removeItem(key);
      });
    },
  };
}
