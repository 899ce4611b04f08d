// The page by which ROIs are submitted: takes a dropped or chosen folder, and uploads its files before the form is sent.
// Without this script, manifests of addresses are submitted all the same.
const IMAGES = /\.(jpe?g|png|tiff?)$/i;
const AT_ONCE = 3;

const form = document.getElementById("submission");
const manifest = document.getElementById("manifest");
const uploaded = form.elements.uploaded;
const said = document.getElementById("upload");
const token = document.querySelector('meta[name="csrf-token"]').content;
const files = new Map();

function cell(text) {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function take(chosen) {
  const images = chosen.filter(([path]) => IMAGES.test(path)).sort(([one], [other]) => (one < other ? -1 : 1));
  const tables = chosen.filter(([path]) => /\.csv$/i.test(path));
  for (const [path, file] of images) files.set(path, file);
  if (tables.length === 1) return readTable(tables[0][1]);
  if (images.length === 0) return say("There is no image and no manifest in it.");
  manifest.value = ["path", ...images.map(([path]) => cell(path))].join("\n");
  say(`${images.length} images are chosen; they are uploaded when you submit them.`);
}

async function readTable(file) {
  manifest.value = await file.text();
  say(`The manifest ${file.name} is read${files.size ? `, with ${files.size} images beside it` : ""}.`);
}

function say(sentence) {
  said.textContent = sentence;
}

function withoutFolder(path) {
  return path.replace(/^[^/]+\//, "");
}

// Paths are told within the folder that was dropped: its own name, which has no `path` before it, is left out.
async function walk(entry, path = null) {
  if (entry.isFile) return [[(path ?? "") + entry.name, await new Promise((done, failed) => entry.file(done, failed))]];
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (some.length === 0) return found;
    for (const each of some) found.push(...(await walk(each, path === null ? "" : `${path}${entry.name}/`)));
  }
}

async function upload(path, done) {
  const answer = await fetch("/submit/files", {
    method: "PUT",
    headers: { "X-CSRF-Token": token, "Content-Type": "application/octet-stream" },
    body: files.get(path),
  });
  if (!answer.ok) throw new Error(`${path} could not be uploaded: ${(await answer.json()).detail}`);
  done[path] = await answer.json();
}

async function uploadAll() {
  const done = JSON.parse(uploaded.value || "{}");
  const waiting = [...files.keys()].filter((path) => !(path in done) && manifest.value.includes(path));
  const total = waiting.length;
  let ended = 0;
  const work = async () => {
    for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
      await upload(path, done);
      ended += 1;
      say(`${ended} of ${total} images are uploaded.`);
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    uploaded.value = JSON.stringify(done);
  }
}

async function check() {
  const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const outcome = page.getElementById("outcome");
  if (!outcome) throw new Error("Pantile does not answer as it should; load the page again.");
  document.getElementById("outcome").replaceWith(document.adoptNode(outcome));
  document.querySelector("#outcome [autofocus]")?.focus();
}

form.addEventListener("submit", async (event) => {
  if (files.size === 0) return;
  event.preventDefault();
  const isMeant = event.submitter?.name === "do";
  const buttons = [...form.querySelectorAll("button")];
  for (const button of buttons) button.disabled = true;
  try {
    if (isMeant) {
      await uploadAll();
      const meant = document.createElement("input");
      Object.assign(meant, { type: "hidden", name: "do", value: "yes" });
      form.append(meant);
      form.submit();
      return;
    }
    await check();
  } catch (error) {
    say(error.message);
  }
  for (const button of form.querySelectorAll("button")) button.disabled = false;
});

const drop = document.getElementById("drop");
drop.hidden = false;
document.getElementById("folder").addEventListener("change", (event) => {
  take([...event.target.files].map((file) => [withoutFolder(file.webkitRelativePath || file.name), file]));
});
document.getElementById("table").addEventListener("change", (event) => {
  if (event.target.files.length) readTable(event.target.files[0]);
});
drop.addEventListener("dragover", (event) => event.preventDefault());
drop.addEventListener("drop", async (event) => {
  event.preventDefault();
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  take((await Promise.all(entries.map((entry) => walk(entry)))).flat());
});
