/**
 * Panes that show the same place: exactly, as each follower is given the leader's own numbers.
 *
 * The leader is sticky: it is whoever was moved last by a person or a command, never a pane that was moved by us. So no
 * two panes can answer each other's movements, and nothing is ever rounded on the way back.
 */

/** A place: the zoom, and the centre in widths of the image. */
export interface Place {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}

/** A pane, as far as synchronising is concerned. */
export interface Member {
  /** Where the pane is at this moment, within an animation as well. */
  place(): Place;
  /** Puts the pane there at once, without an animation. */
  move(place: Place): void;
  /** Whether anybody sees the pane; those that nobody sees follow once the leader rests. */
  isSeen(): boolean;
}

export class SyncGroup {
  isOn = true;
  #members: readonly Member[];
  #leader: Member;
  #isMoving = false;

  constructor(members: readonly [Member, ...Member[]]) {
    this.#members = members;
    this.#leader = members[0];
  }

  get leader(): Member {
    return this.#leader;
  }

  /** A member has begun to move; what we move ourselves does not count. */
  lead(member: Member): void {
    if (!this.#isMoving) this.#leader = member;
  }

  /** A member has moved: where it leads, the others follow. */
  follow(member: Member): void {
    if (this.#isFollowed(member)) this.#align((each) => each.isSeen());
  }

  /** A member has come to rest: now those follow too that nobody sees. */
  rest(member: Member): void {
    if (this.#isFollowed(member)) this.align();
  }

  /** Puts every member where the leader is. */
  align(): void {
    this.#align(() => true);
  }

  #isFollowed(member: Member): boolean {
    return this.isOn && !this.#isMoving && member === this.#leader;
  }

  #align(isMoved: (member: Member) => boolean): void {
    const place = this.#leader.place();
    this.quietly(() => {
      for (const member of this.#members) if (member !== this.#leader && isMoved(member)) member.move(place);
    });
  }

  /** Moves members without one of them taking the lead by it. */
  quietly(move: () => void): void {
    const before = this.#isMoving;
    this.#isMoving = true;
    try {
      move();
    } finally {
      this.#isMoving = before;
    }
  }

  /** Turns synchronising on or off; when it comes on, all go to where `member` is. */
  toggle(isOn: boolean, member: Member): void {
    this.isOn = isOn;
    if (!isOn) return;
    this.#leader = member;
    this.align();
  }
}
