//! Manifests, tags and referrers.

use axum::http::header;
use serde_json::json;
use waxseal_oci::{Digest, media};

use crate::store::Entry;

use super::{Answer, Api, Call, answer, content, error};

pub(crate) fn manifest(api: &Api, call: &Call, name: &str, reference: &str) -> Answer {
    match call.method.as_str() {
        "GET" | "HEAD" => read(api, call, name, reference),
        "PUT" => write(api, call, name, reference),
        "DELETE" if api.contents.delete(name, reference) => answer(202, &[], ""),
        "DELETE" => error(404, "MANIFEST_UNKNOWN", "manifest unknown"),
        _ => error(405, "UNSUPPORTED", "method not allowed"),
    }
}

fn read(api: &Api, call: &Call, name: &str, reference: &str) -> Answer {
    let Some(stored) = api.contents.stored(name, reference) else {
        return error(404, "MANIFEST_UNKNOWN", "manifest unknown");
    };
    // As docker-registry does: an OCI document is not for a client that does
    // not say that it can read it.
    let accept: Vec<_> = call.headers.get_all(header::ACCEPT).iter().collect();
    let accepts = |v: &&header::HeaderValue| {
        v.to_str()
            .is_ok_and(|v| v.contains(&stored.media_type) || v.contains("*/*"))
    };
    if !accept.is_empty() && !accept.iter().any(accepts) {
        let message = format!("{} found, which is not accepted", stored.media_type);
        return error(404, "MANIFEST_UNKNOWN", &message);
    }
    let headers = [
        ("content-type", stored.media_type.as_str()),
        ("docker-content-digest", stored.digest.as_str()),
    ];
    content(call, &headers, stored.bytes)
}

fn write(api: &Api, call: &Call, name: &str, reference: &str) -> Answer {
    let media_type = call.headers.get(header::CONTENT_TYPE);
    let Some(media_type) = media_type.and_then(|v| v.to_str().ok()) else {
        return error(400, "MANIFEST_INVALID", "missing Content-Type");
    };
    if serde_json::from_slice::<serde::de::IgnoredAny>(&call.body).is_err() {
        return error(400, "MANIFEST_INVALID", "the manifest is not JSON");
    }
    let digest = match reference.parse::<Digest>() {
        Ok(digest) if digest.matches(&call.body) => digest,
        Ok(_) => return error(400, "DIGEST_INVALID", "the digest does not match the bytes"),
        Err(_) if is_tag(reference) => Digest::sha256(&call.body),
        Err(_) => return error(400, "MANIFEST_INVALID", "neither a tag nor a digest"),
    };
    let entry = Entry::read(&call.body);
    if !api.dangling
        && let Some(missing) = missing(api, name, &entry)
    {
        let message = format!("{missing} is not in the repository");
        return error(400, "MANIFEST_BLOB_UNKNOWN", &message);
    }
    let stored = api.contents.put_manifest(
        name,
        reference,
        digest.clone(),
        media_type,
        call.body.clone(),
    );
    let location = format!("/v2/{name}/manifests/{}", stored.digest);
    let mut headers = vec![
        ("location", location.as_str()),
        ("docker-content-digest", digest.as_str()),
    ];
    // distribution-spec 1.1: "the registry MUST set OCI-Subject" when it
    // handles the subject.
    if let Some(subject) = entry.subject.as_ref().filter(|_| api.referrers) {
        headers.push(("oci-subject", subject.as_str()));
    }
    answer(201, &headers, "")
}

fn missing<'a>(api: &Api, name: &str, entry: &'a Entry) -> Option<&'a Digest> {
    let no_blob = |d: &&Digest| api.contents.blob_bytes(name, d).is_none();
    let no_manifest = |d: &&Digest| api.contents.stored(name, d.as_str()).is_none();
    let blob = entry.blobs.iter().find(no_blob);
    blob.or_else(|| entry.members.iter().find(no_manifest))
}

fn is_tag(text: &str) -> bool {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    (1..=128).contains(&text.len()) && text.bytes().all(good) && !text.starts_with(['.', '-'])
}

pub(crate) fn tags(api: &Api, call: &Call, name: &str) -> Answer {
    if !api.contents.has_repository(name) {
        return error(404, "NAME_UNKNOWN", "repository unknown to registry");
    }
    let last = call.query.get("last").cloned().unwrap_or_default();
    let mut tags = api.contents.tags(name);
    tags.retain(|t| *t > last);
    let n = call.query.get("n").and_then(|n| n.parse::<usize>().ok());
    let more = n.is_some_and(|n| tags.len() > n);
    tags.truncate(n.unwrap_or(tags.len()));
    let next = tags.last().map(|t| {
        let n = n.unwrap_or_default();
        format!("</v2/{name}/tags/list?n={n}&last={t}>; rel=\"next\"")
    });
    let mut headers = vec![("content-type", "application/json")];
    if let Some(next) = next.as_deref().filter(|_| more) {
        headers.push(("link", next));
    }
    let body = json!({ "name": name, "tags": tags });
    answer(200, &headers, body.to_string())
}

pub(crate) fn referrers(api: &Api, call: &Call, name: &str, digest: &str) -> Answer {
    let Ok(subject) = digest.parse::<Digest>() else {
        return error(400, "DIGEST_INVALID", "the digest does not parse");
    };
    if !matches!(call.method.as_str(), "GET" | "HEAD") {
        return error(405, "UNSUPPORTED", "method not allowed");
    }
    let mut entries = api.contents.referrers(name, &subject);
    let filter = call.query.get("artifactType");
    if let Some(filter) = filter {
        entries.retain(|e| e.artifact_type.as_ref() == Some(filter));
    }
    let from = call.query.get("from").and_then(|n| n.parse::<usize>().ok());
    let from = from.unwrap_or_default();
    let page = api.page.unwrap_or(usize::MAX);
    let more = entries.len() > from.saturating_add(page);
    let entries: Vec<_> = entries.into_iter().skip(from).take(page).collect();
    let next = filter.map_or_else(String::new, |f| {
        format!("&artifactType={}", f.replace('+', "%2B"))
    });
    let next = format!(
        "</v2/{name}/referrers/{subject}?from={}{next}>; rel=\"next\"",
        from.saturating_add(page)
    );
    let mut headers = vec![("content-type", media::OCI_INDEX)];
    if more {
        headers.push(("link", &next));
    }
    if filter.is_some() {
        headers.push(("oci-filters-applied", "artifactType"));
    }
    let list = json!({
        "schemaVersion": 2,
        "mediaType": media::OCI_INDEX,
        "manifests": entries,
    });
    content(call, &headers, list.to_string().into())
}
