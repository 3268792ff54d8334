"use strict";
// What the page says, in both languages.
const WORDS = {
  en: {
    tasks: "Tasks", filter: "Find a task", input: "Input", go: "Answer", stop: "Stop", keys: "Ctrl+Enter answers. Drop a text file to read it.",
    key: "Key", enter: "Enter", add: "Add a run", name: "Name", upload: "Upload", text: "Text", options: "Options, one a line",
    copy: "Copy the request", copied: "Copied", none: "No task is served yet.", choose: "Choose a task.",
    failed: "The server cannot be reached.", remove: "Remove", sure: "Remove this task?", done: "Added: ",
    nothing: "No answer: too unsure, or there is none.", badkey: "This key is not known.", forget: "Begin again",
    large: "This file is larger than 1 MB.",
    label: "label", multilabel: "labels", choice: "choice", number: "number", tags: "tags", span: "span",
    backbone: "backbone", said: "text",
  },
  zh: {
    tasks: "任务", filter: "查找任务", input: "输入", go: "回答", stop: "停止", keys: "Ctrl+Enter 提交；也可拖入文本文件。",
    key: "密钥", enter: "进入", add: "添加运行结果", name: "名称", upload: "上传", text: "文本", options: "选项，每行一个",
    copy: "复制请求", copied: "已复制", none: "还没有任务。", choose: "请选择任务。",
    failed: "无法连接服务器。", remove: "移除", sure: "移除这个任务？", done: "已添加：",
    nothing: "没有答案：把握不足，或文中没有。", badkey: "密钥无效。", forget: "重新开始",
    large: "文件超过 1 MB。",
    label: "标签", multilabel: "多标签", choice: "选择", number: "数值", tags: "标注", span: "片段",
    backbone: "底座模型", said: "文本",
  },
};
let language = localStorage.getItem("language") || (navigator.language.startsWith("zh") ? "zh" : "en");
const word = name => WORDS[language][name] || name;

function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function translate() {
  document.documentElement.lang = language === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-hint]")) {
    element.placeholder = word(element.dataset.hint);
    element.setAttribute("aria-label", word(element.dataset.hint));
  }
  const other = document.getElementById("language");
  other.textContent = language === "zh" ? "English" : "中文";
  other.lang = language === "zh" ? "en" : "zh";
}
