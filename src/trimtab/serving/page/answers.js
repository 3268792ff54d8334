"use strict";
// Answers as they are shown, by what they hold.
const percent = share => `${(100 * share).toFixed(share < 0.0995 || share > 0.9995 ? 1 : 0)}%`;

function bars(probabilities, given) {
  const list = make("dl", { className: "bars" });
  const sorted = Object.entries(probabilities).sort((a, b) => b[1] - a[1]);
  for (const [label, share] of sorted.slice(0, 30)) {
    const own = given.includes(label) ? "given" : "";
    const fill = make("i");
    fill.style.width = `${100 * share}%`;
    list.append(
      make("dt", { className: own }, label),
      make("dd", {}, make("div", { className: `bar ${own}` }, fill)),
      make("dd", { className: own }, percent(share)));
  }
  return list;
}

// A text with stretches marked: [first character, one behind the last, name], in Unicode characters.
function marked(text, stretches) {
  const characters = Array.from(text), paragraph = make("p", { className: "text" });
  let at = 0;
  for (const [start, end, name] of stretches) {
    paragraph.append(characters.slice(at, start).join(""));
    const mark = make("mark", {}, characters.slice(start, end).join(""));
    if (name) mark.append(make("small", {}, name));
    paragraph.append(mark);
    at = end;
  }
  paragraph.append(characters.slice(at).join(""));
  return paragraph;
}

function tokensMarked({ tokens, tags }) {
  const paragraph = make("p", { className: "text" });
  tokens.forEach((token, i) => paragraph.append(make("mark", {}, token, make("small", {}, tags[i])), " "));
  return paragraph;
}

function shown(task, answer, values) {
  const nothing = () => make("p", {}, word("nothing"));
  switch (task.kind) {
    case "label": {
      const list = bars(answer.probabilities, answer.label === null ? [] : [answer.label]);
      return answer.label === null ? make("div", {}, nothing(), list) : list;
    }
    case "choice": return bars(answer.probabilities, [answer.option]);
    case "multilabel": {
      const list = bars(answer.probabilities, answer.labels);
      return answer.labels.length ? list : make("div", {}, nothing(), list);
    }
    case "number": return make("p", { className: "number" }, String(answer.number));
    case "tags":
      if (!answer.entities) return tokensMarked(answer);
      return marked(values.fields[task.tagged], answer.entities.map(e => [...e.characters, `${e.type} ${percent(e.probability)}`]));
    case "span": {
      const context = task.fields.find(name => name !== "question") || task.fields[0];
      if (answer.start === null) return make("div", {}, nothing(), marked(values.fields[context], []));
      return make("div", {}, make("p", {}, make("strong", {}, answer.text), ` ${percent(answer.probability)}`),
        marked(values.fields[context], [[answer.start, answer.end, ""]]));
    }
    default: return make("p", { className: "text" }, answer.text || "");
  }
}

function copying(request) {
  const box = make("details", { className: "copy" }, make("summary", {}, word("copy")));
  const code = make("pre", { tabIndex: 0 }), buttons = make("p", { className: "buttons" });
  for (const [name, text] of Object.entries(programs(request))) {
    const button = make("button", { type: "button" }, name);
    button.setAttribute("aria-pressed", "false");
    button.addEventListener("click", async () => {
      code.textContent = text;
      for (const one of buttons.children) one.setAttribute("aria-pressed", String(one === button));
      try {
        await navigator.clipboard.writeText(text);
        button.textContent = word("copied");
        setTimeout(() => { button.textContent = name; }, 1200);
      } catch { /* not allowed: it can be read and marked */ }
    });
    buttons.append(button);
  }
  box.append(buttons, code);
  return box;
}
