// Pages work without this file. With it, forms marked .enhance do not leave the page, and live streams bring new
// packages and counts: the server draws the page again and the marked regions are exchanged.
"use strict";
(() => {
  const body = document.body;
  const regions = (root) => new Map([...root.querySelectorAll("[data-region]")].map((e) => [e.dataset.region, e]));

  function exchange(html) {
    const fresh = new DOMParser().parseFromString(html, "text/html");
    const incoming = regions(fresh);
    for (const [name, here] of regions(document)) {
      const there = incoming.get(name);
      if (!there || there.innerHTML === here.innerHTML) continue;
      const before = new Map([...here.querySelectorAll("details[id]")].map((d) => [d.id, d.open]));
      const known = new Set([...here.querySelectorAll("article[id]")].map((a) => a.id));
      const focused = here.contains(document.activeElement) ? document.activeElement.closest("[id]") : null;
      here.replaceChildren(...there.childNodes);
      for (const [key, value] of Object.entries(there.dataset)) here.dataset[key] = value;
      for (const d of here.querySelectorAll("details[id]")) if (before.has(d.id)) d.open = before.get(d.id);
      for (const a of here.querySelectorAll("article[id]")) if (!known.has(a.id)) a.classList.add("arrived");
      if (focused) document.getElementById(focused.id)?.focus?.();
    }
    showState();
    return fresh;
  }

  // Who is no longer signed in was sent to the landing page, which says so: go there.
  function elsewhere(answer) {
    if (!answer.redirected || new URL(answer.url).pathname === location.pathname) return false;
    location.assign(answer.url);
    return true;
  }

  let busy = false, again = false;
  async function refresh() {
    if (busy) { again = true; return; }
    busy = true;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (elsewhere(answer)) return;
      if (answer.ok) exchange(await answer.text());
    } catch { /* offline: the stream reconnects and asks again */ }
    busy = false;
    if (again) { again = false; setTimeout(refresh, 1000); }
  }

  function announce(text) { const to = document.getElementById("announce"); if (to) to.textContent = text; }

  let live = null;
  function showState() {
    if (!live) return;
    const open = live.readyState === EventSource.OPEN;
    for (const e of document.querySelectorAll("[data-live-state]")) {
      e.hidden = false;
      e.classList.toggle("off", !open);
      const text = open ? body.dataset.liveOn : body.dataset.liveOff;
      if (e.textContent !== text) e.textContent = text;
    }
  }

  function listen() {
    live = new EventSource(body.dataset.live);
    live.onopen = showState;
    live.onerror = showState;
    live.addEventListener("package", (event) => {
      const arrived = JSON.parse(event.data);
      const news = arrived.notice?.[document.documentElement.lang.startsWith("en") ? "en" : "zh"];
      refresh().then(() => announce(body.dataset.newPackage + (news ?? arrived.policy.title)));
    });
    // After a gap the counts tell whether something was missed.
    live.addEventListener("state", (event) => {
      const state = JSON.parse(event.data);
      const shown = document.querySelector("[data-packages]");
      if (shown && "packages" in state && Number(shown.dataset.packages) !== state.packages) refresh();
    });
    live.addEventListener("progress", refresh);
    addEventListener("pagehide", () => live.close());
    addEventListener("pageshow", (event) => { if (event.persisted) { live.close(); listen(); } }, { once: true });
  }

  if (body.dataset.live && "EventSource" in window) {
    listen();
    // Gateways, backlog and campaigns without recipients send no event.
    if (document.querySelector("[data-refresh]")) setInterval(() => { if (!document.hidden) refresh(); }, 5000);
  }

  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.matches("form.enhance")) return;
    event.preventDefault();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (elsewhere(answer)) return;
      if (!answer.ok) throw new Error(String(answer.status));
      const fresh = exchange(await answer.text());
      announce(fresh.querySelector(".notice")?.textContent ?? "");
    } catch { form.submit(); } // the plain way shows what is wrong
  });

  // What was typed outlives a change of language or size, and nothing else.
  const draft = document.querySelector("textarea[data-draft]");
  if (draft) {
    if (!draft.value) draft.value = sessionStorage.getItem("draft") ?? "";
    sessionStorage.removeItem("draft");
    for (const link of document.querySelectorAll(".tools a"))
      link.addEventListener("click", () => sessionStorage.setItem("draft", draft.value));
  }

  // Once an audience was previewed, it follows what is typed: half a second after the last key, where the document
  // can be read at all. Answers that a later one has overtaken are dropped.
  for (const form of document.querySelectorAll("form[data-previews]")) {
    const place = document.getElementById(form.dataset.previews);
    let waiting = 0, asked = 0;
    async function preview() {
      const mine = ++asked, fields = new FormData(form);
      fields.set("do", "preview");
      try { JSON.parse(fields.get("document")); } catch { return; }
      place.firstElementChild?.setAttribute("aria-busy", "true");
      try {
        const answer = await fetch(form.action, { method: "POST", body: fields });
        if (elsewhere(answer)) return;
        const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
        const there = fresh.getElementById(place.id);
        if (mine === asked && there) place.replaceChildren(...there.childNodes);
      } catch { /* offline: the button says what is wrong */ }
      place.firstElementChild?.removeAttribute("aria-busy");
    }
    form.addEventListener("input", () => {
      if (!place.firstElementChild) return;
      clearTimeout(waiting);
      waiting = setTimeout(preview, 500);
    });
  }

  for (const input of document.querySelectorAll("input[data-fills]"))
    input.addEventListener("change", async () => {
      const file = input.files[0];
      if (!file) return;
      document.getElementById(input.dataset.fills).value = await file.text();
      input.value = "";
    });
})();
