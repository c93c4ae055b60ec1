/* What one person sees of the workspace, and what they do. The state comes as JSON, as soon as it has changed. */

const $ = id => document.getElementById(id);
let shown = null, user = localStorage.user || "", here = localStorage.here || "", tab = "messages", beside = null, dialogShown = null, met = false;
const wide = matchMedia("(min-width: 701px)");

// --- what a person does ---

async function act(what) {
  const result = await fetch("/page/act", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ user, ...what }) })
    .then(answer => answer.json(), () => ({ ok: false, error: "The simulated Slack does not answer" }));
  if (!result.ok) toast(result.error);
  else if (!/^(done|acknowledged)/.test(result.became)) toast("Slack says: " + result.became);
  return result;
}
function toast(words) {
  $("toast").textContent = words; $("toast").className = "on";
  clearTimeout(toast.timer); toast.timer = setTimeout(() => ($("toast").className = ""), 5000);
}
/** Opens a channel; where a message is meant, at that. */
function goTo(channel, ts) {
  if (channel !== here) { here = localStorage.here = channel; tab = "messages"; since.clear(); if (beside?.thread) beside = null; }
  openSide(false);
  draw();
  const message = ts && $("stream").querySelector(`[data-key="${ts}"]`);
  if (message) message.scrollIntoView({ block: "center" }); else $("stream").scrollTop = $("stream").scrollHeight;
}
function openSide(on) {
  document.body.classList.toggle("side", on);
  set($("open-side"), { "aria-expanded": String(on) });
  if (on) $("person").focus();
}

// --- what is new ---

const seenKey = id => "seen " + user + " " + id;
const seen = id => localStorage[seenKey(id)] || "";
/** Up to where a channel had been read when it was opened: there the line "New" is. */
const since = new Map();
const isNew = (m, channel) => m.ts > seen(channel.id) && m.user !== user;
/** Whether it rings for who looks: it names them, or a group of theirs. */
const calls = m => {
  const said = JSON.stringify([m.text, m.blocks, m.attachments]);
  return said.includes(user) || shown.groups.some(g => g.members.includes(user) && said.includes(g.id));
};
function fresh(channel) {
  const all = channel.messages.filter(m => isNew(m, channel));
  return { any: all.length, calls: channel.dm ? all.length : all.filter(calls).length };
}
function read(channel) {
  if (document.hidden) return;
  if (!since.has(channel.id)) since.set(channel.id, seen(channel.id));
  const last = channel.messages.reduce((ts, m) => (m.ts > ts ? m.ts : ts), "");
  if (last > seen(channel.id)) localStorage[seenKey(channel.id)] = last;
}

// --- drawing ---

const atItsEnd = node => node.scrollHeight - node.scrollTop - node.clientHeight < 80;

/** Brings the children of a node up to date. What has not changed keeps its node, and with it focus, choices and open menus. */
function keep(parent, items) {
  const old = new Map([...parent.children].map(node => [node.dataset.key, node]));
  let place = parent.firstElementChild;
  for (const { key, stamp, draw } of items) {
    let node = old.get(key);
    old.delete(key);
    if (!node || node.stamp !== stamp) {
      const held = node && node.contains(document.activeElement) ? document.activeElement.dataset.control : null;
      const drawn = draw();
      drawn.dataset.key = key; drawn.stamp = stamp;
      if (node) { if (place === node) place = drawn; node.replaceWith(drawn); } else parent.insertBefore(drawn, place);
      node = drawn;
      if (held) (node.querySelector(`[data-control="${CSS.escape(held)}"]`) || node.querySelector("button") || $("stream")).focus();
    } else if (node !== place) parent.insertBefore(node, place);
    place = node.nextElementSibling;
  }
  old.forEach(node => node.remove());
}

