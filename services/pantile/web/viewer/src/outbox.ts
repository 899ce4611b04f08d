/**
 * Changes on their way to the service: kept on disk before anything else, sent one by one in the order in which they
 * were made, and removed only when the service has answered. So nothing is lost by a reload, a dead network, or a
 * session that has ended, and nothing is shown as saved that is not.
 *
 * A change of a pane names the version it was made upon. Where an earlier change of the same pane is still on its way,
 * that version is not known yet (null) and is filled in by the earlier one's answer.
 */

export type Method = "PUT" | "POST";

/** What a change is of. */
export type Kind = "score" | "comment" | "flag" | "complete" | "reopen" | "skip";

/** One request that changes something. */
export interface Entry {
  /** Place in the order; given by the store. */
  readonly id: number;
  /** The idempotency key: the same request twice is one change. */
  readonly key: string;
  /** Whose change it is; somebody else who signs in on this browser does not send it. */
  readonly account: string;
  /** The tab that made it, which hears how it went. */
  readonly tab: string;
  readonly method: Method;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** What is being changed, where it has versions: changes of one subject follow each other. */
  readonly subject: string | null;
  /** The version that the change was made upon; null while an earlier change of the subject is on its way. */
  readonly version: number | null;
  /** The case, and words for people: "Case 12, pane B". */
  readonly assignment: string;
  readonly label: string;
  readonly kind: Kind;
}

export type Draft = Omit<Entry, "id" | "key" | "account" | "tab">;

/** A change that the store does not have yet. */
export type Unkept = Omit<Entry, "id">;

export interface Store {
  /** All entries in their order. */
  list(): Promise<Entry[]>;
  add(entry: Unkept): Promise<Entry>;
  put(entry: Entry): Promise<void>;
  remove(id: number): Promise<void>;
}

/** What came of sending an entry. */
export type Answer =
  | { readonly kind: "done"; readonly body: unknown; readonly version: number | null }
  | { readonly kind: "conflict"; readonly current: unknown; readonly version: number }
  | { readonly kind: "refused"; readonly sentence: string; readonly body: unknown }
  | { readonly kind: "signed-out" }
  | { readonly kind: "unreachable" };

export type State = "saved" | "saving" | "offline" | "signed-out" | "conflict";

export interface Listener {
  changed(state: State, waiting: readonly Entry[]): void;
  delivered(entry: Entry, answer: Answer & { kind: "done" }): void;
  refused(entry: Entry, sentence: string, body: unknown): void;
  /** Asks the person: true keeps what the entry says, false takes what is there. */
  decide(entry: Entry, current: unknown, later: readonly Entry[]): Promise<boolean>;
  /** What is there was taken, in place of these entries. */
  yielded(entries: readonly Entry[], current: unknown, version: number): void;
}

export interface Surroundings {
  readonly store: Store;
  readonly listener: Listener;
  readonly account: string;
  readonly tab: string;
  send(entry: Entry): Promise<Answer>;
  newKey(): string;
  /** Resolves after that time, or earlier when sending may be worth another try. */
  pause(ms: number): Promise<void>;
}

const PAUSES_MS = [1000, 2000, 5000, 10_000];

export class Outbox {
  readonly #around: Surroundings;
  #entries: Entry[] = [];
  #state: State = "saved";
  #isFlushing = false;
  /** Changes that are being written down, in order. */
  readonly #writing: Unkept[] = [];
  /** The newest version of each subject that an answer to this tab has told. */
  readonly #versions = new Map<string, number>();
  #writes: Promise<unknown> = Promise.resolve();
  #settled: (() => void)[] = [];

  constructor(around: Surroundings) {
    this.#around = around;
  }

