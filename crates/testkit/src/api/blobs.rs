//! Blobs and their uploads.

use axum::http::header;
use bytes::Bytes;
use waxseal_oci::Digest;

use super::{Answer, Api, Call, answer, content, error};

pub(crate) fn blob(api: &Api, call: &Call, name: &str, digest: &str) -> Answer {
    let Ok(digest) = digest.parse::<Digest>() else {
        return error(400, "DIGEST_INVALID", "the digest does not parse");
    };
    match call.method.as_str() {
        "GET" | "HEAD" => match api.contents.blob_bytes(name, &digest) {
            Some(bytes) => read(call, &digest, bytes),
            None => error(404, "BLOB_UNKNOWN", "blob unknown to registry"),
        },
        "DELETE" if api.contents.delete_blob(name, &digest) => answer(202, &[], ""),
        "DELETE" => error(404, "BLOB_UNKNOWN", "blob unknown to registry"),
        _ => error(405, "UNSUPPORTED", "method not allowed"),
    }
}

fn read(call: &Call, digest: &Digest, bytes: Bytes) -> Answer {
    let headers = [
        ("content-type", "application/octet-stream"),
        ("docker-content-digest", digest.as_str()),
        ("accept-ranges", "bytes"),
    ];
    let Some(start) = range_start(call) else {
        return content(call, &headers, bytes);
    };
    let total = bytes.len();
    if start >= total {
        return error(416, "SIZE_INVALID", "the range begins past the end");
    }
    let mut part = content(call, &headers, bytes.slice(start..));
    *part.status_mut() = axum::http::StatusCode::PARTIAL_CONTENT;
    let range = format!("bytes {start}-{}/{total}", total - 1);
    let range = range.parse().unwrap();
    part.headers_mut().insert(header::CONTENT_RANGE, range);
    part
}

/// The N of `Range: bytes=N-`; other ranges are answered in full, as RFC 9110 allows.
fn range_start(call: &Call) -> Option<usize> {
    let range = call.headers.get(header::RANGE)?.to_str().ok()?;
    range
        .strip_prefix("bytes=")?
        .strip_suffix('-')?
        .parse()
        .ok()
}

pub(crate) fn upload(api: &Api, call: &Call, name: &str, id: &str) -> Answer {
    match call.method.as_str() {
        "POST" if id.is_empty() => start(api, call, name),
        "PATCH" | "PUT" => {
            let Some(at) = api.contents.append_upload(id, &[]) else {
                return unknown();
            };
            if out_of_order(call, at) {
                return error(416, "BLOB_UPLOAD_INVALID", "the chunk is out of order");
            }
            let length = api.contents.append_upload(id, &call.body);
            if call.method == "PATCH" {
                return accepted(name, id, length.unwrap_or(at), 202);
            }
            let bytes = api.contents.take_upload(id).unwrap_or_default();
            finish(api, call, name, bytes.into())
        }
        "GET" => match api.contents.append_upload(id, &[]) {
            Some(length) => accepted(name, id, length, 204),
            None => unknown(),
        },
        "DELETE" => match api.contents.take_upload(id) {
            Some(_) => answer(204, &[], ""),
            None => unknown(),
        },
        _ => error(405, "UNSUPPORTED", "method not allowed"),
    }
}

fn start(api: &Api, call: &Call, name: &str) -> Answer {
    let (mount, from) = (call.query.get("mount"), call.query.get("from"));
    if let (Some(mount), Some(from)) = (mount, from)
        && let Ok(digest) = mount.parse::<Digest>()
        && let Some(bytes) = api.contents.blob_bytes(from, &digest)
    {
        api.contents.put_blob(name, &digest, bytes);
        return created(name, &digest);
    }
    if call.query.contains_key("digest") {
        return finish(api, call, name, call.body.clone());
    }
    accepted(name, &api.contents.start_upload(), 0, 202)
}

fn finish(api: &Api, call: &Call, name: &str, bytes: Bytes) -> Answer {
    let digest = call.query.get("digest").and_then(|d| d.parse().ok());
    let Some(digest) = digest else {
        return error(400, "DIGEST_INVALID", "the digest does not parse");
    };
    if !Digest::matches(&digest, &bytes) {
        return error(400, "DIGEST_INVALID", "the digest does not match the bytes");
    }
    api.contents.put_blob(name, &digest, bytes);
    created(name, &digest)
}

fn out_of_order(call: &Call, at: usize) -> bool {
    let range = call.headers.get(header::CONTENT_RANGE);
    let start = range
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.split_once('-')?.0.parse::<usize>().ok());
    start.is_some_and(|start| start != at)
}

fn accepted(name: &str, id: &str, length: usize, status: u16) -> Answer {
    let location = format!("/v2/{name}/blobs/uploads/{id}");
    let range = format!("0-{}", length.saturating_sub(1));
    let headers = [
        ("location", location.as_str()),
        ("range", range.as_str()),
        ("docker-upload-uuid", id),
    ];
    answer(status, &headers, "")
}

fn created(name: &str, digest: &Digest) -> Answer {
    let location = format!("/v2/{name}/blobs/{digest}");
    let headers = [
        ("location", location.as_str()),
        ("docker-content-digest", digest.as_str()),
    ];
    answer(201, &headers, "")
}

fn unknown() -> Answer {
    error(404, "BLOB_UPLOAD_UNKNOWN", "upload unknown to registry")
}
