// Keeps a page up to date: asks for it anew every few seconds, and puts each part marked `data-live` in the place of the
// old one. A part that comes without the mark is done. Whoever reads can stop it (WCAG 2.2, 2.2.2).
const EVERY_MS = 5000;

const said = document.createElement("span");
const button = document.createElement("button");
let isOn = true;
let timer;

function liveParts(page) {
  return [...page.querySelectorAll("[data-live]")];
}

function say(sentence) {
  said.textContent = sentence;
}

function place(old, fresh) {
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceWith(document.adoptNode(fresh));
  const address = held?.getAttribute("href");
  if (address) [...fresh.querySelectorAll("a")].find((link) => link.getAttribute("href") === address)?.focus();
}

async function renew() {
  const parts = liveParts(document).filter((part) => part.id);
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (answer.redirected || !answer.ok) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of parts) {
    const fresh = page.getElementById(part.id);
    if (fresh) place(part, fresh);
  }
  return true;
}

async function keepUp() {
  if (!isOn || document.hidden) return again();
  try {
    if (!(await renew())) return stop("This page is as it was; load it again.");
    say(`Renewed at ${new Date().toLocaleTimeString()}, every ${EVERY_MS / 1000} s`);
  } catch {
    say("Pantile does not answer; trying again");
  }
  if (liveParts(document).length === 0) return stop("Nothing is under way any more.");
  again();
}

function again() {
  if (isOn) timer = setTimeout(keepUp, EVERY_MS);
}

function stop(sentence) {
  isOn = false;
  button.remove();
  say(sentence);
}

function toggle() {
  isOn = !isOn;
  clearTimeout(timer);
  button.textContent = isOn ? "Stop renewing" : "Renew again";
  say(isOn ? `Renewed every ${EVERY_MS / 1000} s` : "Not renewed any more");
  if (isOn) keepUp();
}

const first = liveParts(document)[0];
if (first) {
  const line = document.createElement("p");
  line.className = "live";
  button.type = "button";
  button.className = "second";
  button.textContent = "Stop renewing";
  button.addEventListener("click", toggle);
  say(`Renewed every ${EVERY_MS / 1000} s`);
  line.append(said, button);
  first.before(line);
  again();
}
