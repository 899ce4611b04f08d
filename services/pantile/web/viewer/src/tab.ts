/** Which tab this is, over reloads, and which others are still there: each holds a lock as long as it lives. */

const PLACE = "pantile-tab";
const LOCK = "pantile-tab:";

export interface Tab {
  readonly id: string;
  /** Whether another tab is gone for good. */
  isGone(tab: string): boolean;
}

export async function claimTab(): Promise<Tab> {
  const kept = sessionStorage.getItem(PLACE);
  // A tab that was duplicated has the other's name: that one holds the lock, so this one takes a new name.
  const id = kept !== null && (await hold(kept)) ? kept : crypto.randomUUID();
  if (id !== kept) await hold(id);
  sessionStorage.setItem(PLACE, id);
  const { held = [] } = await navigator.locks.query();
  const alive = new Set(held.map((lock) => lock.name));
  return { id, isGone: (tab) => !alive.has(LOCK + tab) };
}

/** Holds the lock of a name until the tab ends; false where another has it. */
function hold(id: string): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request(LOCK + id, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      return lock === null ? undefined : new Promise(() => undefined);
    });
  });
}
