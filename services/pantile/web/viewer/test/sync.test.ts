import assert from "node:assert/strict";
import { test } from "node:test";
import { SyncGroup, type Member, type Place } from "../src/sync.ts";

/** A pane that tells the group of each of its moves, as a viewer does, whoever made them. */
class Pane implements Member {
  group: SyncGroup | undefined;
  isHidden = false;
  #place: Place = { zoom: 1, x: 0.5, y: 0.4 };

  isSeen(): boolean {
    return !this.isHidden;
  }

  place(): Place {
    return this.#place;
  }

  move(place: Place): void {
    this.#place = place;
    this.group?.lead(this);
    this.group?.follow(this);
  }
}

function group(size: number): [SyncGroup, Pane[]] {
  const panes = Array.from({ length: size }, () => new Pane());
  const made = new SyncGroup(panes as [Pane, ...Pane[]]);
  for (const pane of panes) pane.group = made;
  return [made, panes];
}

test("all panes are exactly where the one that was moved is, whichever it is", () => {
  const [, panes] = group(6);

  for (const [at, pane] of panes.entries()) {
    const place = { zoom: 6 + at / 3, x: 1 / 3, y: Math.PI / 10 };
    pane.move(place);

    assert.deepEqual(
      panes.map((each) => each.place()),
      panes.map(() => place),
    );
  }
});

test("a pane that was moved by us does not lead", () => {
  const [made, panes] = group(3);

  panes[1]!.move({ zoom: 6, x: 0.1, y: 0.1 });

  assert.equal(made.leader, panes[1]);
});

test("without synchronising only the moved pane moves, and all adopt the active one's place when it comes back", () => {
  const [made, panes] = group(3);
  made.toggle(false, panes[0]!);

  panes[1]!.move({ zoom: 3, x: 0.2, y: 0.2 });

  assert.equal(panes[0]!.place().zoom, 1);
  made.toggle(true, panes[1]!);
  assert.deepEqual(panes[2]!.place(), { zoom: 3, x: 0.2, y: 0.2 });
});

test("what is moved quietly takes no lead", () => {
  const [made, panes] = group(2);

  made.quietly(() => panes[1]!.move({ zoom: 2, x: 0, y: 0 }));

  assert.equal(made.leader, panes[0]);
  assert.equal(panes[0]!.place().zoom, 1);
});

test("a pane that nobody sees follows once the leader rests", () => {
  const [made, panes] = group(2);
  panes[1]!.isHidden = true;

  panes[0]!.move({ zoom: 4, x: 0, y: 0 });
  assert.equal(panes[1]!.place().zoom, 1);
  made.rest(panes[0]!);

  assert.equal(panes[1]!.place().zoom, 4);
});
