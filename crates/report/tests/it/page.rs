//! What the page says and what it cannot be made to say.

use waxseal_policy::{Style, unable};
use waxseal_report::Page;

use crate::markup::read;
use crate::sample::{
    APK, HOSTILE, NODE, TAMED, changed, decision, digest, inventory, time, unmatched, whole,
};

#[test]
fn the_same_words_as_the_text() {
    let inventory = inventory(APK, NODE);
    let decisions = [
        decision("allow", "enforce", "shop"),
        decision("deny", "enforce", "shop"),
        decision("allow", "warn", "shop"),
        unmatched(),
        unable(
            &"registry.example/shop".parse().unwrap(),
            None,
            "the registry answered 503",
            Some("try again".to_owned()),
            time(),
        ),
    ];
    let words = [
        "verified",
        "refused",
        "let in, not verified",
        "let in, not verified",
        "could not check",
    ];
    for (decision, word) in decisions.iter().zip(words) {
        let markup = read(&whole(decision, &inventory, "x").render());
        let text = decision.render_text(Style::default());
        assert!(text.starts_with(&format!("{word} ")), "{text}");
        for line in text.lines() {
            let words = line.trim_start_matches([' ', '│', '├', '└', '─']);
            let words = words.strip_prefix(word).map_or(words, str::trim_start);
            let words = words.strip_prefix("digest ").unwrap_or(words);
            assert!(
                markup.text.contains(words),
                "`{words}` is not in {}",
                markup.text
            );
        }
        let shown: Vec<_> = markup
            .tags
            .iter()
            .filter_map(|t| t.attribute("class"))
            .collect();
        assert!(
            shown.iter().any(|class| class.starts_with("word ")),
            "{shown:?}"
        );
        let page = whole(decision, &inventory, "x").render();
        assert!(page.contains(&format!("<title>{word}: ")), "{word}");
    }
}

#[test]
fn packages_stand_under_their_layers() {
    let inventory = inventory(APK, NODE);
    let decision = decision("allow", "enforce", "shop");
    let page = whole(&decision, &inventory, "x").render();
    let (_, packages) = page.split_once("Packages by layer</h2>").unwrap();
    let (packages, _) = packages.split_once("</section>").unwrap();
    let text = read(&format!("<!DOCTYPE html><p>{packages}</p>")).text;
    let place = |what: &str| {
        text.find(what)
            .unwrap_or_else(|| panic!("`{what}` in {text}"))
    };
    let order = [
        "3 packages: 2 apk, 1 npm.",
        "Layer 1 of 3, 2 packages",
        digest("lower").as_str(),
        "musl1.2.5-r0apkMIT",
        "lib/apk/db/installed",
        "zlib1.3-r2apkZlib",
        "Layer 2 of 3, 0 packages",
        "No package is named here.",
        "Layer 3 of 3, 1 package",
        "left-pad1.3.0npmWTFPL",
        "pkg:npm/left-pad@1.3.0",
    ]
    .map(place);
    assert!(order.is_sorted(), "{order:?}");
}

#[test]
fn what_changed_since_another_image() {
    let before = inventory(
        "P:musl\nV:1.2.4-r0\n\nP:zlib\nV:1.3-r2\n\nP:gone\nV:1\n\n",
        r#"{"name": "left-pad", "version": "1.3.0"}"#,
    );
    let after = inventory(
        "P:musl\nV:1.2.5-r0\n\nP:zlib\nV:1.3-r2\n\nP:new\nV:2\n\n",
        r#"{"name": "left-pad", "version": "1.3.0"}"#,
    );
    let decision = decision("allow", "enforce", "shop");
    let mut page = whole(&decision, &after, "x");
    page.contents[0].since = Some((HOSTILE.to_owned(), changed(&before, &after)));
    let html = page.render();
    let said =
        format!("Since <code>{TAMED}</code>: 1 changed, 1 added, 1 removed; 2 packages the same.");
    assert!(html.contains(&said), "{html}");
    for row in [
        "musl</th><td>apk</td><td>changed</td><td>1.2.4-r0</td><td>1.2.5-r0</td></tr>",
        "new</th><td>apk</td><td>added</td><td><span class=\"muted\">none</span></td><td>2</td></tr>",
        "gone</th><td>apk</td><td>removed</td><td>1</td><td><span class=\"muted\">none</span></td></tr>",
    ] {
        assert!(html.contains(row), "`{row}` is not in {html}");
    }
    page.contents[0].since = Some(("older".to_owned(), changed(&after, &after)));
    let html = page.render();
    assert!(
        html.contains(": 0 changed, 0 added, 0 removed; 4 packages the same."),
        "{html}"
    );
    assert!(!html.contains("changes-table"), "{html}");
}

#[test]
fn who_signed_what_and_when() {
    let decision = decision("allow", "enforce", "shop");
    let page = Page::new(&decision, time()).render();
    for said in [
        "<th scope=\"row\">shop<br><span class=\"muted\">shop by shop</span></th>",
        "<td>attestation of shop</td>",
        "<time datetime=\"2026-02-28T09:30:00Z\">2026-02-28T09:30:00Z</time>",
        "<li>policy shop: shop is excused</li>",
    ] {
        assert!(page.contains(said), "{said}: {page}");
    }
    let refused = self::decision("deny", "enforce", "shop");
    let page = Page::new(&refused, time()).render();
    let said = "<li>policy shop: <strong class=\"bad\">not accepted</strong>: shop</li>";
    assert!(page.contains(said), "{page}");
}

