import assert from "node:assert/strict";
import { test } from "node:test";
import { History, type Held, type Step, type StepStore } from "../src/history.ts";

class Memory implements StepStore {
  text: string | null = null;

  load(): string | null {
    return this.text;
  }

  save(text: string): void {
    this.text = text;
  }
}

function held(value: number | null, comment = ""): Held {
  return { value, answers: {}, comment };
}

function step(assignment: string, output: string, value: number): Step {
  return { assignment, changes: [{ output, pane: "A", before: held(null), after: held(value) }] };
}

test("steps are undone from the newest on, over cases, and redone the other way", () => {
  const history = new History(new Memory());
  history.record(step("one", "a", 7));
  history.record(step("two", "b", 8));

  assert.equal(history.undo()?.assignment, "two");
  assert.equal(history.undo()?.assignment, "one");
  assert.equal(history.undo(), undefined);
  assert.equal(history.redo()?.assignment, "one");
});

test("a new step ends what could be redone", () => {
  const history = new History(new Memory());
  history.record(step("one", "a", 7));
  history.undo();
  history.record(step("one", "a", 5));

  assert.equal(history.canRedo, false);
});

test("steps survive a reload", () => {
  const store = new Memory();
  new History(store).record(step("one", "a", 7));

  assert.deepEqual(new History(store).undo(), step("one", "a", 7));
});

test("what stands in the store and is not ours is no history", () => {
  const store = new Memory();
  store.text = "{broken";

  assert.equal(new History(store).canUndo, false);
});

test("steps of a pane that somebody else changed are forgotten", () => {
  const history = new History(new Memory());
  history.record(step("one", "a", 7));
  history.record(step("one", "b", 7));

  history.forget("b");

  assert.equal(history.undo()?.changes[0]?.output, "a");
});
