/** What keys do on the page of a slide; `keys.ts` says how they are spelled. */

import type { Action } from "../keys.ts";

export const ACTIONS: Readonly<Record<string, Action>> = {
  tumor: { title: "To the tumor rectangle, or place one", keys: ["t"] },
  normal: { title: "To the normal rectangle, or place one", keys: ["n"] },
  deselect: { title: "Let go of the rectangle: arrows move the slide", keys: ["Escape"] },
  left: { title: "Move the rectangle left", keys: ["ArrowLeft"], repeats: true },
  right: { title: "Move the rectangle right", keys: ["ArrowRight"], repeats: true },
  up: { title: "Move the rectangle up", keys: ["ArrowUp"], repeats: true },
  down: { title: "Move the rectangle down", keys: ["ArrowDown"], repeats: true },
  wider: { title: "Wider", keys: ["w"], repeats: true },
  narrower: { title: "Narrower", keys: ["Shift+w"], repeats: true },
  taller: { title: "Taller", keys: ["e"], repeats: true },
  lower: { title: "Less tall", keys: ["Shift+e"], repeats: true },
  "study-size": { title: "The study's size", keys: ["d"] },
  swap: { title: "Tumor and normal change places", keys: ["x"] },
  remove: { title: "Take the rectangle away", keys: ["Backspace"] },
  guess: { title: "Take the first guess", keys: ["u"] },
  undo: { title: "Undo", keys: ["z", "Ctrl+z"] },
  redo: { title: "Redo", keys: ["Shift+z", "Ctrl+Shift+z"] },
  save: { title: "Save", keys: ["s", "Ctrl+s"] },
  cut: { title: "Save and cut out", keys: ["c"] },
  "next-slide": { title: "Next slide without rectangles", keys: ["j"] },
  masks: { title: "Darken what is no tissue; held: for as long", keys: ["m"] },
  "go-to": { title: "The rectangle as large as the screen", keys: ["g"] },
  home: { title: "Whole slide", keys: ["h"] },
  "zoom-in": { title: "Zoom in", keys: ["."], repeats: true },
  "zoom-out": { title: "Zoom out", keys: [","], repeats: true },
  "pan-left": { title: "Move the slide left", keys: ["Shift+ArrowLeft"], repeats: true },
  "pan-right": { title: "Move the slide right", keys: ["Shift+ArrowRight"], repeats: true },
  "pan-up": { title: "Move the slide up", keys: ["Shift+ArrowUp"], repeats: true },
  "pan-down": { title: "Move the slide down", keys: ["Shift+ArrowDown"], repeats: true },
  help: { title: "Help and keys", keys: ["?"] },
};

export type Act = (action: string) => void;
