/** Elements in one line. Nothing here writes HTML: text is text. */

type Value = string | number | boolean | null | undefined | ((event: never) => void);
type Child = Node | string | null | undefined | false;

/**
 * Makes an element: `on…` are its handlers, true and false are whether an attribute is there, and null is left out.
 * `h("button", { class: "flag", onclick: flag }, "Flag")`
 */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, Value>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value as EventListener);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child): child is Node | string => child !== null && child !== undefined && child !== false));
  return element;
}

/** What the page's shell says, `<meta name=… content=…>`. */
export function meta(name: string): string {
  return document.querySelector<HTMLMetaElement>(`meta[name="${name}"]`)?.content ?? "";
}

/** A button of a toolbar: what it shows, and what it does. Where it shows words, these are its name. */
export function toolButton(label: string, title: string, act: () => void, more: Readonly<Record<string, Value>> = {}): HTMLButtonElement {
  return h("button", { type: "button", class: "tool", title, "aria-label": /[a-z]/i.test(label) ? null : title, onclick: act, ...more }, label);
}
