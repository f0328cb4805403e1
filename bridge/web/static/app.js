// Small comforts; every page works without them.
"use strict";

// Times of the store are UTC; show them as the reader's clock does.
function localTimes(root) {
  const shape = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" });
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (!Number.isNaN(at.getTime())) {
      time.title = time.textContent;
      time.textContent = shape.format(at);
    }
  }
}

// Ask before what cannot simply be done again.
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  for (const button of event.target.querySelectorAll("button")) setTimeout(() => (button.disabled = true));
});

// Lists are filtered as soon as something is chosen.
for (const form of document.querySelectorAll("form[data-auto]")) {
  for (const select of form.querySelectorAll("select")) select.addEventListener("change", () => form.requestSubmit());
}

document.addEventListener("click", async (event) => {
  const id = event.target.dataset?.copy;
  if (!id) return;
  const source = document.getElementById(id);
  if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent);
  getSelection().selectAllChildren(source);
});

// A region and its line in the list show each other.
function linkRegions(canvas) {
  const marks = (name) => document.querySelectorAll(`[data-shape="${name}"], [data-for="${name}"]`);
  function choose(name, on) {
    canvas.classList.toggle("chosen", on);
    for (const mark of marks(name)) mark.classList.toggle("chosen", on);
  }
  for (const mark of document.querySelectorAll("[data-shape], [data-for]")) {
    const name = mark.dataset.shape || mark.dataset.for;
    mark.addEventListener("pointerenter", () => choose(name, true));
    mark.addEventListener("pointerleave", () => choose(name, false));
  }
  for (const box of document.querySelectorAll("[data-layer]")) {
    box.addEventListener("change", () => canvas.classList.toggle(`no-${box.dataset.layer}`, !box.checked));
  }
}

// The arrow keys go from picture to picture.
document.addEventListener("keydown", (event) => {
  if (event.target.matches("input, select, textarea") || event.altKey || event.ctrlKey || event.metaKey) return;
  const direction = { ArrowLeft: "prev", ArrowRight: "next" }[event.key];
  const link = direction && document.querySelector(`.step-through a[rel="${direction}"]`);
  if (link) link.click();
});

// A run's page takes its changing pieces from the server as they change.
function follow(address) {
  const stream = new EventSource(address);
  for (const name of ["head", "curve", "checkpoints", "log"]) {
    stream.addEventListener(name, (event) => {
      const place = document.getElementById(name);
      place.innerHTML = event.data;
      localTimes(place);
      for (const log of place.querySelectorAll("pre.log")) log.scrollTop = log.scrollHeight;
    });
  }
  stream.addEventListener("end", () => stream.close());
  stream.addEventListener("error", () => {
    // Refused (too many watch): the browser gives up by itself then, so ask again later.
    if (stream.readyState === EventSource.CLOSED) setTimeout(() => follow(address), 10000);
  });
}

localTimes(document);
for (const canvas of document.querySelectorAll("[data-viewer]")) linkRegions(canvas);
for (const log of document.querySelectorAll("#log pre.log")) log.scrollTop = log.scrollHeight;
const live = document.querySelector("[data-live]");
if (live && live.dataset.live) follow(live.dataset.live);
