import assert from "node:assert/strict";
import { test } from "node:test";
import { ActivityClock } from "../src/timing.ts";

function clock(): [ActivityClock, (ms: number) => void] {
  let now = 1000;
  return [new ActivityClock(() => now), (ms) => (now += ms)];
}

test("use counts as active", () => {
  const [activity, pass] = clock();
  pass(30_000);
  activity.noteInput();
  pass(30_000);

  assert.deepEqual(activity.take(), { active_ms: 60_000, idle_ms: 0 });
});

test("a minute after the last input it is idle until the next", () => {
  const [activity, pass] = clock();
  pass(100_000);
  activity.noteInput();
  pass(5000);

  assert.deepEqual(activity.take(), { active_ms: 65_000, idle_ms: 40_000 });
});

test("a hidden tab counts as neither", () => {
  const [activity, pass] = clock();
  pass(10_000);
  activity.setVisible(false);
  pass(500_000);
  activity.setVisible(true);
  pass(10_000);

  assert.deepEqual(activity.take(), { active_ms: 20_000, idle_ms: 0 });
});

test("what was taken is not counted again", () => {
  const [activity, pass] = clock();
  pass(10_000);
  activity.take();
  pass(70_000);

  assert.deepEqual(activity.take(), { active_ms: 50_000, idle_ms: 20_000 });
});
