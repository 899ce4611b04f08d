import assert from "node:assert/strict";
import { test } from "node:test";
import { Presses } from "../src/presses.ts";

/** A page on which `next` takes until the test lets the case come. */
class Page {
  readonly done: string[] = [];
  isTyping = false;
  come: (isThere: boolean) => void = () => undefined;
  readonly presses = new Presses({
    act: (action) => {
      this.done.push(action);
      if (action === "comment") this.isTyping = true;
      return action === "next" ? new Promise((resolve) => (this.come = resolve)) : undefined;
    },
    isTyping: () => this.isTyping,
    going: () => undefined,
  });

  press(...actions: string[]): void {
    for (const action of actions) this.presses.press(action);
  }

  async comes(isThere = true): Promise<void> {
    this.come(isThere);
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setTimeout(resolve));
  }
}

test("what is pressed while a case is on its way is done in that case, in its order", async () => {
  const page = new Page();
  page.press("next", "score-7", "next", "score-8");
  assert.deepEqual(page.done, ["next"]);

  await page.comes();
  assert.deepEqual(page.done, ["next", "score-7", "next"]);
  await page.comes();

  assert.deepEqual(page.done, ["next", "score-7", "next", "score-8"]);
  page.press("score-9");
  assert.equal(page.done.at(-1), "score-9");
});

test("what was meant for a case that does not come is not done in another", async () => {
  const page = new Page();
  page.press("next", "score-7");

  await page.comes(false);
  page.press("score-8");

  assert.deepEqual(page.done, ["next", "score-8"]);
});

test("what was typed for a comment scores nothing", async () => {
  const page = new Page();
  page.press("next", "comment", "score-7");

  await page.comes();

  assert.deepEqual(page.done, ["next", "comment"]);
});
