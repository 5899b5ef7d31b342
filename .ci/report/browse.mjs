// Opens the pages in the folder that is the first argument, in headless Chromium, and goes through
// them as a person would: by eye (text, colours, paper), by mouse, by keyboard, without the script,
// and with axe-core for what assistive technology needs. Prints a line for each thing.
//
//   node browse.mjs FOLDER [--screenshot FILE]
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [folder, ...words] = process.argv.slice(2);
const picture = words[0] === "--screenshot" ? words[1] : undefined;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const program = process.env.CHROMIUM ?? "chromium";
const executablePath = path.isAbsolute(program)
  ? program
  : execFileSync("sh", ["-c", `command -v "$0"`, program], { encoding: "utf8" }).trim();
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

let failed = 0;
let passed = 0;
async function line(name, run) {
  try {
    await run();
    passed += 1;
    console.log(`PASS  ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}\n      ${String(error.message).replaceAll("\n", "\n      ")}`);
  }
}

// A page in a window of its own; whatever it asks for, says or breaks is written down.
async function open(name, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  const noise = [];
  page.on("console", (message) => noise.push(message.text()));
  page.on("pageerror", (error) => noise.push(error.message));
  page.on("dialog", (dialog) => { noise.push(`dialog ${dialog.message()}`); dialog.dismiss(); });
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  const address = pathToFileURL(path.join(folder, `${name}.html`)).href;
  await page.goto(address);
  return { context, page, noise, asked, address };
}

const rows = (page) => page.locator(".layer tbody tr:visible").count();
const names = (page) => page.locator(".layer tbody tr:visible th").allInnerTexts();
const active = (page) => page.evaluate(() => {
  const at = document.activeElement;
  return `${at.tagName.toLowerCase()}${at.id ? `#${at.id}` : ""}`;
});

for (const name of ["verified", "refused", "hostile", "large"]) {
  await line(`${name}: asks for nothing and breaks nothing`, async () => {
    const { context, page, noise, asked, address } = await open(name);
    assert.deepEqual(asked, [address]);
    assert.deepEqual(noise, []);
    assert.equal(await page.locator(".tools").isVisible(), true, "the script did not run");
    await context.close();
  });
}

for (const name of ["verified", "refused", "hostile"]) {
  for (const colorScheme of ["light", "dark"]) {
    for (const width of [1280, 360]) {
      await line(`${name}: nothing for axe-core to say (${colorScheme}, ${width} wide)`, async () => {
        // The page's own policy admits no script but its own: axe goes around it.
        const { context, page } = await open(name, {
          bypassCSP: true, colorScheme, viewport: { width, height: 900 },
        });
        await page.addScriptTag({ content: axe });
        const found = await page.evaluate(() => globalThis.axe.run(document, {
          runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
        }));
        const said = found.violations.flatMap((rule) =>
          rule.nodes.map((node) => `${rule.id}: ${node.target} ${node.failureSummary}`));
        assert.deepEqual(said, []);
        assert.ok(found.passes.some((rule) => rule.id === "color-contrast"));
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `the page is ${wide} pixels too wide`);
        await context.close();
      });
    }
  }
}

await line("verified: says so, with signer and time", async () => {
  const { context, page } = await open("verified");
  assert.match(await page.title(), /^verified: /);
  assert.equal(await page.locator("header .word").innerText(), "verified");
  const signers = await page.locator("#signers-table").locator("xpath=..").innerText();
  assert.match(signers, /release\.yml@refs\/tags\/v1\.2\.3/);
  assert.match(signers, /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d/);
  const said = await page.locator("section[aria-labelledby=vulnerabilities]").innerText();
  assert.match(said, /CVE-2024-0001 .* is excused: not_affected/);
  await context.close();
});

