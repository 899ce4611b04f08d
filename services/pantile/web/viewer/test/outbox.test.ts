import assert from "node:assert/strict";
import { test } from "node:test";
import { Outbox, type Answer, type Draft, type Entry, type Listener, type Store } from "../src/outbox.ts";

class Memory implements Store {
  rows: Entry[] = [];
  #last = 0;

  async list(): Promise<Entry[]> {
    return structuredClone(this.rows);
  }

  async add(entry: Omit<Entry, "id">): Promise<Entry> {
    const kept = { ...entry, id: ++this.#last };
    this.rows.push(kept);
    return structuredClone(kept);
  }

  async put(entry: Entry): Promise<void> {
    this.rows = this.rows.map((each) => (each.id === entry.id ? structuredClone(entry) : each));
  }

  async remove(id: number): Promise<void> {
    this.rows = this.rows.filter((each) => each.id !== id);
  }
}

/** A service with versions and idempotency keys, that can be unreachable or ask for a sign-in. */
class Service {
  mode: "well" | "dead" | "signed-out" = "well";
  /** Answers are lost on the way back. */
  isDeaf = false;
  events: { subject: string; value: unknown }[] = [];
  versions = new Map<string, number>();
  answered = new Map<string, Answer>();

  async send(entry: Entry): Promise<Answer> {
    if (this.mode === "dead") return { kind: "unreachable" };
    if (this.mode === "signed-out") return { kind: "signed-out" };
    const answer = this.answered.get(entry.key) ?? this.#take(entry);
    this.answered.set(entry.key, answer);
    return this.isDeaf ? { kind: "unreachable" } : answer;
  }

  #take(entry: Entry): Answer {
    const subject = entry.subject ?? "";
    const version = this.versions.get(subject) ?? 0;
    if (entry.body.value === 99) return { kind: "refused", sentence: "0 to 10", body: {} };
    if (entry.version !== version) return { kind: "conflict", current: { value: 1 }, version };
    this.versions.set(subject, version + 1);
    this.events.push({ subject, value: entry.body.value });
    return { kind: "done", body: entry.body, version: version + 1 };
  }
}

class Ears implements Listener {
  states: string[] = [];
  delivered_: Entry[] = [];
  refusals: string[] = [];
  yields: (readonly Entry[])[] = [];
  keeps = true;

  changed(state: string, waiting: readonly Entry[]): void {
    this.states.push(`${state} ${waiting.length}`);
  }

  delivered(entry: Entry): void {
    this.delivered_.push(entry);
  }

  refused(_entry: Entry, sentence: string): void {
    this.refusals.push(sentence);
  }

  async decide(): Promise<boolean> {
    return this.keeps;
  }

  yielded(entries: readonly Entry[]): void {
    this.yields.push(entries);
  }
}

interface Rig {
  outbox: Outbox;
  store: Memory;
  service: Service;
  ears: Ears;
  wake: () => void;
}

function rig(store = new Memory(), service = new Service(), account = "jane", tab = "tab 1"): Rig {
  const ears = new Ears();
  let keys = 0;
  let wake: () => void = () => undefined;
  const outbox = new Outbox({
    store,
    listener: ears,
    account,
    tab,
    send: (entry) => service.send(entry),
    newKey: () => `${tab} ${account} ${store.rows.length} ${++keys} ${Math.random()}`,
    pause: () => new Promise((resolve) => (wake = resolve)),
  });
  return { outbox, store, service, ears, wake: () => wake() };
}

