/** What is asked of the service, and what it answers: the shapes of `/v1` by the words of this page. */

import type { Answer, Entry } from "./outbox.ts";
import type { MapSource, MeOut, ScoreConflictProblem, TileSource } from "./service.ts";

export type {
  AdjudicationOut as AdjudicationCase,
  CaseOut as Case,
  EventList,
  EventOut as ScoreEvent,
  ExampleList,
  FlagKind,
  FlagOut as Flag,
  MapSource,
  NextCase,
  PaneOut as Output,
  QuestionOut as Question,
  ReadingState as Status,
  ScoreOut as Scored,
} from "./service.ts";

/** A pyramid of tiles, of tissue or of a class map. */
export type Tiles = MapSource | TileSource;

/** The service answers that it cannot be done; `message` is its sentence. */
export class Problem extends Error {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    super(typeof body.detail === "string" ? body.detail : `The service answered ${status}.`);
    this.status = status;
    this.body = body;
  }
}

/** The service does not answer, or cannot at the moment. */
export class Unreachable extends Error {
  override message = "The service does not answer.";
}

const LONGEST_MS = 20_000;

export class Api {
  #csrfToken: string;
  readonly #account: string;

  constructor(account: string, csrfToken: string) {
    this.#account = account;
    this.#csrfToken = csrfToken;
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#ask("GET", path)).body as T;
  }

  async send<T>(method: string, path: string, body: object, options: { keepalive?: boolean } = {}): Promise<T> {
    return (await this.#ask(method, path, { body, ...options })).body as T;
  }

  /** Changes what is still at the version that was seen; a `Problem` of status 412 tells what it is by now. */
  async sendSeen<T>(method: string, path: string, body: object, version: number): Promise<T> {
    return (await this.#ask(method, path, { body, headers: { "If-Match": `"v${version}"` } })).body as T;
  }

  /** Sends an entry of the outbox. */
  async deliver(entry: Entry): Promise<Answer> {
    const headers: Record<string, string> = { "Idempotency-Key": entry.key };
    if (entry.version !== null) headers["If-Match"] = `"v${entry.version}"`;
    const ask = () => this.#ask(entry.method, entry.path, { body: entry.body, headers });
    try {
      return await ask().catch(async (error: unknown) => {
        if (!(error instanceof Problem && error.status === 403)) throw error;
        // After another sign-in the session has another token; whether it is the same person's is asked first.
        if (!(await this.#renew())) throw error;
        return ask();
      }).then(({ body, version }): Answer => ({ kind: "done", body, version }));
    } catch (error) {
      return answerOf(error);
    }
  }

  /** Takes the session's token anew; false where it is no other, and an ended session for somebody else's. */
  async #renew(): Promise<boolean> {
    const me = (await this.#ask("GET", "/v1/me")).body as MeOut;
    if ((me.account ?? "") !== this.#account) throw new Problem(401, { detail: "Somebody else has signed in." });
    const isNew = me.csrf_token !== null && me.csrf_token !== this.#csrfToken;
    this.#csrfToken = me.csrf_token ?? this.#csrfToken;
    return isNew;
  }

  async #ask(
    method: string,
    path: string,
    { body, headers, keepalive }: { body?: unknown; headers?: Record<string, string>; keepalive?: boolean } = {},
  ): Promise<{ body: unknown; version: number | null }> {
    const request: RequestInit = {
      method,
      headers: { Accept: "application/json", "X-CSRF-Token": this.#csrfToken, ...headers },
      credentials: "same-origin",
      cache: "no-store",
      keepalive: keepalive ?? false,
      signal: AbortSignal.timeout(LONGEST_MS),
    };
    if (body !== undefined) {
      request.body = JSON.stringify(body);
      (request.headers as Record<string, string>)["Content-Type"] = "application/json";
    }
    let response: Response;
    let text: string;
    try {
      response = await fetch(path, request);
      text = await response.text();
    } catch {
      throw new Unreachable();
    }
    if (response.status >= 500 || response.status === 429 || response.status === 408) throw new Unreachable();
    const answered = parse(text);
    if (!response.ok) throw new Problem(response.status, (answered ?? {}) as Record<string, unknown>);
    const version = /^(?:W\/)?"v(\d+)"$/.exec(response.headers.get("ETag") ?? "")?.[1];
    return { body: answered, version: version === undefined ? null : Number(version) };
  }
}

function answerOf(error: unknown): Answer {
  if (!(error instanceof Problem)) return { kind: "unreachable" };
  if (error.status === 401) return { kind: "signed-out" };
  const { current } = error.body as Partial<ScoreConflictProblem>;
  if (error.status === 412 && current) return { kind: "conflict", current, version: current.version };
  return { kind: "refused", sentence: error.message, body: error.body };
}

function parse(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return null;
  }
}