await line("verified: says what changed", async () => {
  const { context, page } = await open("verified");
  const rows = await page.locator("section[aria-labelledby=changes-0] tbody tr").allInnerTexts();
  assert.deepEqual(rows.map((row) => row.split(/\s+/).join(" ")), [
    "alpine/zlib apk changed 1.3.1-r1 1.3.1-r2",
    "left-pad npm added none 1.3.0",
    "cookie npm removed 0.6.0 none",
  ]);
  await context.close();
});

await line("refused: says so, and why", async () => {
  const { context, page } = await open("refused");
  assert.equal(await page.locator("header .word").innerText(), "refused");
  const said = await page.locator("section[aria-labelledby=verdict]").innerText();
  assert.match(said, /NOT MET: signature/);
  assert.match(said, /missing: no signature by release-workflow/);
  await context.close();
});

await line("hostile: names are text, direction marks are numbers", async () => {
  const { context, page } = await open("hostile");
  assert.doesNotMatch(await page.title(), /owned/);
  assert.equal(await page.locator("script").count(), 1);
  assert.equal(await page.locator("img").count(), 0);
  const text = await page.locator("body").innerText();
  assert.ok(text.includes("</script><script>document.title='owned'</script><img src=x"));
  assert.ok(text.includes("\\u{202e}gnp"));
  assert.ok(!text.includes("\u202e"));
  await context.close();
});

await line("a stranger's script does not run, even put into the file", async () => {
  const html = readFileSync(path.join(folder, "verified.html"), "utf8");
  const changed = html.replace("<footer>", "<script>document.title='owned'</script>" +
    "<img src='http://127.0.0.1:9/x' onerror=\"document.title='owned'\"><footer>");
  assert.notEqual(changed, html);
  writeFileSync(path.join(folder, "changed.html"), changed);
  const { context, page, noise } = await open("changed");
  assert.equal(noise.filter((text) => text.includes("Content Security Policy")).length, 3, noise.join());
  assert.doesNotMatch(await page.title(), /owned/);
  await context.close();
});

await line("the filter narrows the list and says so", async () => {
  const { context, page } = await open("verified");
  const filter = page.getByRole("searchbox", { name: "Filter packages" });
  const status = page.getByRole("status");
  const all = await rows(page);
  assert.equal(all, 15);
  assert.equal(await status.innerText(), "15 packages");
  await filter.fill("MIT npm");
  assert.deepEqual(await names(page), ["accepts", "body-parser", "express", "send"]);
  assert.equal(await status.innerText(), "4 of 15 packages shown");
  assert.equal(await page.locator(".layer:visible").count(), 1);
  await filter.fill("ZLIB 1.3.1-R2");
  assert.equal(await rows(page), 1);
  await filter.fill("no such thing");
  assert.equal(await rows(page), 0);
  assert.equal(await status.innerText(), "0 of 15 packages shown");
  await filter.press("Escape");
  assert.equal(await filter.inputValue(), "");
  assert.equal(await rows(page), all);
  assert.equal(await status.innerText(), "15 packages");
  await context.close();
});

await line("layers fold, by mouse, by keyboard, all at once", async () => {
  const { context, page } = await open("verified");
  const first = page.locator(".layer").first();
  const isOpen = () => first.evaluate((details) => details.open);
  assert.equal(await isOpen(), true);
  await first.locator("summary").click();
  assert.equal(await isOpen(), false);
  await first.locator("summary").focus();
  await page.keyboard.press("Enter");
  assert.equal(await isOpen(), true);
  await page.getByRole("button", { name: "Close all layers" }).click();
  assert.equal(await rows(page), 0);
  // A filter opens what it finds, and leaves things as they were.
  await page.getByRole("searchbox").fill("express");
  assert.deepEqual(await names(page), ["express"]);
  await page.getByRole("searchbox").fill("");
  assert.equal(await rows(page), 0);
  await page.getByRole("button", { name: "Open all layers" }).click();
  assert.equal(await rows(page), 15);
  await context.close();
});