function score(subject: string, value: number, version: number | null = 0): Draft {
  return {
    method: "PUT",
    path: `/scores/${subject}`,
    body: { value },
    subject,
    version,
    assignment: "one",
    label: `pane ${subject}`,
    kind: "score",
  };
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test("changes are sent in the order in which they were made", async () => {
  const { outbox, service, store } = rig();

  await Promise.all(["a", "b", "c"].map((subject, value) => outbox.add(score(subject, value))));
  await settle();

  assert.deepEqual(service.events.map((event) => event.subject), ["a", "b", "c"]);
  assert.equal(outbox.state, "saved");
  assert.deepEqual(store.rows, []);
});

test("a change is on its way from the moment it is made", async () => {
  const { outbox } = rig();

  const made = outbox.add(score("a", 7));

  assert.equal(outbox.state, "saving");
  await made;
  await settle();
  assert.equal(outbox.state, "saved");
});

test("a change is among those on their way from the moment it is made until it is known to have arrived", async () => {
  const { outbox, ears } = rig();
  const seen: number[] = [];
  ears.delivered = () => seen.push(outbox.entries.length);

  void outbox.add(score("a", 7));
  void outbox.add(score("b", 8));

  assert.deepEqual(outbox.entries.map((entry) => entry.subject), ["a", "b"]);
  assert.equal(outbox.isWaiting("b"), true);
  await outbox.settled();
  assert.deepEqual(seen, [1, 0]);
});

test("it is settled once all is delivered, and while nothing can be", async () => {
  const { outbox, service } = rig();
  await outbox.settled();

  void outbox.add(score("a", 7));
  await outbox.settled();
  assert.deepEqual(service.events.map((event) => event.value), [7]);

  service.mode = "dead";
  void outbox.add(score("b", 8));
  await outbox.settled();
  assert.equal(outbox.state, "offline");
});

test("changes of one pane follow each other's versions, however fast they come", async () => {
  const { outbox, service, ears } = rig();

  await Promise.all([7, 8, 9].map((value) => outbox.add(score("a", value))));
  await settle();
  await outbox.add(score("a", 10));
  await settle();

  assert.deepEqual(service.events.map((event) => event.value), [7, 8, 9, 10]);
  assert.equal(service.versions.get("a"), 4);
  assert.deepEqual(ears.yields, []);
});

test("what cannot be sent waits, is told, and goes out when the service is back", async () => {
  const { outbox, service, ears, wake } = rig();
  service.mode = "dead";
  for (const value of [1, 2, 3]) await outbox.add(score("abc"[value - 1]!, value));
  await settle();
  assert.equal(outbox.state, "offline");
  assert.equal(ears.states.at(-1), "offline 3");

  service.mode = "well";
  wake();
  await settle();

  assert.equal(service.events.length, 3);
  assert.equal(ears.states.at(-1), "saved 0");
});

test("a reload sends what the page before it left, versions and all", async () => {
  const first = rig();
  first.service.mode = "dead";
  for (const value of [7, 8]) await first.outbox.add(score("a", value));
  await settle();
  first.service.mode = "well";

  const second = rig(first.store, first.service);
  await second.outbox.start(() => false);
  await settle();

  assert.deepEqual(first.service.events.map((event) => event.value), [7, 8]);
});

test("an answer that was lost on its way is asked for again, and is one change", async () => {
  const { outbox, service, wake } = rig();
  service.isDeaf = true;
  await outbox.add(score("a", 7));
  await settle();
  service.isDeaf = false;
  wake();
  await settle();

  assert.equal(service.events.length, 1);
  assert.equal(outbox.state, "saved");
});

test("an ended session stops sending and keeps everything", async () => {
  const { outbox, service, store } = rig();
  service.mode = "signed-out";
  await outbox.add(score("a", 7));
  await settle();
  assert.equal(outbox.state, "signed-out");
  assert.equal(store.rows.length, 1);

  service.mode = "well";
  await outbox.flush();

  assert.equal(service.events.length, 1);
});

test("somebody else who signs in does not send them", async () => {
  const first = rig();
  first.service.mode = "signed-out";
  await first.outbox.add(score("a", 7));
  first.service.mode = "well";

  const second = rig(first.store, first.service, "mary");
  await second.outbox.start(() => true);
  await settle();

  assert.equal(first.service.events.length, 0);
  assert.equal(first.store.rows.length, 1);
});

test("a tab takes up what a tab that is gone left, and leaves a living one's alone", async () => {
  const first = rig();
  first.service.mode = "dead";
  await first.outbox.add(score("a", 7));
  const other = rig(first.store, first.service, "jane", "tab 2");
  await other.outbox.add(score("b", 8));
  first.service.mode = "well";

  const third = rig(first.store, first.service, "jane", "tab 3");
  await third.outbox.start((tab) => tab === "tab 2");
  await settle();

  assert.deepEqual(first.service.events.map((event) => event.subject), ["b"]);
});

test("of a conflict one's own is kept upon the version that is there", async () => {
  const { outbox, service } = rig();
  service.versions.set("a", 5);

  await outbox.add(score("a", 7, 3));
  await settle();

  assert.equal(service.versions.get("a"), 6);
  assert.deepEqual(service.events, [{ subject: "a", value: 7 }]);
});

test("or what is there is taken, in place of all that waited for this pane", async () => {
  const { outbox, service, ears, store } = rig();
  service.versions.set("a", 5);
  ears.keeps = false;
  service.mode = "dead";
  await Promise.all([7, 8].map((value) => outbox.add(score("a", value, 3))));
  service.mode = "well";

  const again = rig(store, service);
  again.ears.keeps = false;
  await again.outbox.start(() => false);
  await settle();

  assert.equal(again.ears.yields[0]?.length, 2);
  assert.deepEqual(service.events, []);
  assert.deepEqual(store.rows, []);
});

test("a refusal is told once and does not stop what comes after", async () => {
  const { outbox, service, ears } = rig();

  await outbox.add(score("a", 99));
  await outbox.add(score("b", 7));
  await settle();

  assert.deepEqual(ears.refusals, ["0 to 10"]);
  assert.deepEqual(service.events, [{ subject: "b", value: 7 }]);
});

test("a change that the browser cannot keep is told, and the next one goes out", async () => {
  const store = new Memory();
  const { outbox, service, ears } = rig(store);
  const keep = store.add.bind(store);
  store.add = () => Promise.reject(new Error("QuotaExceededError"));

  await assert.rejects(outbox.add(score("a", 7)));
  store.add = keep;
  await outbox.add(score("a", 8));
  await settle();

  assert.deepEqual(ears.refusals, ["this browser has no room to keep it."]);
  assert.deepEqual(service.events, [{ subject: "a", value: 8 }]);
  assert.equal(outbox.state, "saved");
});
