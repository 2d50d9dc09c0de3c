// Keeps an open page up to date, and searches while you type. Everything works without it.
"use strict";

const body = document.body;
const REGION = "[data-region]";

// ---- changing what is shown, so that focus, open parts and typed text stay -----------------------

const KEPT = new Set(["open"]);

function morph(now, next) {
  if (now.isEqualNode(next)) return;
  if (now.nodeType !== next.nodeType || now.nodeName !== next.nodeName || now.id !== next.id) {
    now.replaceWith(next.cloneNode(true));
    return;
  }
  if (now.nodeType !== Node.ELEMENT_NODE) {
    now.nodeValue = next.nodeValue;
    return;
  }
  for (const { name } of [...now.attributes]) {
    if (!next.hasAttribute(name) && !KEPT.has(name)) now.removeAttribute(name);
  }
  for (const { name, value } of next.attributes) {
    if (now.getAttribute(name) !== value) now.setAttribute(name, value);
  }
  const named = new Map([...now.children].filter((one) => one.id).map((one) => [one.id, one]));
  let at = now.firstChild;
  for (const wanted of next.childNodes) {
    const same = wanted.id ? named.get(wanted.id) : null;
    if (same && same !== at) {
      now.insertBefore(same, at);
      morph(same, wanted);
    } else if (at && (same || !at.id || !wanted.id)) {
      const here = at;
      at = at.nextSibling;
      morph(here, wanted);
    } else {
      now.insertBefore(wanted.cloneNode(true), at);
    }
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    gone.remove();
  }
}

function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html");
}

function element(id, html) {
  const wrapped = /^<tr\b/.test(html) ? `<table><tbody>${html}</tbody></table>` : html;
  return parsed(wrapped).getElementById(id);
}

// ---- this page, fetched again --------------------------------------------------------------------

let fetching = 0;
let later = null; // regions that came while a page was under way: they may be newer than it

async function refresh(address = location.href) {
  const mine = ++fetching;
  later ??= {};
  const well = await fetched(address, () => mine === fetching);
  if (mine === fetching) {
    const regions = later;
    later = null;
    if (well) put(regions);
  }
  return well;
}

async function fetched(address, wanted) {
  let answer;
  try {
    answer = await fetch(address, { headers: { Accept: "text/html" } });
  } catch {
    return false;
  }
  if (answer.redirected && new URL(answer.url).pathname === "/login") {
    location.assign(answer.url);
    return false;
  }
  if (!answer.ok) return false;
  const page = parsed(await answer.text());
  if (wanted()) {
    morph(document.getElementById("main"), page.getElementById("main"));
    document.title = page.title;
    body.dataset.live = page.body.dataset.live || "";
    document.getElementById("mark").replaceWith(page.getElementById("mark"));
  }
  return true;
}

function put(regions) {
  if (later) {
    Object.assign(later, regions);
    return;
  }
  for (const [id, html] of Object.entries(regions)) {
    const now = document.getElementById(id);
    const next = element(id, html);
    if (now && next && now.matches(REGION)) morph(now, next);
    else if (!now) refresh();
  }
}

// ---- the stream of changes -----------------------------------------------------------------------

const live = document.getElementById("live");
const cut = document.getElementById("cut");
let stream, heard = Date.now(), beat_ms = 5000, again_ms = 1000, timer;

function show(on) {
  live.classList.toggle("on", on);
  if (on) {
    live.lastElementChild.textContent = live.dataset.on;
    cut.hidden = true;
  } else if (cut.hidden) {
    const at = new Date(heard).toLocaleTimeString("nl", { hour: "2-digit", minute: "2-digit" });
    const text = cut.dataset.off.replace("{at}", at);
    cut.querySelector("b").textContent = text;
    live.lastElementChild.textContent = text;
    cut.hidden = false;
  }
}

function listen() {
  clearTimeout(timer);
  if (stream) stream.close();
  const page = body.dataset.live;
  stream = new EventSource(`/live?page=${encodeURIComponent(page)}`);
  const on = (name, then) =>
    stream.addEventListener(name, (event) => {
      heard = Date.now();
      again_ms = 1000;
      show(true);
      then(JSON.parse(event.data));
    });
  on("hello", (said) => {
    beat_ms = said.beat_s * 1000;
    if (said.mark !== document.getElementById("mark").dataset.mark) refresh();
  });
  on("beat", () => {});
  on("again", () => refresh());
  on("regions", put);
  stream.onerror = lost;
}

function lost() {
  stream.close();
  show(false);
  clearTimeout(timer);
  timer = setTimeout(async () => {
    // A page whose session has ended goes to the log-in; one that finds its station goes on.
    if (await refresh()) listen();
    else lost();
  }, again_ms * (0.75 + Math.random() / 2));
  again_ms = Math.min(2 * again_ms, 30000);
}

if (live) {
  listen();
  setInterval(() => {
    if (Date.now() - heard > 2.5 * beat_ms && cut.hidden) lost();
  }, 1000);
  addEventListener("pagehide", () => stream.close());
  addEventListener("pageshow", (event) => event.persisted && listen());
}

// ---- searching while you type --------------------------------------------------------------------

const filter = document.querySelector("#fleet form.filter");
if (filter) {
  let waiting;
  const search = () => {
    const fields = new URLSearchParams(new FormData(filter));
    for (const [name, value] of [...fields]) if (!value || value === "all") fields.delete(name);
    const query = fields.size ? `?${fields}` : "";
    history.replaceState(null, "", `/${query}`);
    refresh().then(listen);
  };
  filter.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 200);
  });
  filter.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(waiting);
    search();
  });
}

// ---- small comforts ------------------------------------------------------------------------------

document.addEventListener("toggle", (event) => {
  const field = event.target.open && event.target.querySelector("input[name=note]");
  if (field) field.focus();
}, true);

const menu = document.getElementById("menu");
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && menu.open) {
    menu.open = false;
    menu.firstElementChild.focus();
  }
});
document.addEventListener("click", (event) => {
  if (menu.open && !menu.contains(event.target)) menu.open = false;
});