await line("the keyboard goes everywhere, in order, and is seen", async () => {
  const { context, page } = await open("verified");
  await page.keyboard.press("Tab");
  const skip = page.locator(".skip");
  assert.equal(await skip.evaluate((link) => link === document.activeElement), true);
  assert.ok((await skip.boundingBox()).x >= 0, "the skip link is not shown");
  await page.keyboard.press("Enter");
  assert.equal(await active(page), "main#report");
  await page.goto(page.url().split("#")[0]);
  const expected = await page.evaluate(() => Array.from(
    document.querySelectorAll("a[href], input, button, summary, [tabindex='0']"),
    (element) => element.outerHTML.slice(0, 80),
  ));
  const seen = [];
  for (const _ of expected) {
    await page.keyboard.press("Tab");
    const at = await page.evaluate(() => {
      const element = document.activeElement;
      const style = getComputedStyle(element);
      return { html: element.outerHTML.slice(0, 80), outline: style.outlineStyle, width: style.outlineWidth };
    });
    assert.equal(`${at.outline} ${at.width}`, "solid 3px", `no focus to be seen on ${at.html}`);
    seen.push(at.html);
  }
  assert.deepEqual(seen, expected);
  await context.close();
});

await line("a heading for each link, and each link leads there", async () => {
  const { context, page } = await open("verified");
  for (const link of await page.locator("nav a").all()) {
    await link.click();
    const target = await page.evaluate(() => document.querySelector(":target").textContent);
    assert.equal(target, await link.innerText());
  }
  const tree = await page.locator("body").ariaSnapshot();
  for (const landmark of ["banner", "navigation \"On this page\"", "main", "contentinfo"]) {
    assert.ok(tree.includes(`- ${landmark}`), `${landmark} is not in ${tree}`);
  }
  await context.close();
});

await line("without the script everything is there but the filter", async () => {
  const { context, page } = await open("verified", { javaScriptEnabled: false });
  assert.equal(await page.locator(".tools").isVisible(), false);
  assert.equal(await page.locator(".layer tbody tr:visible").count(), 15);
  const first = page.locator(".layer").first();
  await first.locator("summary").click();
  assert.equal(await first.locator("table").isVisible(), false);
  await context.close();
});

await line("on paper every layer is unfolded and dark is light", async () => {
  const { context, page } = await open("verified", { colorScheme: "dark" });
  const ground = () => page.evaluate(() => getComputedStyle(document.documentElement).backgroundColor);
  assert.equal(await ground(), "rgb(13, 17, 23)");
  await page.getByRole("button", { name: "Close all layers" }).click();
  await page.emulateMedia({ media: "print" });
  assert.equal(await ground(), "rgb(255, 255, 255)");
  for (const hidden of ["nav", ".tools", ".skip"]) {
    assert.equal(await page.locator(hidden).first().isVisible(), false, hidden);
  }
  const heights = await page.locator(".layer table").evaluateAll((all) =>
    all.map((table) => table.getBoundingClientRect().height));
  assert.ok(heights.length === 2 && heights.every((height) => height > 50), String(heights));
  const pdf = await page.pdf({ format: "A4" });
  assert.ok(pdf.subarray(0, 5).toString() === "%PDF-" && pdf.length > 20_000, String(pdf.length));
  await context.close();
});

await line("five thousand packages are opened and filtered at once", async () => {
  const { context, page } = await open("large");
  assert.equal(await rows(page), 0, "a long list waits to be opened");
  await page.getByRole("searchbox").fill("package-4711");
  assert.deepEqual(await names(page), ["package-4711"]);
  assert.equal(await page.getByRole("status").innerText(), "1 of 5000 packages shown");
  await context.close();
});

if (picture) {
  await line(`the picture is in ${picture}`, async () => {
    const { context, page } = await open("verified", {
      colorScheme: "light", viewport: { width: 1000, height: 1400 },
    });
    await page.screenshot({ path: picture });
    await context.close();
  });
}

await browser.close();
console.log(`\n${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 && passed > 0 ? 0 : 1;
