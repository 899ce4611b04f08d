/** Dialogs: each is the browser's own modal one, so the focus stays in it and goes back where it was. */

import { h } from "./dom.ts";

export interface Choice {
  readonly label: string;
  readonly value: string;
  readonly isMain?: boolean;
  /** Whether the focus begins there, and not at the first thing that can have it. */
  readonly isFirst?: boolean;
}

export interface DialogOptions {
  readonly title: string;
  readonly content?: readonly (Node | string)[];
  readonly choices: readonly Choice[];
  /** Whether Escape and a press beside it close it. */
  readonly isClosable?: boolean;
  readonly isWide?: boolean;
  /** Whether a choice may be taken now; it says itself why not. */
  readonly mayTake?: (choice: string) => boolean;
}

/** Shows a dialog and gives the value of the choice, "" where it was closed without one. */
export function ask({ title, content = [], choices, isClosable = true, isWide = false, mayTake = () => true }: DialogOptions): Promise<string> {
  const id = `dialog-${++opened}`;
  const before = document.activeElement;
  return new Promise((resolve) => {
    const buttons = choices.map(({ label, value, isMain }) =>
      h("button", { type: "button", class: isMain ? "button is-main" : "button", value, onclick: () => mayTake(value) && end(value) }, label),
    );
    const dialog = h(
      "dialog",
      { class: isWide ? "dialog is-wide" : "dialog", "aria-labelledby": id },
      h("h2", { id }, title),
      ...content.map((part) => (typeof part === "string" ? h("p", {}, part) : part)),
      h("div", { class: "choices" }, ...buttons),
    );
    dialog.addEventListener("cancel", (event) => !isClosable && event.preventDefault());
    // Its end is known at once: "close" comes later, and a key that is pressed meanwhile would act before the choice.
    const end = (value: string): void => {
      dialog.close();
      dialog.remove();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
      resolve(value);
    };
    dialog.addEventListener("pointerdown", (event) => isClosable && event.target === dialog && end(""));
    dialog.addEventListener("close", () => dialog.isConnected && end(""));
    document.body.append(dialog);
    dialog.showModal();
    buttons[choices.findIndex((choice) => choice.isFirst)]?.focus();
    if (!dialog.contains(document.activeElement) || document.activeElement === dialog) buttons.at(-1)?.focus();
  });
}

let opened = 0;

/** Asks for words: a reason, a note. Gives null where it was closed. */
export async function askText(title: string, label: string, { value = "", isRequired = false, take = "Save" } = {}): Promise<string | null> {
  const field = h("textarea", { rows: 4, maxlength: 2000, "aria-label": label, autofocus: true });
  field.value = value;
  const chosen = await ask({
    title,
    content: [h("label", { class: "field" }, label, field)],
    choices: [
      { label: "Cancel", value: "" },
      { label: take, value: "take", isMain: true },
    ],
    mayTake: (choice) => {
      field.setCustomValidity(choice === "take" && isRequired && field.value.trim() === "" ? "Please say why." : "");
      return field.reportValidity();
    },
  });
  return chosen === "take" ? field.value.trim() : null;
}