#[test]
fn what_is_attached_says_what_became_of_it() {
    let decision = decision("deny", "enforce", "shop");
    let inventory = inventory(APK, NODE);
    let text = read(&whole(&decision, &inventory, "shop").render()).text;
    let found = format!(
        "{}shop, 1.0 kBsays it is signed with shopin this verdict: counts, by shop",
        digest("found")
    );
    assert!(text.contains(&found), "{text}");
    let rejected = format!(
        "{}shop, 1.0 kBsays it is signed with shopin this verdict: rejected: shop",
        digest("rejected")
    );
    assert!(text.contains(&rejected), "{text}");
    let other = format!(
        "{}shop, 1.0 kBsays it is signed with shopWhat",
        digest("other")
    );
    assert!(text.replace("Packages", "What").contains(&other), "{text}");
}

#[test]
fn hostile_text_stays_text() {
    let one_line = HOSTILE.replace(['\u{7}', '\u{200b}'], "");
    let apk = format!("P:{HOSTILE}\nV:{HOSTILE}\nL:{HOSTILE}\nm:{HOSTILE}\n\n");
    let node = serde_json::json!({ "name": one_line, "version": HOSTILE, "license": HOSTILE });
    let inventory = inventory(&apk, &node.to_string());
    let harmless = crate::sample::inventory(APK, NODE);
    for (verdict, mode) in [("allow", "enforce"), ("deny", "enforce"), ("allow", "warn")] {
        let hostile = decision(verdict, mode, HOSTILE);
        let mut page = whole(&hostile, &inventory, HOSTILE);
        page.contents[0].name = HOSTILE.to_owned();
        page.contents[0].layers[0].1 = HOSTILE.to_owned();
        page.contents[0].since = Some((HOSTILE.to_owned(), changed(&harmless, &inventory)));
        let hostile = page.render();
        let tame = decision(verdict, mode, "x");
        let mut page = whole(&tame, &harmless, "x");
        page.contents[0].name = "x".to_owned();
        page.contents[0].since = Some(("x".to_owned(), changed(&inventory, &harmless)));
        let tame = page.render();
        // Not one element or attribute comes from what others wrote.
        let (found, known) = (read(&hostile), read(&tame));
        for name in ["script", "style", "img", "a", "section", "h3"] {
            assert_eq!(
                found.named(name).count(),
                known.named(name).count(),
                "{name}"
            );
        }
        let names = |markup: &crate::markup::Markup| {
            let all = markup.tags.iter().flat_map(|tag| &tag.attributes);
            all.map(|(name, _)| name.clone())
                .collect::<std::collections::BTreeSet<_>>()
        };
        assert!(
            names(&found).is_subset(&names(&known)),
            "{:?}",
            names(&found)
        );
        // The element that counts: title, tree, signers, vulnerabilities, attached, packages.
        let times = hostile.matches(TAMED).count();
        assert!(times >= 30, "{times}");
        assert!(
            !hostile
                .chars()
                .any(|c| c == '\u{202e}' || c == '\u{200b}' || c == '\u{7}')
        );
        assert!(!hostile.contains("<img") && !hostile.contains("<script>alert"));
    }
}

#[test]
fn nothing_is_asked_of_a_network() {
    let inventory = inventory(APK, NODE);
    let decision = decision("allow", "enforce", "shop");
    let page = whole(&decision, &inventory, "x").render();
    let markup = read(&page);
    for tag in &markup.tags {
        assert_eq!(tag.attribute("src"), None, "{tag:?}");
        let inner = tag.attribute("href").is_none_or(|to| to.starts_with('#'));
        assert!(inner, "{tag:?}");
        assert_eq!(tag.attribute("style"), None, "{tag:?}");
    }
    assert!(
        !page.contains("url(") && !page.contains("@import"),
        "{page}"
    );
    let policy = markup.named("meta").find_map(|tag| {
        tag.attribute("http-equiv")
            .and_then(|_| tag.attribute("content"))
    });
    let policy = policy.unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
}

#[test]
fn it_can_be_read_without_eyes() {
    let inventory = inventory(APK, NODE);
    let decision = decision("allow", "enforce", "shop");
    let markup = read(&whole(&decision, &inventory, "x").render());
    for landmark in ["header", "nav", "main", "footer", "h1"] {
        assert_eq!(markup.named(landmark).count(), 1, "{landmark}");
    }
    // No level is left out on the way down.
    let levels: Vec<u32> = markup
        .tags
        .iter()
        .filter_map(|tag| tag.name.strip_prefix('h')?.parse().ok())
        .collect();
    assert!(
        levels.windows(2).all(|two| two[1] <= two[0] + 1),
        "{levels:?}"
    );
    assert_eq!(
        markup.named("table").count(),
        markup.named("caption").count()
    );
    assert!(markup.named("th").all(|th| th.attribute("scope").is_some()));
    let ids: Vec<&str> = markup
        .tags
        .iter()
        .filter_map(|t| t.attribute("id"))
        .collect();
    for tag in &markup.tags {
        for name in ["aria-labelledby", "aria-describedby", "for"] {
            assert!(
                tag.attribute(name).is_none_or(|id| ids.contains(&id)),
                "{tag:?}"
            );
        }
        let target = tag.attribute("href").and_then(|to| to.strip_prefix('#'));
        assert!(target.is_none_or(|id| ids.contains(&id)), "{tag:?}");
    }
    assert!(
        markup
            .tags
            .iter()
            .any(|tag| tag.attribute("aria-live") == Some("polite"))
    );
    assert_eq!(
        markup.named("html").next().unwrap().attribute("lang"),
        Some("en")
    );
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let page = || {
        let inventory = inventory(APK, NODE);
        let decision = decision("deny", "enforce", "shop");
        whole(&decision, &inventory, "x").render()
    };
    assert_eq!(page(), page());
}
