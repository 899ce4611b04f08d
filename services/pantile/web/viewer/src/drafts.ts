/** Comments as they are typed, kept at each key, so that neither a reload nor a crash loses a word. */

export class Drafts {
  readonly #prefix: string;

  constructor(account: string) {
    this.#prefix = `pantile-draft:${account}:`;
  }

  keep(assignment: string, output: string, text: string): void {
    localStorage.setItem(this.#place(assignment, output), text);
  }

  find(assignment: string, output: string): string | null {
    return localStorage.getItem(this.#place(assignment, output));
  }

  drop(assignment: string, output: string): void {
    localStorage.removeItem(this.#place(assignment, output));
  }

  #place(assignment: string, output: string): string {
    return `${this.#prefix}${assignment}/${output}`;
  }
}