  /** Takes up what this account left behind; `isAdopted` says which other tabs are gone. */
  async start(isAdopted: (tab: string) => boolean): Promise<void> {
    const own = (await this.#around.store.list()).filter((entry) => entry.account === this.#around.account);
    for (const entry of own) {
      if (entry.tab === this.#around.tab) this.#entries.push(entry);
      else if (isAdopted(entry.tab)) {
        const adopted = { ...entry, tab: this.#around.tab };
        await this.#around.store.put(adopted);
        this.#entries.push(adopted);
      }
    }
    void this.flush();
  }

  /** Changes on their way, in order, from the moment they are made. */
  get entries(): readonly Unkept[] {
    return [...this.#entries, ...this.#writing];
  }

  get state(): State {
    return this.#state;
  }

  /** Whether a change of the subject is on its way. */
  isWaiting(subject: string): boolean {
    return this.entries.some((entry) => entry.subject === subject);
  }

  /** Resolves once nothing is on its way, or what is cannot go on for now. */
  async settled(): Promise<void> {
    if (this.#state === "saving") await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  /** Keeps a change and sends it when its turn comes; resolves as soon as it is kept. */
  async add(draft: Draft): Promise<Entry> {
    const { account, tab } = this.#around;
    const { subject } = draft;
    const isFollower = subject !== null && this.isWaiting(subject);
    const entry = { ...draft, version: isFollower ? null : this.#newest(draft), key: this.#around.newKey(), account, tab };
    // Written at once, taken up one after another: the order is the one in which they were made.
    this.#writing.push(entry);
    if (this.#state === "saved") this.#report("saving");
    const written = this.#around.store.add(entry);
    const taken = this.#writes.then(async () => {
      let kept: Entry;
      try {
        kept = await written;
        this.#entries.push(kept);
      } finally {
        this.#writing.shift();
      }
      // The earlier change may have been answered while this one was written down.
      if (isFollower && this.#entries.find((each) => each.subject === subject) === kept)
        await this.#replace({ ...kept, version: this.#newest(draft) });
      return kept;
    });
    this.#writes = taken.catch(() => undefined);
    try {
      return await taken;
    } catch (error) {
      this.#around.listener.refused({ ...entry, id: 0 }, "this browser has no room to keep it.", null);
      throw error;
    } finally {
      this.#report(this.#state);
      void this.flush();
    }
  }

  /** Sends what waits, until nothing does or somebody has to sign in. */
  async flush(): Promise<void> {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    for (let tries = 0; ; ) {
      const entry = this.#entries[0];
      if (!entry) return this.#rest(this.#writing.length > 0 ? "saving" : "saved");
      if (this.#state === "saved") this.#report("saving");
      const answer = await this.#around.send(entry);
      if (answer.kind === "signed-out") return this.#rest("signed-out");
      if (answer.kind === "unreachable") {
        this.#report("offline");
        await this.#around.pause(PAUSES_MS[Math.min(tries++, PAUSES_MS.length - 1)]!);
        continue;
      }
      tries = 0;
      await this.#take(entry, answer);
      if (this.#entries.length > 0) this.#report("saving");
    }
  }

  async #take(entry: Entry, answer: Answer): Promise<void> {
    if (answer.kind === "done") {
      // First the next one's version, then this one's end: if the tab dies in between, this one is sent again, which
      // changes nothing.
      await this.#follow(entry, answer.version);
      const removed = this.#remove([entry]);
      this.#around.listener.delivered(entry, answer);
      await removed;
    } else if (answer.kind === "refused") {
      // What was to follow is made upon the version before.
      await this.#follow(entry, entry.version);
      const removed = this.#remove([entry]);
      this.#around.listener.refused(entry, answer.sentence, answer.body);
      await removed;
    } else if (answer.kind === "conflict") await this.#settle(entry, answer.current, answer.version);
  }

  async #settle(entry: Entry, current: unknown, version: number): Promise<void> {
    this.#report("conflict");
    const later = this.#entries.filter((each) => each !== entry && each.subject === entry.subject);
    const isKept = await this.#around.listener.decide(entry, current, later);
    this.#report("saving");
    if (isKept) return this.#replace({ ...entry, version, key: this.#around.newKey() });
    const yielded = this.#entries.filter((each) => each.subject === entry.subject);
    this.#versions.set(entry.subject ?? "", version);
    const removed = this.#remove(yielded);
    this.#around.listener.yielded(yielded, current, version);
    await removed;
  }

  /** The change that follows an entry is made upon the version that the entry left. */
  async #follow(entry: Entry, version: number | null): Promise<void> {
    const { subject } = entry;
    if (subject === null || version === null) return;
    this.#versions.set(subject, version);
    const next = this.#entries.find((each) => each !== entry && each.subject === subject);
    if (next && next.version === null) await this.#replace({ ...next, version });
  }

  #newest({ subject, version }: Draft): number | null {
    const told = subject === null ? undefined : this.#versions.get(subject);
    return told !== undefined && (version === null || told > version) ? told : version;
  }

  async #replace(entry: Entry): Promise<void> {
    this.#entries = this.#entries.map((each) => (each.id === entry.id ? entry : each));
    await this.#around.store.put(entry);
  }

  /** They are on their way no more from this moment on, so whoever is to hear of it hears it before anything else happens. */
  async #remove(entries: readonly Entry[]): Promise<void> {
    const ids = new Set(entries.map((entry) => entry.id));
    this.#entries = this.#entries.filter((entry) => !ids.has(entry.id));
    for (const id of ids) await this.#around.store.remove(id);
  }

  #rest(state: State): void {
    this.#isFlushing = false;
    this.#report(state);
  }

  #report(state: State): void {
    this.#state = state;
    if (state !== "saving") for (const resolve of this.#settled.splice(0)) resolve();
    this.#around.listener.changed(state, this.#entries);
  }
}