const COLOURS = ["#4a154b", "#1264a3", "#1f7a54", "#b3123f", "#9a5b00", "#4a57c9"];
const clock = ts => new Date(ts * 1000).toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" });
function day(ts) {
  const at = new Date(ts * 1000), today = new Date(shown.now_ms);
  return at.toDateString() === today.toDateString() ? "Today" : at.toLocaleDateString("en-US", { weekday: "long", month: "long", day: "numeric" });
}

function message(m, channel, threads) {
  const at = { channel: channel.id, ts: m.ts }, bot = m.user === shown.bot;
  const face = set(el("div", "face", m.author.slice(0, 1).toUpperCase()), { "aria-hidden": "true" });
  face.style.background = COLOURS[[...m.author].reduce((sum, c) => sum + c.charCodeAt(0), 0) % COLOURS.length];
  const body = el("div", "", el("span", "who", bot ? m.author : userOf(m.user)?.real_name || m.author), bot ? el("span", "app", "APP") : null,
    el("span", "when", clock(m.ts)), m.edited ? el("span", "note", "(edited)") : null, m.ephemeral ? el("span", "note", "Only visible to you") : null);
  if (m.blocks) body.append(...m.blocks.map(b => block(b, at)));
  else if (m.text) body.append(el("div", "block", mrkdwn(m.text)));
  for (const a of m.attachments || []) {
    const inner = a.blocks ? a.blocks.map(b => block(b, at)) : [a.title, a.text].filter(Boolean).map(t => el("div", "", mrkdwn(t)));
    const node = el("div", "attachment", ...inner);
    const color = { good: "2eb886", warning: "daa038", danger: "a30200" }[a.color] || a.color;
    if (/^#?[0-9a-f]{6}$/i.test(color || "")) node.style.borderColor = "#" + color.replace("#", "");
    body.append(node);
  }
  const marks = (m.reactions || []).map(r => emoji(r.name) + " " + r.count).join("  ");
  if (marks) body.append(el("div", "note", marks));
  if (threads && m.reply_count) body.append(threadLink(m, channel));
  return set(el("article", "message" + (m.ephemeral ? " ephemeral" : ""), face, body), { "aria-label": m.author + ", " + clock(m.ts) });
}
const countOf = count => count + (count > 1 ? " replies" : " reply");
function threadLink(m, channel) {
  const replies = channel.messages.filter(r => r.thread_ts === m.ts && r.reply), unread = replies.some(r => r.ts > (since.get(channel.id) ?? seen(channel.id)) && r.user !== user);
  const node = set(el("button", "thread" + (unread ? " new" : ""), countOf(m.reply_count), el("span", "note", "Last reply " + clock(m.latest_reply))), { type: "button", "data-control": "thread" });
  node.onclick = () => { beside = { thread: m.ts, channel: channel.id }; drawBeside(); $("close-beside").focus(); };
  return node;
}
const stampOf = (m, channel) => JSON.stringify(m) + (channel.messages.filter(r => r.reply && r.thread_ts === m.ts).at(-1)?.ts || "") + shown.users.length + user;

function drawSide() {
  const entry = (key, name, { any, calls }, current, go) => ({
    key, stamp: [name, any, calls, current, user].join(),
    draw: () => {
      const mark = calls ? el("span", "count", String(calls), el("span", "unseen", " new")) : any ? el("span", "unseen", "unread") : null;
      const node = set(el("button", any ? "new" : "", el("span", "", name), " ", mark), { type: "button", "aria-current": current ? "page" : null, "data-control": key });
      node.onclick = go;
      return el("li", "", node);
    },
  });
  const list = dm => shown.channels.filter(c => c.dm === dm)
    .map(c => entry(c.id, dm ? shown.app : c.name + (c.archived ? " (archived)" : ""), fresh(c), c.id === here, () => goTo(c.id)));
  $("team").textContent = shown.team;
  if ($("person").dataset.of !== user + shown.users.length) {
    $("person").replaceChildren(...people().map(u => new Option(u.real_name || u.name, u.id, false, u.id === user)));
    $("person").dataset.of = user + shown.users.length;
  }
  $("rights").textContent = userOf(user)?.title || "";
  keep($("channels"), list(false));
  keep($("dms"), list(true));
  const panels = shown.panels.map(p => ({
    key: p.url, stamp: p.title + (beside?.panel === p.url),
    draw: () => {
      const node = set(el("button", "", p.title), { type: "button", "aria-expanded": String(beside?.panel === p.url), "data-control": p.url });
      node.onclick = () => { beside = beside?.panel === p.url ? null : { panel: p.url, title: p.title }; openSide(false); draw(); };
      return el("li", "", node);
    },
  }));
  keep($("panels"), panels);
  $("label-panels").hidden = !panels.length;
  $("label-dms").hidden = !shown.channels.some(c => c.dm);
  const waiting = shown.channels.filter(c => c.id !== here).reduce((sum, c) => sum + fresh(c).any, 0), badge = $("open-side").querySelector(".count");
  badge.hidden = !waiting; badge.replaceChildren(String(waiting), el("span", "unseen", " unread"));
  met ||= shown.sockets > 0;
  $("away").hidden = Boolean(shown.sockets) || !met;
  $("away").textContent = shown.down ? "Slack is down: the app neither hears nor says anything now." : "The app is not connected.";
  $("status").className = shown.sockets ? "on" : "";
  $("status").textContent = (shown.sockets ? "App connected" : "App not connected") + " · " + new Date(shown.now_ms).toLocaleTimeString("en-US", { hour: "numeric", minute: "2-digit" });
}

function drawStream() {
  const stream = $("stream"), channel = shown.channels.find(c => c.id === here);
  const home = channel?.dm && shown.home_tab && tab === "home";
  stream.classList.toggle("home", Boolean(home));
  $("title").textContent = !channel ? shown.app : channel.dm ? shown.app : channel.name;
  $("compose").hidden = !channel || home;
  $("line").placeholder = channel ? "Message " + (channel.dm ? shown.app : channel.name) + ", or /command" : "";
  set($("line"), { "aria-label": $("line").placeholder });
  drawTabs(channel);
  if (!channel) return;
  if (home) return keep(stream, [{ key: "home", stamp: JSON.stringify(shown.home), draw: () => el("div", "", ...(shown.home ? shown.home.blocks.map(b => block(b, { at: "home" })) : ["Nothing here yet."])) }]);
  const atEnd = atItsEnd(stream);
  read(channel);
  const from = since.get(channel.id) ?? "", top = channel.messages.filter(m => !m.reply || !channel.messages.some(p => p.ts === m.thread_ts));
  const items = [];
  let before = null, marked = !from;
  for (const m of top) {
    if (day(m.ts) !== before) { before = day(m.ts); const words = before; items.push({ key: "day " + words, stamp: words, draw: () => el("div", "mark", words) }); }
    if (!marked && m.ts > from && m.user !== user) { marked = true; items.push({ key: "new", stamp: "", draw: () => el("div", "mark fresh", "New") }); }
    items.push({ key: m.ts + (m.ephemeral ? " ephemeral" : ""), stamp: stampOf(m, channel), draw: () => message(m, channel, true) });
  }
  keep(stream, items.length ? items : [{ key: "empty", stamp: channel.name, draw: () => el("p", "mark", "Nothing has been said here yet") }]);
  if (atEnd) stream.scrollTop = stream.scrollHeight;
}
function drawTabs(channel) {
  $("tabs").hidden = !channel?.dm || !shown.home_tab;
  if ($("tabs").hidden) return;
  keep($("tabs"), ["home", "messages"].map(name => ({
    key: name, stamp: String(tab === name),
    draw: () => {
      const node = set(el("button", "", name === "home" ? "Home" : "Messages"), { type: "button", role: "tab", "aria-selected": String(tab === name), "data-control": name });
      node.onclick = () => { tab = name; if (name === "home") act({ act: "home" }); draw(); };
      return node;
    },
  })));
}

/** A thread, or a panel. */
function drawBeside() {
  const side = $("beside"), channel = beside?.thread && shown.channels.find(c => c.id === beside.channel);
  side.hidden = !beside;
  side.className = beside?.panel ? "panel" : "";
  $("reply").hidden = !beside?.thread;
  if (!beside) return;
  $("beside-title").textContent = beside.panel ? beside.title : "Thread";
  if (beside.panel) {
    return keep($("beside-body"), [{ key: beside.panel, stamp: "", draw: () => set(el("iframe"), { src: beside.panel, title: beside.title }) }]);
  }
  const body = $("beside-body"), atEnd = atItsEnd(body);
  const all = channel ? channel.messages.filter(m => m.ts === beside.thread || (m.reply && m.thread_ts === beside.thread)) : [];
  const items = all.map(m => ({ key: m.ts, stamp: stampOf(m, channel), draw: () => message(m, channel, false) }));
  if (all.length > 1) items.splice(1, 0, { key: "replies", stamp: all.length, draw: () => el("div", "mark", countOf(all.length - 1)) });
  keep(body, items);
  if (atEnd) body.scrollTop = body.scrollHeight;
}
function closeBeside() {
  const key = beside?.thread;
  beside = null;
  draw();
  ($("stream").querySelector(`[data-key="${key}"] .thread`) || $("line")).focus();
}

function drawModal() {
  const dialog = $("modal"), view = shown.view;
  if (!view) { if (dialog.open) dialog.close(); dialogShown = null; return; }
  const stamp = view.id + view.hash + JSON.stringify(view.errors) + view.trouble;
  if (stamp === dialogShown) return;
  dialogShown = stamp;
  const form = { fields: [], errors: view.errors || {}, values: view.state.values };
  const blocks = view.blocks.map(b => block(b, { at: "modal" }, form));
  const close = set(el("button", "act", view.close ? view.close.text : "Close"), { type: "button" }), cross = set(el("button", "quiet", "✕"), { type: "button", "aria-label": "Close the dialog" });
  close.onclick = cross.onclick = () => act({ act: "close" });
  const submit = view.submit ? el("button", "act primary", view.submit.text) : null;
  const node = el("form", "", el("div", "top", set(el("h3", "", view.title.text), { id: "modal-title" }), cross), view.trouble ? set(el("div", "error", view.trouble), { role: "alert" }) : null, ...blocks, el("div", "row", close, submit));
  node.noValidate = true;
  node.onsubmit = async event => {
    event.preventDefault();
    const missing = form.fields.filter(([, f]) => f.required && f.read() === null);
    form.fields.forEach(([, f]) => complain(f, f.required && f.read() === null ? "Please complete this required field." : null));
    if (missing.length) return missing[0][1].focus();
    if (submit) submit.disabled = true;
    await act({ act: "submit", values: Object.fromEntries(form.fields.map(([id, f]) => [id, f.read()])) });
    if (submit) submit.disabled = false;
  };
  dialog.replaceChildren(node);
  dialog.oncancel = event => { event.preventDefault(); act({ act: "close" }); };
  if (!dialog.open) dialog.showModal();
  (node.querySelector('[aria-invalid="true"]') || node.querySelector("input, textarea, select, .act"))?.focus();
}

function draw() {
  if (!shown) return;
  if (!shown.channels.some(c => c.id === here)) here = shown.channels[0]?.id || "";
  drawStream();
  drawSide();
  drawBeside();
  drawModal();
  $("prompt").hidden = !shown.prompt;
  if ($("prompt").textContent !== shown.prompt) $("prompt").textContent = shown.prompt;
  const calling = shown.channels.reduce((sum, c) => sum + fresh(c).calls, 0);
  document.title = (calling ? `(${calling}) ` : "") + shown.team;
}

// --- the message field ---

function completions() {
  const typed = $("line").value, list = $("completions");
  const fitting = typed.startsWith("/") && !typed.includes(" ") ? shown.commands.filter(c => c.command.startsWith(typed) && c.command !== typed) : [];
  const hint = shown.commands.filter(c => typed === c.command || typed.startsWith(c.command + " "));
  list.replaceChildren(...[...fitting, ...hint].map((c, i) => {
    const item = set(el("li", "", el("b", "", c.command), el("span", "", c.usage_hint || ""), el("span", "", c.description || "")), { role: "option", id: "completion-" + i, "aria-selected": String(i === 0 && fitting.length > 0) });
    item.onclick = () => complete(c);
    return item;
  }));
  list.hidden = !list.children.length;
  set($("line"), { "aria-expanded": String(!list.hidden), "aria-activedescendant": fitting.length ? "completion-0" : null });
  return fitting;
}
function complete(c) { $("line").value = c.command + " "; $("line").focus(); completions(); }

$("line").oninput = completions;
$("line").onkeydown = event => {
  const list = $("completions"), items = [...list.children], at = items.findIndex(i => i.getAttribute("aria-selected") === "true");
  if (list.hidden || at < 0) return;
  if (event.key === "Tab" || (event.key === "Enter" && !$("line").value.includes(" "))) { event.preventDefault(); items[at].click(); }
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    const next = (at + (event.key === "ArrowDown" ? 1 : -1) + items.length) % items.length;
    items.forEach((item, i) => set(item, { "aria-selected": String(i === next) }));
    set($("line"), { "aria-activedescendant": items[next].id });
  }
};
$("compose").onsubmit = event => {
  event.preventDefault();
  const words = $("line").value.trim();
  $("line").value = ""; completions();
  if (words) act({ act: words.startsWith("/") ? "slash" : "say", channel: here, text: words });
};

