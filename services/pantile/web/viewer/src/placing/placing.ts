/** Entry of the page of a slide: asks for the slide and shows it, or says why it cannot be shown. */

import { Api, Problem } from "../api.ts";
import { h, meta } from "../dom.ts";
import { Settings } from "../settings.ts";
import { PlacingPage } from "./page.ts";
import type { Slide } from "./slide.ts";
import { Tissue } from "./tissue.ts";

const LOOK_AGAIN_MS = 5000;

async function begin(): Promise<void> {
  const id = document.body.dataset.slide ?? "";
  const account = meta("account");
  const api = new Api(account, meta("csrf-token"));
  const settings = new Settings(api, account);
  const isAnimated = !matchMedia("(prefers-reduced-motion: reduce)").matches;
  try {
    const slide = await api.get<Slide>(`/v1/slides/${id}/placing`);
    if (slide.state !== "ready") return showUnready(slide);
    await settings.load();
    const page = new PlacingPage(slide, { api, settings, isAnimated, readTissue });
    // What tests look at, and people who look under the bonnet.
    Object.assign(window, { pantile: page });
    await page.start();
  } catch (error) {
    showRefusal(error);
  }
}

/** The picture of a slide's tissue as a mask; undefined where there is none, or it cannot be had. */
async function readTissue(slide: Slide): Promise<Tissue | undefined> {
  if (!slide.tissue_url || !slide.width_px || !slide.height_px) return undefined;
  const picture = new Image();
  picture.src = slide.tissue_url;
  try {
    await picture.decode();
  } catch {
    return undefined;
  }
  const { naturalWidth: width, naturalHeight: height } = picture;
  const context = h("canvas", { width, height }).getContext("2d", { willReadFrequently: true })!;
  context.drawImage(picture, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const mask = Uint8Array.from({ length: width * height }, (_, at) => data[at * 4]!);
  return new Tissue(mask, width, { width_px: slide.width_px, height_px: slide.height_px });
}

function showUnready(slide: Slide): void {
  const sentences = {
    waiting: "An imaging worker has not looked into it yet. This page comes back by itself.",
    refused: slide.error ?? "It cannot be read.",
    withdrawn: "It was withdrawn.",
  };
  const sentence = slide.state === "ready" ? "" : sentences[slide.state];
  showScreen(`${slide.name} is ${slide.state}`, sentence, `/cohorts/${encodeURIComponent(slide.cohort)}/slides`, "To the cohort's slides");
  if (slide.state === "waiting") setTimeout(() => location.reload(), LOOK_AGAIN_MS);
}

function showRefusal(error: unknown): void {
  const sentence = error instanceof Error ? error.message : String(error);
  const isSignedOut = error instanceof Problem && error.status === 401;
  if (isSignedOut) return showScreen("Your session has ended", sentence, `/auth/login?then=${encodeURIComponent(location.pathname)}`, "Sign in");
  showScreen("This slide cannot be shown", sentence, "/slides", "To the slides");
}

function showScreen(title: string, sentence: string, href: string, label: string): void {
  document.title = `${title} · Pantile`;
  document.body.replaceChildren(h("main", { class: "screen" }, h("h1", {}, title), h("p", { role: "alert" }, sentence), h("a", { class: "button is-main", href }, label)));
  document.querySelector<HTMLElement>(".screen a")?.focus();
}

void begin();
