"use strict";
// Tasks are picked, an input is typed, and every task that is picked answers it.
const at = id => document.getElementById(id);
const chosen = new Set(), talks = new Map(), given = {};
let tasks = [], running = null;

function say(text, wrong = false, where = "said") {
  at(where).textContent = text;
  at(where).className = wrong ? "wrong" : "";
}

async function load() {
  try {
    const own = (await (await ask("GET", "v1/tasks")).json()).data;
    const models = (await (await ask("GET", "v1/models")).json()).data;
    const names = new Set(own.map(task => task.id));
    const bare = models.filter(model => !names.has(model.id)).map(model => (
      { id: model.id, kind: "backbone", fields: ["messages"], dialogue: true, generates: true, origin: "backbone" }));
    tasks = [...own, ...bare];
    at("entry").hidden = true;
    at("work").hidden = false;
    for (const name of chosen) if (!tasks.some(task => task.id === name)) chosen.delete(name);
    if (!chosen.size && tasks.length) chosen.add(tasks[0].id);
    say(tasks.length ? "" : word("none"));
    drawTasks();
    drawFields();
  } catch (error) {
    if (error.status === 401) {
      at("entry").hidden = false;
      at("work").hidden = true;
      if (key()) { sessionStorage.removeItem("key"); at("key").setCustomValidity(word("badkey")); at("key").reportValidity(); }
      at("key").focus();
    } else say(error.message, true);
  }
}

function drawTasks() {
  const wanted = at("filter").value.toLowerCase();
  at("filter").hidden = tasks.length < 8;
  at("tasks").replaceChildren(...tasks.filter(task => task.id.toLowerCase().includes(wanted)).map(task => {
    const box = make("input", { type: "checkbox", checked: chosen.has(task.id), value: task.id });
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(task.id); else chosen.delete(task.id);
      drawFields();
    });
    const kind = word(task.kind === "text" ? "said" : task.kind);
    const about = task.description ? `${kind} · ${task.description}` : kind;
    const item = make("li", {}, make("label", {}, box, make("span", {}, task.id, make("span", { className: "kind" }, about))));
    if (task.origin === "uploaded") {
      const button = make("button", { type: "button", title: word("remove") }, "×");
      button.setAttribute("aria-label", `${word("remove")}: ${task.id}`);
      button.addEventListener("click", () => remove(task.id));
      item.append(button);
    }
    return item;
  }));
}

async function remove(name) {
  if (!confirm(`${word("sure")} ${name}`)) return;
  try {
    await ask("DELETE", `v1/tasks/${encodeURIComponent(name)}`);
    await load();
  } catch (error) { say(error.message, true); }
}

const picked = () => tasks.filter(task => chosen.has(task.id));

// Where a field is typed: tasks that read one text share one place, whatever they call it.
const place = (task, name) => (task.fields.length === 1 ? "*text" : name);

// A place for each field that a picked task reads; what was typed stays.
function drawFields() {
  const names = [...new Set(picked().flatMap(task => task.fields.map(name => place(task, name))))];
  if (picked().some(task => task.options)) names.push("*options");
  at("fields").replaceChildren(...names.map(name => {
    const area = make("textarea", { value: given[name] || "", rows: names.length > 1 ? 3 : 6, spellcheck: false });
    area.dataset.field = name;
    area.addEventListener("input", () => { given[name] = area.value; });
    area.addEventListener("dragover", event => { event.preventDefault(); area.classList.add("over"); });
    area.addEventListener("dragleave", () => area.classList.remove("over"));
    area.addEventListener("drop", async event => {
      const [file] = event.dataTransfer.files;
      area.classList.remove("over");
      if (!file) return;
      event.preventDefault();
      if (file.size > 1 << 20) { say(word("large"), true); return; }
      area.value = given[name] = await file.text();
    });
    const title = { "*text": "text", "*options": "options" }[name];
    return make("label", {}, make("span", {}, title ? word(title) : name), area);
  }));
  at("go").disabled = !picked().length;
}

function valuesOf(task) {
  const fields = Object.fromEntries(task.fields.map(name => [name, given[place(task, name)] || ""]));
  const options = (given["*options"] || "").split("\n").filter(line => line.trim());
  const before = talks.get(task.id) || [];
  return { fields, options, messages: [...before, { role: "user", content: given["*text"] || "" }] };
}

async function answer(task, signal) {
  const values = valuesOf(task), request = requestOf(task, values);
  const body = make("div"), card = make("article", {}, make("header", {}, make("h3", {}, task.id),
    make("span", { className: "kind" }, word(task.kind === "text" ? "said" : task.kind))), body);
  card.dataset.task = task.id;
  at("answers").append(card);
  try {
    if (task.dialogue) await talk(task, request, values, body, signal);
    else if (task.generates) {
      const text = make("p", { className: "text" });
      body.append(text);
      for await (const event of events(await ask("POST", request.path, request.body, signal))) text.append(event.piece || "");
    } else {
      const told = await (await ask("POST", request.path, request.body, signal)).json();
      body.append(shown(task, told.answer, values));
    }
    card.append(copying(request));
  } catch (error) {
    if (error.name !== "AbortError") body.append(make("p", { className: "wrong" }, error.message));
  }
}

async function talk(task, request, values, body, signal) {
  body.append(...values.messages.map(turn => make("p", { className: `turn ${turn.role}` }, turn.content)));
  const text = make("p", { className: "turn assistant" });
  body.append(text);
  try {
    for await (const event of events(await ask("POST", request.path, request.body, signal))) {
      for (const choice of event.choices) text.append(choice.delta.content || "");
    }
  } finally {
    if (text.textContent.trim()) talks.set(task.id, [...values.messages, { role: "assistant", content: text.textContent }]);
  }
  const again = make("button", { type: "button" }, word("forget"));
  again.addEventListener("click", () => { talks.delete(task.id); body.replaceChildren(); });
  body.append(again);
}

async function go() {
  if (running) return;
  if (!picked().length) { say(word("choose"), true); return; }
  running = new AbortController();
  at("go").disabled = true;
  at("stop").hidden = false;
  at("answers").replaceChildren();
  say("");
  await Promise.all(picked().map(task => answer(task, running.signal)));
  running = null;
  at("go").disabled = false;
  at("stop").hidden = true;
}

at("ask").addEventListener("submit", event => { event.preventDefault(); go(); });
at("ask").addEventListener("keydown", event => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); go(); }
});
at("stop").addEventListener("click", () => running && running.abort());
at("filter").addEventListener("input", drawTasks);
at("key").addEventListener("input", () => at("key").setCustomValidity(""));
at("entry").addEventListener("submit", event => {
  event.preventDefault();
  sessionStorage.setItem("key", at("key").value.trim());
  at("key").value = "";
  load();
});
at("upload").addEventListener("submit", async event => {
  event.preventDefault();
  const form = new FormData(), name = at("new-name").value;
  form.append("task", at("new-task").files[0]);
  form.append("prompt", at("new-prompt").files[0]);
  try {
    await ask("PUT", `v1/tasks/${encodeURIComponent(name)}`, form);
    say(word("done") + name, false, "uploaded");
    at("upload").reset();
    await load();
  } catch (error) { say(error.message, true, "uploaded"); }
});
at("language").addEventListener("click", () => {
  language = language === "zh" ? "en" : "zh";
  localStorage.setItem("language", language);
  translate();
  drawTasks();
  drawFields();
});
translate();
load();
