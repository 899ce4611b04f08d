/**
 * The outbox on disk: one table of IndexedDB, whose growing key is the order.
 *
 * IndexedDB answers later, and a page that is left at once takes what was not answered with it. So an entry stands in
 * localStorage, which writes before it returns, until the table has it.
 */

import type { Entry, Store } from "./outbox.ts";

const DATABASE = "pantile-outbox";
const TABLE = "entries";
const JOURNAL = "pantile-outbox:";

export async function openStore(): Promise<Store> {
  const database = await open();
  const run = <T>(mode: IDBTransactionMode, ask: (table: IDBObjectStore) => IDBRequest<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      // "strict": the answer comes when the disk has it.
      const transaction = database.transaction(TABLE, mode, { durability: "strict" });
      const request = ask(transaction.objectStore(TABLE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onerror = () => reject(transaction.error);
      transaction.onabort = () => reject(transaction.error);
      transaction.commit();
    });
  const list = () => run<Entry[]>("readonly", (table) => table.getAll() as IDBRequest<Entry[]>);
  let added = 0;
  return {
    async list() {
      const known = new Set((await list()).map((entry) => entry.key));
      for (const [place, entry] of journal()) {
        if (!known.has(entry.key)) await run("readwrite", (table) => table.add(entry));
        localStorage.removeItem(place);
      }
      return list();
    },
    async add(entry) {
      const place = `${JOURNAL}${Date.now()}-${String(added++).padStart(6, "0")}`;
      localStorage.setItem(place, JSON.stringify(entry));
      const id = await run("readwrite", (table) => table.add(entry));
      localStorage.removeItem(place);
      return { ...entry, id: id as number };
    },
    async put(entry) {
      await run("readwrite", (table) => table.put(entry));
    },
    async remove(id) {
      await run("readwrite", (table) => table.delete(id));
    },
  };
}

/** What a page left that was gone before the table had it, in order. */
function journal(): [string, Omit<Entry, "id">][] {
  const places = Object.keys(localStorage).filter((place) => place.startsWith(JOURNAL)).toSorted();
  return places.map((place) => [place, JSON.parse(localStorage.getItem(place) ?? "null") as Omit<Entry, "id">]);
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => request.result.createObjectStore(TABLE, { keyPath: "id", autoIncrement: true });
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