$("reply").onsubmit = event => {
  event.preventDefault();
  const words = $("reply-line").value.trim();
  $("reply-line").value = "";
  if (words) act({ act: "say", channel: beside.channel, thread_ts: beside.thread, text: words });
};
/** A panel that opens, or a narrower window, makes the text longer: who read its end goes on doing so. */
let ended = true;
$("stream").onscroll = () => { ended = atItsEnd($("stream")); };
new ResizeObserver(() => { if (ended) $("stream").scrollTop = $("stream").scrollHeight; }).observe($("stream"));

/** What one person saw is gone before the next one sits down. */
function leave() {
  for (const part of [$("rights"), $("stream"), beside?.thread && $("beside-body")]) part?.replaceChildren();
  dialogShown = null;
  since.clear();
}
$("person").onchange = () => { leave(); user = localStorage.user = $("person").value; refresh(true); };
$("open-side").onclick = () => openSide(!document.body.classList.contains("side"));
$("close-beside").onclick = closeBeside;
wide.onchange = () => openSide(false);
document.addEventListener("visibilitychange", draw);
document.addEventListener("keydown", event => {
  if (event.key !== "Escape" || $("modal").open || $("sure").open) return;
  if (document.body.classList.contains("side")) { openSide(false); $("open-side").focus(); } else if (beside) closeBeside(); else if (!$("completions").hidden) $("completions").hidden = true;
});
$("stream").addEventListener("click", () => openSide(false));

let turn = 0;
async function refresh(anew) {
  const mine = ++turn;
  if (anew) shown = null;
  while (mine === turn) {
    const news = shown ? "&since=" + shown.revision : "";
    const next = await fetch("/page/state?user=" + encodeURIComponent(user) + news).then(answer => answer.json(), () => null);
    if (mine !== turn) return;
    if (next) {
      shown = next; user = shown.user;
      // What cannot be drawn is a fault of ours, and no reason not to draw what comes next.
      try { draw(); } catch (error) { reportError(error); }
    } else {
      $("status").className = ""; $("status").textContent = "The simulated Slack does not answer";
    }
    await new Promise(done => setTimeout(done, next ? 100 : 1500));
  }
}
refresh();
