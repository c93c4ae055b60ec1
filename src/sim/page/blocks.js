"use strict";
/* Block Kit as nodes. Text goes in as text, never as HTML. `shown` is what the person sees: names are looked up in it. */

/** Makes an element. */
function el(tag, cls, ...kids) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  node.append(...kids.filter(kid => kid !== null && kid !== undefined));
  return node;
}
/** The same with attributes. */
function set(node, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === false || value === null || value === undefined) node.removeAttribute(name);
    else node.setAttribute(name, value === true ? "" : value);
  }
  return node;
}

// --- words ---

const unescape = text => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
const userOf = id => shown.users.find(u => u.id === id);
const groupOf = id => shown.groups.find(g => g.id === id);
const channelName = id => (shown.channels.find(c => c.id === id) || { name: "#" + id }).name;

function mention(id) {
  const mine = id === shown.user || groupOf(id)?.members.includes(shown.user);
  return el("span", "mention" + (mine ? " me" : ""), "@" + (userOf(id) || groupOf(id) || { name: id }).name);
}
function link(url, text) {
  if (!/^(https?:|mailto:)/i.test(url)) return text || url;
  const [, channel, at] = url.match(/^https:\/\/[^/]+\/archives\/(\w+)\/p(\d+)$/) || [];
  if (channel && shown.channels.some(c => c.id === channel)) {
    const there = set(el("a", "", text || url), { href: "#" + at });
    there.onclick = event => { event.preventDefault(); goTo(channel, at.slice(0, -6) + "." + at.slice(-6)); };
    return there;
  }
  return set(el("a", "", text || url), { href: url, target: "_blank", rel: "noopener noreferrer" });
}

const EMOJI = {
  eyes: "👀", white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", fire: "🔥", lock: "🔒", key: "🔑",
  bell: "🔔", no_bell: "🔕", hourglass: "⌛", thumbsup: "👍", "+1": "👍", "-1": "👎", tada: "🎉", wave: "👋", memo: "📝", shield: "🛡️",
  red_circle: "🔴", large_orange_circle: "🟠", large_yellow_circle: "🟡", large_green_circle: "🟢", large_blue_circle: "🔵", white_circle: "⚪",
};
const emoji = name => EMOJI[name] || ":" + name + ":";

/** Slack's `<!date^…>` in the reader's own time. */
function date(target, label) {
  const [, seconds, format, url] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime()) || !format) return label || target;
  const day = options => at.toLocaleDateString("en-US", options), time = options => at.toLocaleTimeString("en-US", options);
  const kinds = {
    date_num: () => at.toISOString().slice(0, 10), date_slash: () => day({}), date: () => day({ year: "numeric", month: "long", day: "numeric" }),
    date_short: () => day({ year: "numeric", month: "short", day: "numeric" }), date_long: () => day({ weekday: "long", year: "numeric", month: "long", day: "numeric" }),
    time: () => time({ hour: "numeric", minute: "2-digit" }), time_secs: () => time({ hour: "numeric", minute: "2-digit", second: "2-digit" }),
  };
  const words = format.replace(/\{(\w+)\}/g, (whole, name) => (kinds[name.replace("_pretty", "")] || (() => whole))());
  return url ? link(url, words) : words;
}

/** One `<…>` of mrkdwn. */
function angle(inner) {
  const [target, label] = inner.split("|").map(unescape);
  if (target.startsWith("@")) return mention(target.slice(1));
  if (target.startsWith("#")) return el("span", "mention", channelName(target.slice(1)));
  if (target.startsWith("!subteam^")) return mention(target.slice(9));
  if (target.startsWith("!date^")) return date(target, label);
  if (target.startsWith("!")) return el("span", "mention me", "@" + target.slice(1));
  return link(target, label);
}

