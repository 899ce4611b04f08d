import assert from "node:assert/strict";
import { test } from "node:test";
import { Keymap, isChoosable, showKey, spell, type Press } from "../src/keys.ts";

function press(key: string, code: string, more: Partial<Press> = {}): Press {
  return {
    key,
    code,
    shiftKey: false,
    ctrlKey: false,
    altKey: false,
    metaKey: false,
    repeat: false,
    isComposing: false,
    ...more,
  };
}

const keys = new Keymap();

test("digits score by their place: US, AZERTY without Shift, and the keypad", () => {
  assert.equal(keys.find(press("8", "Digit8"), "page"), "score-8");
  assert.equal(keys.find(press("_", "Digit8"), "page"), "score-8");
  assert.equal(keys.find(press("8", "Numpad8"), "page"), "score-8");
});

test("ten is Minus, which is ß on German keyboards, and the keypad's plus", () => {
  assert.equal(keys.find(press("-", "Minus"), "page"), "score-10");
  assert.equal(keys.find(press("ß", "Minus"), "page"), "score-10");
  assert.equal(keys.find(press("+", "NumpadAdd"), "page"), "score-10");
});

test("letters go by what is printed on them", () => {
  assert.equal(keys.find(press("z", "KeyY"), "page"), "undo"); // German
  assert.equal(keys.find(press("y", "KeyZ"), "page"), "sync");
  assert.equal(keys.find(press("Z", "KeyZ"), "page"), "undo"); // Caps Lock
  assert.equal(keys.find(press("Z", "KeyZ", { shiftKey: true }), "page"), "redo");
});

test("keyboards without Latin letters have the letters' places", () => {
  assert.equal(keys.find(press("я", "KeyZ"), "page"), "undo");
  assert.equal(keys.find(press("ö", "Semicolon"), "page"), undefined);
});

test("with a modifier nothing acts but Ctrl+Z", () => {
  for (const modifier of ["ctrlKey", "altKey", "metaKey"] as const) {
    assert.equal(keys.find(press("0", "Digit0", { [modifier]: true }), "page"), undefined);
    assert.equal(keys.find(press("x", "KeyX", { [modifier]: true }), "page"), undefined);
    assert.equal(keys.find(press("ArrowRight", "ArrowRight", { [modifier]: true }), "page"), undefined);
  }
  assert.equal(keys.find(press("z", "KeyZ", { metaKey: true }), "page"), undefined);
  assert.equal(keys.find(press("z", "KeyZ", { ctrlKey: true }), "page"), "undo");
});

test("composing, dead keys and Space mean nothing", () => {
  assert.equal(keys.find(press("7", "Digit7", { isComposing: true }), "page"), undefined);
  assert.equal(keys.find(press("Process", "Digit7"), "page"), undefined);
  assert.equal(keys.find(press("Dead", "Equal"), "page"), undefined);
  assert.equal(keys.find(press(" ", "Space"), "page"), undefined);
});

test("the keypad without Num Lock scores nothing", () => {
  assert.equal(keys.find(press("Home", "Numpad7"), "page"), undefined);
});

test("what is typed into a field or a dialog is text", () => {
  assert.equal(keys.find(press("7", "Digit7"), "text"), undefined);
  assert.equal(keys.find(press("7", "Digit7"), "dialog"), undefined);
});

test("a control keeps its arrows, and lets digits through", () => {
  assert.equal(keys.find(press("ArrowRight", "ArrowRight"), "control"), undefined);
  assert.equal(keys.find(press("Enter", "Enter"), "control"), undefined);
  assert.equal(keys.find(press("7", "Digit7"), "control"), "score-7");
});

test("a held key is one press, but for moving", () => {
  assert.equal(keys.find(press("7", "Digit7", { repeat: true }), "page"), undefined);
  assert.equal(keys.find(press("ArrowUp", "ArrowUp", { repeat: true }), "page"), undefined);
  assert.equal(keys.find(press("ArrowUp", "ArrowUp", { repeat: true, shiftKey: true }), "page"), "pan-up");
});

test("panes are chosen by Shift and a digit, which scores nothing", () => {
  assert.equal(keys.find(press("!", "Digit1", { shiftKey: true }), "page"), "pane-1");
});

test("help is the question mark, wherever it is", () => {
  assert.equal(keys.find(press("?", "Slash", { shiftKey: true }), "page"), "help");
  assert.equal(keys.find(press("?", "Minus", { shiftKey: true }), "page"), "help");
});

test("a chosen key replaces ours, and is taken from the action that had it", () => {
  const own = new Keymap({ "score-7": ["q"], flag: ["x"] });

  assert.equal(own.find(press("q", "KeyQ"), "page"), "score-7");
  assert.equal(own.find(press("7", "Digit7"), "page"), undefined);
  assert.equal(own.find(press("x", "KeyX"), "page"), "flag");
  assert.deepEqual(own.keysOf("clear"), ["Backspace"]);
});

test("keys are shown as they are printed", () => {
  assert.equal(showKey("Shift+z"), "Shift+Z");
  assert.equal(showKey("Digit7"), "7");
  assert.equal(showKey("Shift+ArrowUp"), "Shift+↑");
});

test("keys of the browser cannot be chosen", () => {
  assert.equal(spell(press("Tab", "Tab")), null);
  assert.ok(!isChoosable("Escape"));
  assert.ok(isChoosable("Shift+q"));
});
