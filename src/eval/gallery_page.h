// The fixed text of the gallery: style, controls and script. Data comes as JSON in the element
// `data`.
#pragma once

namespace reasonbrain::eval {

constexpr const char* kGalleryHead = R"page(<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>ReasonBrain evaluation</title>
<style>
body { font: 15px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; background: #fff; }
table { border-collapse: collapse; margin: 0 0 1em; }
th, td { padding: .2em .7em; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
form { position: sticky; top: 0; background: #fff; padding: .6em 0; border-bottom: 1px solid #bbb; }
form > * { margin-right: .6em; }
.sample { border-bottom: 1px solid #ddd; padding: .8em 0; }
.pictures { display: flex; flex-wrap: wrap; gap: .8em; }
figure { margin: 0; max-width: 192px; font-size: 13px; }
figure img { width: 192px; height: 192px; object-fit: contain; image-rendering: pixelated; background: #eee; }
.stack { position: relative; width: 192px; height: 192px; isolation: isolate; }
.stack img + img { position: absolute; left: 0; top: 0; mix-blend-mode: difference; }
.bright { filter: brightness(4); }
.right { color: #06692e; } .wrong { color: #a11; } .meta { color: #666; font-size: 13px; }
@media (prefers-color-scheme: dark) {
  body, form { background: #161616; color: #ddd; } figure img { background: #333; }
  .right { color: #6d6; } .wrong { color: #f88; } .meta { color: #999; }
}
</style>
<h1>ReasonBrain evaluation</h1>
)page";

constexpr const char* kGalleryControls = R"page(<form onsubmit="return false">
<input id="search" type="search" placeholder="words of the instruction or id">
<select id="category"><option value="">every category</option></select>
<select id="scenario"><option value="">every scenario</option></select>
<select id="outcome"><option value="">every outcome</option></select>
<select id="method"></select>
<select id="verdict"><option value="">right and wrong</option><option value="right">right</option>
<option value="wrong">wrong</option><option value="failed">failed</option>
<option value="differ">methods differ</option></select>
<select id="sort"><option value="">order of the data</option></select>
<select id="view"><option value="">pictures</option><option value="target">difference to target</option>
<option value="source">difference to source</option></select>
<label><input id="bright" type="checkbox" checked> brighten differences</label>
<button id="reset" type="reset">reset</button>
<span id="count"></span>
</form>
<div id="samples"></div>
<p><button id="more" type="button">show more</button></p>
)page";

constexpr const char* kGalleryScript = R"page(<script>
'use strict';
const data = JSON.parse(document.getElementById('data').textContent);
const PAGE = 100;
const control = name => document.getElementById(name);
let shown = PAGE;

function element(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}
function option(select, value, text) {
  const e = element('option', '', text);
  e.value = value;
  select.append(e);
}
function verdict(output) {
  if (!output || output.failed) return 'failed';
  return output.values[data.verdict_metric] === 1 ? 'right' : 'wrong';
}
function image(path, caption) {
  const i = element('img');
  i.loading = 'lazy';
  i.src = path;
  i.alt = caption;
  return i;
}
// With `other`, what is seen is the difference of the two pictures: the browser blends them, so that
// the page works from a file, where scripts may not read pixels.
function picture(path, caption, className, other) {
  const f = element('figure');
  if (path && other) {
    const stack = element('div', control('bright').checked ? 'stack bright' : 'stack');
    stack.append(image(path, caption), image(other, 'difference'));
    f.append(stack);
  } else if (path) {
    f.append(image(path, caption));
  }
  f.append(element('figcaption', className || '', caption));
  return f;
}
function numbers(output) {
  return data.metrics.map((name, k) => output.values[k] === null ? null :
      name + ' ' + Number(output.values[k].toFixed(3))).filter(t => t).join(', ');
}
function sampleElement(s) {
  const box = element('div', 'sample');
  box.append(element('div', '', s.instruction));
  box.append(element('div', 'meta', [s.id, s.category, s.scenario, s.outcome].filter(t => t).join(' · ')));
  const row = element('div', 'pictures');
  const other = {target: s.target, source: s.source}[control('view').value];
  row.append(picture(s.source, 'source', '', control('view').value === 'target' ? other : undefined));
  s.outputs.forEach((output, m) => {
    const v = verdict(output);
    const f = picture(output.image, data.methods[m] + ': ' + v, v === 'right' ? 'right' : 'wrong', other);
    f.append(element('div', 'meta', output.failed || numbers(output)));
    row.append(f);
    if (output.nearest) row.append(picture(output.nearest_image, 'worst alternative: ' + output.nearest, 'meta', other));
  });
  row.append(picture(s.target, 'target', '', control('view').value === 'source' ? other : undefined));
  box.append(row);
  return box;
}
function differ(s) {
  return new Set(s.outputs.map(verdict)).size > 1;
}
function matches(s) {
  const wanted = control('verdict').value;
  const words = control('search').value.toLowerCase().split(' ').filter(w => w);
  return ['category', 'scenario', 'outcome'].every(name => !control(name).value || s[name] === control(name).value) &&
    (!wanted || (wanted === 'differ' ? differ(s) : verdict(s.outputs[Number(control('method').value)]) === wanted)) &&
    words.every(w => (s.id + ' ' + s.instruction).toLowerCase().includes(w));
}
// Undefined values come last in either direction.
function sorted(found) {
  if (control('sort').value === '') return found;
  const [metric, sign] = control('sort').value.split(' ').map(Number);
  const value = s => {
    const output = s.outputs[Number(control('method').value)];
    const v = output ? output.values[metric] : null;
    return v === null ? Infinity : sign * v;
  };
  return found.slice().sort((a, b) => value(a) === value(b) ? 0 : value(a) - value(b));
}
// The view is kept in the address, so that it can be passed on.
const STATE = ['search', 'category', 'scenario', 'outcome', 'method', 'verdict', 'sort', 'view'];
function saveState() {
  const state = new URLSearchParams();
  for (const name of STATE) if (control(name).value) state.set(name, control(name).value);
  try { history.replaceState(null, '', '#' + state); } catch (e) { /* a page from a file may not */ }
}
function loadState() {
  const state = new URLSearchParams(location.hash.slice(1));
  for (const name of STATE) if (state.has(name)) control(name).value = state.get(name);
}
function show() {
  const found = sorted(data.samples.filter(matches));
  control('count').textContent = found.length + ' of ' + data.samples.length + ' samples';
  control('samples').replaceChildren(...found.slice(0, shown).map(sampleElement));
  control('more').hidden = found.length <= shown;
}
for (const name of ['category', 'scenario', 'outcome']) {
  for (const value of [...new Set(data.samples.map(s => s[name]))].filter(v => v).sort()) {
    option(control(name), value, value);
  }
}
data.methods.forEach((name, m) => option(control('method'), m, name));
data.metrics.forEach((name, k) => {
  option(control('sort'), k + ' 1', 'lowest ' + name + ' first');
  option(control('sort'), k + ' -1', 'highest ' + name + ' first');
});
const update = () => { shown = PAGE; saveState(); show(); };
for (const name of [...STATE, 'bright']) control(name).addEventListener('input', update);
control('reset').addEventListener('click', () => setTimeout(update));
control('more').addEventListener('click', () => { shown += PAGE; show(); });
loadState();
show();
</script>
</html>
)page";

}  // namespace reasonbrain::eval