/** Slack's mrkdwn as nodes. */
function mrkdwn(text) {
  const out = document.createDocumentFragment();
  text.split(/```([\s\S]*?)```/).forEach((part, i) => {
    if (i % 2) return out.append(el("pre", "", unescape(part.replace(/^\n/, ""))));
    part.split("\n").forEach((line, n) => {
      const quote = line.match(/^(?:&gt;|>) ?(.*)/);
      if (n && !quote) out.append(el("br"));
      out.append(quote ? el("blockquote", "", inline(quote[1])) : inline(line));
    });
  });
  return out;
}
const MARKS = /`([^`]+)`|<([^>]+)>|(?<![\w*])\*([^*\n]+)\*(?![\w*])|(?<!\w)_([^_\n]+)_(?!\w)|(?<!\w)~([^~\n]+)~(?!\w)|:([a-z0-9_+-]+):/;
function inline(line) {
  const out = document.createDocumentFragment();
  let rest = line;
  for (let found; (found = MARKS.exec(rest)); rest = rest.slice(found.index + found[0].length)) {
    out.append(unescape(rest.slice(0, found.index)));
    const [, code, inner, bold, italic, strike, name] = found;
    if (code !== undefined) out.append(el("code", "", unescape(code)));
    else if (inner !== undefined) out.append(angle(inner));
    else if (bold !== undefined) out.append(el("b", "", inline(bold)));
    else if (italic !== undefined) out.append(el("i", "", inline(italic)));
    else if (strike !== undefined) out.append(el("s", "", inline(strike)));
    else out.append(emoji(name));
  }
  out.append(unescape(rest));
  return out;
}
/** Plain text, in its lines. */
function plain(text, marks) {
  const out = document.createDocumentFragment();
  const words = line => (marks ? line.replace(/:([a-z0-9_+-]+):/g, (_, name) => emoji(name)) : line);
  text.split("\n").forEach((line, n) => out.append(...(n ? [el("br"), words(line)] : [words(line)])));
  return out;
}
const text = t => (!t ? "" : t.type === "mrkdwn" ? mrkdwn(t.text) : plain(t.text, t.emoji !== false));

/** Rich text: leaves, and what holds them. */
function leaf(l) {
  const kinds = {
    text: () => plain(l.text), link: () => link(l.url, l.text), user: () => mention(l.user_id), usergroup: () => mention(l.usergroup_id),
    channel: () => el("span", "mention", channelName(l.channel_id)), broadcast: () => el("span", "mention me", "@" + l.range),
    emoji: () => emoji(l.name), color: () => l.value, date: () => date("!date^" + l.timestamp + "^" + l.format + (l.url ? "^" + l.url : ""), l.fallback),
  };
  let node = (kinds[l.type] || (() => ""))();
  const style = l.style || {};
  for (const [key, tag] of [["code", "code"], ["bold", "b"], ["italic", "i"], ["strike", "s"], ["underline", "u"]]) if (style[key]) node = el(tag, "", node);
  return node;
}
function rich(part) {
  if (part.type === "rich_text_list") {
    const list = el(part.style === "ordered" ? "ol" : "ul", "rich", ...part.elements.map(i => el("li", "", ...i.elements.map(leaf))));
    list.style.paddingLeft = 22 + 22 * (part.indent || 0) + "px";
    list.style.listStyle = part.style === "ordered" ? "decimal" : "disc";
    if (part.offset) list.start = part.offset + 1;
    return list;
  }
  const tag = { rich_text_preformatted: "pre", rich_text_quote: "blockquote" }[part.type] || "div";
  return el(tag, "", ...part.elements.map(leaf));
}

// --- what can be pressed and chosen ---

/** Asks first, where Slack would. */
function confirmed(e) {
  if (!e.confirm) return Promise.resolve(true);
  const dialog = $("sure"), { title, text: words, confirm, deny, style } = e.confirm;
  const no = set(el("button", "act", deny.text), { value: "no" }), yes = set(el("button", "act " + (style === "danger" ? "danger" : "primary"), confirm.text), { value: "yes" });
  const form = set(el("form", "", set(el("h3", "", title.text), { id: "sure-title" }), el("div", "", text(words)), el("div", "row", no, yes)), { method: "dialog" });
  dialog.replaceChildren(form);
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise(done => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), { once: true }));
}
const optionsOf = e => e.options || (e.option_groups || []).flatMap(g => g.options);

/** What a select offers, as [value, label] pairs. */
function choices(e) {
  if (/users_select/.test(e.type)) return shown.users.filter(u => !u.bot).map(u => [u.id, u.real_name || u.name]);
  if (/(conversations|channels)_select/.test(e.type)) return shown.channels.map(c => [c.id, c.name]);
  return optionsOf(e).map(o => [o.value, o.text.text]);
}

/** An element that acts at once: on a message, the Home, or in a modal outside of inputs. */
function element(e, at) {
  if (e.type === "mrkdwn" || e.type === "plain_text") return el("span", "", text(e));
  if (e.type === "image") return image(e, 20);
  const press = async more => (await confirmed(e)) && act({ ...at, control: e.action_id, ...more });
  if (e.type === "button") return set(button(e, press), { "data-control": e.action_id });
  if (e.type === "overflow") return overflow(e, press);
  const node = field(e, undefined);
  set(node, { "aria-label": e.placeholder ? e.placeholder.text : "Choose", "data-control": e.action_id });
  node.addEventListener("change", () => press({ act: "choose", value: node.read() }));
  return node;
}
function button(e, press) {
  const node = set(el("button", "act " + (e.style || ""), plain(e.text.text, true)), { type: "button", "aria-label": e.accessibility_label });
  node.onclick = async () => {
    if (e.url && /^https?:/i.test(e.url)) window.open(e.url, "_blank", "noopener");
    node.disabled = true;
    await press({ act: "click" });
    node.disabled = false;
  };
  return node;
}
function overflow(e, press) {
  const menu = set(el("div", ""), { role: "menu", hidden: true });
  const opener = set(el("button", "act", "⋯"), { type: "button", "aria-label": "More actions", "aria-haspopup": "menu", "aria-expanded": "false", "data-control": e.action_id });
  const open = on => { menu.hidden = !on; set(opener, { "aria-expanded": String(on) }); (on ? menu.firstChild : opener).focus(); };
  menu.append(...e.options.map(o => {
    const item = set(el("button", "", plain(o.text.text, true)), { type: "button", role: "menuitem", tabindex: "-1" });
    item.onclick = () => { open(false); press({ act: "choose", value: o.value }); };
    return item;
  }));
  opener.onclick = () => open(menu.hidden);
  const node = el("div", "menu", opener, menu);
  node.onkeydown = event => {
    const items = [...menu.children], at = items.indexOf(document.activeElement), steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 };
    if (menu.hidden) return;
    if (event.key === "Escape") { event.stopPropagation(); open(false); }
    if (!(event.key in steps)) return;
    event.preventDefault();
    items[(steps[event.key] + items.length) % items.length].focus();
  };
  node.addEventListener("focusout", event => { if (!node.contains(event.relatedTarget)) { menu.hidden = true; set(opener, { "aria-expanded": "false" }); } });
  return node;
}
function image(e, size) {
  const img = set(el("img"), { alt: e.alt_text || "" });
  if (/^https?:/i.test(e.image_url || "")) img.src = e.image_url;
  if (size) img.width = img.height = size;
  return img;
}

/** A form field for an element, with `read()`; `held` is its entry of state.values. */
function field(e, held) {
  const kept = held || {};
  if (/select$/.test(e.type)) return select(e, kept);
  if (e.type === "radio_buttons" || e.type === "checkboxes") return boxes(e, kept);
  const node = el(e.multiline ? "textarea" : "input");
  const kinds = { datepicker: "date", timepicker: "time", number_input: "number", email_text_input: "email", url_text_input: "url" };
  if (!e.multiline) node.type = kinds[e.type] || "text";
  node.value = kept.value ?? kept.selected_date ?? kept.selected_time ?? e.initial_value ?? e.initial_date ?? e.initial_time ?? "";
  if (e.placeholder) node.placeholder = e.placeholder.text;
  if (e.max_length) node.maxLength = e.max_length;
  node.read = () => node.value || null;
  return node;
}
function select(e, kept) {
  const many = e.type.startsWith("multi_"), node = el("select");
  node.multiple = many;
  if (!many) node.append(new Option(e.placeholder ? e.placeholder.text : "Choose…", ""));
  const was = [kept.selected_option?.value, kept.selected_user, kept.selected_conversation, ...(kept.selected_options || []).map(o => o.value), ...(kept.selected_users || [])];
  for (const [value, label] of choices(e)) node.append(new Option(label, value, false, was.includes(value)));
  node.read = () => (many ? [...node.selectedOptions].map(o => o.value) : node.value || null);
  return node;
}
function boxes(e, kept) {
  const was = [kept.selected_option?.value, ...(kept.selected_options || []).map(o => o.value)];
  const all = e.options.map(o => set(el("input"), { type: e.type === "checkboxes" ? "checkbox" : "radio", name: e.action_id, value: o.value, checked: was.includes(o.value) }));
  const node = el("div", "", ...all.map((box, i) => el("label", "", box, " ", text(e.options[i].text), el("br"))));
  node.read = () => { const on = all.filter(b => b.checked).map(b => b.value); return e.type === "checkboxes" ? on : on[0] ?? null; };
  return node;
}

// --- blocks ---

function block(b, at, form) {
  const kinds = {
    header: () => set(el("div", "block header", text(b.text)), { role: "heading", "aria-level": "2" }),
    divider: () => el("hr"),
    section: () => el("div", "block section", el("div", "", text(b.text), b.fields ? el("div", "fields", ...b.fields.map(f => el("div", "", text(f)))) : null), b.accessory ? element(b.accessory, at) : null),
    context: () => el("div", "block context", ...b.elements.map(e => element(e, at))),
    actions: () => el("div", "block actions", ...b.elements.map(e => element(e, at))),
    image: () => el("div", "block", b.title ? el("div", "note", text(b.title)) : null, image(b)),
    rich_text: () => el("div", "block", ...b.elements.map(rich)),
    markdown: () => el("div", "block", mrkdwn(b.text)),
    table: () => el("table", "block", ...b.rows.map(r => el("tr", "", ...r.map(c => el("td", "", ...(c.type === "rich_text" ? c.elements.map(rich) : [c.text])))))),
    input: () => input(b, form),
  };
  return (kinds[b.type] || (() => el("div", "block note", "[" + b.type + "]")))();
}
function input(b, form) {
  if (!form) return el("div", "block", text(b.label));
  const node = field(b.element, (form.values[b.block_id] || {})[b.element.action_id]);
  form.fields.push([b.block_id, node]);
  const id = "field-" + b.block_id, several = node.tagName === "DIV";
  node.required = !b.optional;
  set(node, { id, "aria-describedby": b.hint ? id + "-hint" : null, tabindex: several ? "-1" : null });
  const label = el(several ? "legend" : "label", "label", text(b.label), b.optional ? el("span", "note", " (optional)") : null);
  if (!several) label.htmlFor = id;
  const whole = el(several ? "fieldset" : "div", "block", label, node, b.hint ? set(el("div", "hint", text(b.hint)), { id: id + "-hint" }) : null);
  complain(node, form.errors[b.block_id]);
  return whole;
}
/** Says below a field what is wrong with it; `null`: nothing. */
function complain(node, words) {
  node.parentNode.querySelector(".error")?.remove();
  const id = node.id + "-error";
  set(node, { "aria-invalid": words ? "true" : null, "aria-errormessage": words ? id : null });
  if (words) node.after(set(el("div", "error", words), { id, role: "alert" }));
}
