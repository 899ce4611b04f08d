/** The scoring page: takes from the page's shell whose it is and which case, and begins. */

import { Api } from "./api.ts";
import { App } from "./app.ts";
import { meta } from "./dom.ts";
import { Drafts } from "./drafts.ts";
import { History } from "./history.ts";
import { openStore } from "./outbox_store.ts";
import { Settings } from "./settings.ts";
import { claimTab } from "./tab.ts";

const STEPS = "pantile-steps";

async function begin(): Promise<void> {
  const { case: assignment = "", study = "", adjudication = "" } = document.body.dataset;
  const account = meta("account");
  const api = new Api(account, meta("csrf-token"));
  const [store, tab] = await Promise.all([openStore(), claimTab()]);
  const app = new App({
    api,
    settings: new Settings(api, account),
    drafts: new Drafts(account),
    history: new History({
      load: () => sessionStorage.getItem(STEPS),
      save: (text) => sessionStorage.setItem(STEPS, text),
    }),
    surroundings: { store, account, tab: tab.id, newKey: () => crypto.randomUUID(), pause },
    isGone: tab.isGone,
    isAnimated: !matchMedia("(prefers-reduced-motion: reduce)").matches,
  });
  // What tests look at, and people who look under the bonnet.
  Object.assign(window, { pantile: app });
  if (adjudication) await app.startAdjudication(study, adjudication);
  else await app.start(assignment);
}

/** Waits, but not longer than until the network is back. */
function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      clearTimeout(timer);
      window.removeEventListener("online", go);
      resolve();
    };
    const timer = setTimeout(go, ms);
    window.addEventListener("online", go);
  });
}

void begin();
