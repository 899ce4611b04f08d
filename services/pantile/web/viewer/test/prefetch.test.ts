import assert from "node:assert/strict";
import { test } from "node:test";
import type { Api, Case } from "../src/api.ts";
import { Prefetch } from "../src/prefetch.ts";

/** A service whose answers come when the test lets them. */
class Service {
  comment = "";
  readonly #waiting: (() => void)[] = [];

  get(): Promise<Case> {
    const answer = { key: "one", comment: this.comment } as Case;
    return new Promise((resolve) => this.#waiting.push(() => resolve(answer)));
  }

  async answer(): Promise<void> {
    this.#waiting.shift()?.();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

test("a case that was changed is fetched anew before it is shown again", async () => {
  const service = new Service();
  const prefetch = new Prefetch(service as unknown as Api);
  const first = prefetch.take("one");
  await service.answer();
  assert.equal(prefetch.peek("one"), await first);

  prefetch.noteChange("one");

  assert.equal(prefetch.peek("one"), undefined);
});

test("an answer from before a change is asked for again", async () => {
  const service = new Service();
  const prefetch = new Prefetch(service as unknown as Api);
  const taken = prefetch.take("one");

  service.comment = "folded";
  prefetch.noteChange("one");
  await service.answer();
  assert.equal(prefetch.peek("one"), undefined);
  await service.answer();

  assert.equal((await taken).comment, "folded");
  assert.equal(prefetch.peek("one")?.comment, "folded");
});
