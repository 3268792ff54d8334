"use strict";
// What is asked of the server, and the same as others would write it.
class Refused extends Error {
  constructor(status, message) { super(message); this.status = status; }
}

const key = () => sessionStorage.getItem("key") || "";

async function ask(method, path, body, signal) {
  const headers = key() ? { authorization: `Bearer ${key()}` } : {};
  if (body !== undefined && !(body instanceof FormData)) {
    headers["content-type"] = "application/json";
    body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(path, { method, headers, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused(0, word("failed"));
  }
  if (answer.ok) return answer;
  let message = answer.statusText;
  try { message = (await answer.json()).error.message; } catch { /* no JSON: the status says it */ }
  throw new Refused(answer.status, message);
}

// Events of a stream, as they come.
async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const parts = rest.split("\n\n");
    rest = parts.pop();
    for (const part of parts) {
      if (!part.startsWith("data: ") || part === "data: [DONE]") continue;
      const event = JSON.parse(part.slice(6));
      if (event.error) throw new Refused(500, event.error.message);
      yield event;
    }
  }
}

// The request of a task: where it goes, and what is in it.
function requestOf(task, values) {
  if (task.dialogue) {
    return { path: "v1/chat/completions", body: { model: task.id, messages: values.messages, stream: true } };
  }
  let input = task.fields.length === 1 && !task.options ? values.fields[task.fields[0]] : { ...values.fields };
  if (task.options) input.options = values.options;
  const body = task.generates ? { input, stream: true } : { input };
  return { path: `v1/tasks/${encodeURIComponent(task.id)}/predict`, body };
}

const quoted = text => `'${text.replaceAll("'", "'\\''")}'`;

// The same request as a program, without the stream.
function programs({ path, body }) {
  const url = new URL(path, location.href).href;
  const { stream, ...sent } = body;
  const json = JSON.stringify(sent, null, 2);
  const curl = [`curl ${quoted(url)}`, "-H 'content-type: application/json'"];
  if (key()) curl.push('-H "authorization: Bearer $TRIMTAB_KEY"');
  curl.push(`-d ${quoted(JSON.stringify(sent))}`);
  const python = `import json\nimport os\nimport urllib.request\n\nbody = json.loads(r"""${JSON.stringify(sent).replaceAll('"""', '\\"\\"\\"')}""")\n` +
    `headers = {"content-type": "application/json"` + (key() ? `, "authorization": "Bearer " + os.environ["TRIMTAB_KEY"]` : "") + "}\n" +
    `request = urllib.request.Request("${url}", json.dumps(body).encode(), headers)\n` +
    "with urllib.request.urlopen(request) as answer:\n    print(json.load(answer))\n";
  const headers = { "content-type": "application/json" };
  const shown = JSON.stringify(headers).slice(1, -1) + (key() ? ', authorization: `Bearer ${key}`' : "");
  const script = `const answer = await fetch("${url}", {\n  method: "POST",\n  headers: { ${shown} },\n` +
    `  body: JSON.stringify(${json.replaceAll("\n", "\n  ")}),\n});\nconsole.log(await answer.json());\n`;
  return { curl: curl.join(" \\\n  ") + "\n", Python: python, JavaScript: script };
}
